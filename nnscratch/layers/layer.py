"""Layer: a function with parameters, built when the shape of its input is known."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import constraints, initializers, regularizers
from nnscratch.autograd import Parameter, Tensor, no_grad
from nnscratch.autograd.modes import CURRENT_LAYER
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.configuration import Configured
from nnscratch.layers.placing import (
    ON_HOST,
    arrays_taken,
    brought,
    move_own_arrays,
    move_parameter,
)
from nnscratch.layers.symbolic import LayerCall, SymbolicTensor, are_lengths
from nnscratch.naming import snake_case, unique_name
from nnscratch_kernels import devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    import numpy.typing as npt


Shape = tuple[int | None, ...]


def _noting_that_it_is_built(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """A `build` after which the layer knows that it is built, also when it was called by hand."""

    @wraps(build)
    def build_and_note(self: Layer, input_shape: Any) -> None:
        before = () if self._trainable else set(self._parts())
        if self._device is None:
            self._device = devices.current_device()
        with devices.device(self._device):
            build(self, input_shape)
        if self._device != devices.CPU:
            self._move(self._device)
        self.input_shape, self.built = input_shape, True
        if not self._trainable:  # freeze what build has just created, and only that
            for part in self._parts():
                if part not in before:
                    part.trainable = False
        Layer.structure_version += 1

    return build_and_note


COLLECTED_LOSSES: ContextVar[list[Any] | None] = ContextVar("nnscratch_losses", default=None)
"""Where `Layer.add_loss` puts its losses while a training or test step runs."""

INITIAL_VALUES: ContextVar[Callable[..., Any] | None] = ContextVar("nnscratch_values", default=None)
"""What makes the values of new weights instead of their initializers, while a file is loaded."""


class Layer(Configured):
    """Base of all layers: subclass it, create weights in `build`, compute in `call`.

    Parameters and layers that are set as attributes, also in lists, tuples and dictionaries, are
    found by themselves.
    Shapes have None for the batch axis, as in Keras: (None, 20). Where a layer takes several
    inputs, `inputs` and `input_shape` are lists.

    Attributes:
        name: unique by default, as Keras counts (`dense`, `dense_1`, …).
        dtype: dtype of its weights and of its floating-point inputs.
        built: whether its weights exist.
        input_shape: shape of the inputs, None for the batch axis, once known.
        device: where its weights are, or will be made: "cpu" or "gpu:0".
    """

    # Raised whenever some layer gains or loses weights, so that lists of weights can be kept.
    structure_version = 0

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: npt.DTypeLike = "float32",
        input_shape: tuple[int, ...] | None = None,
        input_dim: int | None = None,
    ) -> None:
        """Name the layer.

        Args:
            name: what messages, files and logs call it.
            trainable: whether its weights are trained.
            dtype: dtype of its weights and of its floating-point inputs.
            input_shape: shape of one sample, without the batch axis: a model builds at once.
            input_dim: number of features, for `input_shape=(input_dim,)`.

        Raises:
            ValueError: an input_dim that is not a positive integer.
            TypeError: an input_shape that is not a tuple, a name that is not text.
        """
        if not isinstance(name, str | None):
            raise TypeError(f"A layer's name is text, got {name!r}: write name='my_layer'.")
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.dtype = np.dtype(dtype)
        self.built = False
        if input_dim is not None:
            input_shape = (self.positive_integer("input_dim", input_dim),)
        if input_shape is not None and not are_lengths(input_shape):
            raise TypeError(
                f"Layer {self.name!r} takes input_shape as a tuple such as (20,), without the "
                f"batch axis, got {input_shape!r:.80}."
            )
        self.input_shape: Any = None if input_shape is None else (None, *input_shape)
        self._added_weights: list[Parameter] = []
        self._trainable = trainable
        self._never_trained: tuple[Parameter, ...] = ()
        current = devices.current_device()
        self._device = None if current == devices.CPU else current  # None: where it is built
        self._kept_weights: tuple[int, list[Parameter]] = (-1, [])

    # --- for subclasses -----------------------------------------------------------------------

    @_noting_that_it_is_built
    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of `input_shape`."""

    def call(self, inputs: Any) -> Any:
        """Compute the outputs. A subclass may also take `training`."""
        raise NotImplementedError(f"Layer {self.name!r} needs a call(self, inputs) method.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the outputs; by default it is found by calling the layer on zeros."""
        one_sample = _map_shapes(
            input_shape, lambda shape: np.zeros([n or 1 for n in shape], self.dtype)
        )
        with no_grad():
            outputs = self(one_sample)
        return _shape_of(outputs)

    def add_weight(
        self,
        shape: tuple[int, ...] = (),
        initializer: str | Callable[..., Any] = "glorot_uniform",
        dtype: npt.DTypeLike | None = None,
        trainable: bool = True,
        regularizer: str | Callable[..., Any] | None = None,
        constraint: str | Callable[..., Any] | None = None,
        name: str = "weight",
    ) -> Parameter:
        """Create a parameter of this layer.

        Args:
            shape: its shape.
            initializer: how it starts.
            dtype: by default the layer's.
            trainable: one that is not (a running statistic) stays so when the layer thaws.
            regularizer: a penalty on its values, added to the loss.
            constraint: what its values are mapped to after every update.
            name: what messages and files call it.
        """
        make = INITIAL_VALUES.get() or initializers.get(initializer)
        values = make(shape, self.dtype if dtype is None else dtype)
        weight = Parameter(values, name=name, trainable=trainable and self._trainable)
        if self._device is not None:
            move_parameter(weight, self._device)
        weight.regularizer = regularizers.get(regularizer)
        weight.constraint = constraints.get(constraint)
        self._added_weights.append(weight)
        Layer.structure_version += 1
        if not trainable:
            self._never_trained = (*self._never_trained, weight)
        return weight

    def add_loss(self, loss: Any) -> None:
        """Add a scalar to the loss of the step that runs now (call it in `call`)."""
        collected = COLLECTED_LOSSES.get()
        if collected is not None:
            collected.append(loss)

    @property
    def losses(self) -> list[Any]:
        """Penalties of the trained weights' regularizers, and what `add_loss` was given."""
        penalties = [
            weight.regularizer(weight)
            for weight in (self.weights if self._trainable else ())
            if weight.regularizer is not None and weight.requires_grad
        ]
        collected = COLLECTED_LOSSES.get()
        return penalties + collected if collected else penalties

    def floating(self, inputs: Any) -> Any:
        """`inputs` in the layer's dtype, also integers and booleans, which a call leaves alone."""
        return inputs if inputs.dtype == self.dtype else inputs.astype(self.dtype)

    def positive_integer(self, argument: str, value: object) -> int:
        """`value` if it is a positive integer.

        Raises:
            ValueError: it is not; the message names the layer and the argument.
        """
        if not isinstance(value, int | np.integer) or value <= 0:
            raise ValueError(
                f"Layer {self.name!r} needs a positive integer for {argument}, got {value!r}."
            )
        return int(value)

    # --- calling ------------------------------------------------------------------------------

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        """Build on first use, then compute.

        Args:
            inputs: an array or tensor, batch first; floats are converted to the layer's dtype.
            training: whether a training step runs; only some layers differ.
        """
        if not isinstance(inputs, self._takes):
            if any(isinstance(leaf, SymbolicTensor) for leaf in leaves(inputs)):
                return self._wire(inputs)
            inputs = self._as_arrays(inputs)
        elif inputs.dtype is not self.dtype and inputs.dtype.kind == "f":
            inputs = inputs.astype(self.dtype)
        if not self.built:
            self.build_once(_shape_of(inputs))
            if self._takes is not ON_HOST:  # which it may have become now
                inputs = self._as_arrays(inputs)
        token = CURRENT_LAYER.set(self.name)
        try:
            if self._call_takes_training:
                return self.call(inputs, training=training)  # type: ignore[call-arg] # just seen
            return self.call(inputs)
        finally:
            CURRENT_LAYER.reset(token)

    def _as_arrays(self, inputs: Any) -> Any:
        """Numbers as an array on the layer's device, nested arrays each; floats in its dtype."""
        if not any(hasattr(leaf, "shape") for leaf in leaves(inputs)):
            inputs = np.asarray(inputs)
        arrays = [self._as_array(leaf) for leaf in leaves(inputs)]
        cast = (self.floating(a) if a.dtype.kind == "f" else a for a in arrays)
        return rebuild(inputs, cast)

    def _as_array(self, values: Any) -> Any:
        if self._takes is ON_HOST:  # a layer without weights works where its inputs are
            as_it_is = isinstance(values, Tensor) or devices.is_on_gpu(values)
            return values if as_it_is else np.asarray(values)
        return brought(values, self.device)

    def _wire(self, inputs: Any) -> Any:
        """Called on symbolic tensors: build, and stand for the outputs."""
        input_shape = rebuild(inputs, (leaf.shape for leaf in leaves(inputs)))
        self.build_once(input_shape)
        call = LayerCall(self, inputs)
        return _map_shapes(
            self.compute_output_shape(input_shape),
            lambda shape: SymbolicTensor(shape, self.dtype, self.name, call),
        )

    def build_once(self, input_shape: Any) -> None:
        """Build for `input_shape` unless that was done before."""
        if not self.built:
            self.build(input_shape)

    def __init_subclass__(cls) -> None:
        """Note whether `call` wants to know that a training step runs, and follow `build`."""
        super().__init_subclass__()
        if "build" in vars(cls):
            cls.build = _noting_that_it_is_built(cls.build)  # type: ignore[method-assign] # wrapped
        code = cls.call.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        cls._call_takes_training = "training" in names

    _call_takes_training = False

    # --- devices ------------------------------------------------------------------------------

    _takes: tuple[Any, ...] = ON_HOST  # types of arrays

    @property
    def device(self) -> str:
        """Where its weights are, or will be made."""
        weights = self.weights
        if weights:
            return devices.device_of(weights[0].data)
        return self._device or devices.current_device()

    def to(self, device: str) -> Self:
        """Move it to a device: weights, gradients, and arrays that it keeps as attributes.

        The weights stay the same objects. A layer that is not built yet remembers the device. Of a
        model also what the optimizer and the metrics keep is moved, so that training goes on as if
        it had been there from the start.

        Args:
            device: "cpu" or "gpu".

        Returns:
            Itself.

        Raises:
            ValueError: another name.
            RuntimeError: no GPU, or no CuPy, with the remedy.
        """
        self._move(devices.checked_device(device))
        Layer.structure_version += 1
        return self

    def _move(self, device: str) -> None:
        for part in self._parts():
            if isinstance(part, Layer):
                part._move(device)
            else:
                move_parameter(part, device)
        move_own_arrays(self, device)
        self._device, self._takes = device, arrays_taken(device)

    # --- weights ------------------------------------------------------------------------------

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute; weights and layers among them change the structure."""
        before = self.__dict__.get(attribute)
        if attribute not in _NOTES and (_may_hold_parts(value) or _may_hold_parts(before)):
            Layer.structure_version += 1
        object.__setattr__(self, attribute, value)

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that this one consists of, in the order in which they were set."""
        return [value for value in self._parts() if isinstance(value, Layer)]

    @property
    def weights(self) -> list[Parameter]:
        """All parameters, those of sub-layers included, each once."""
        version, weights = self._kept_weights
        if version != Layer.structure_version:
            weights = list(dict.fromkeys(self._find_weights()))
            self._kept_weights = (Layer.structure_version, weights)
        return weights

    @property
    def trainable_weights(self) -> list[Parameter]:
        """Parameters that optimizers may change now; none while the layer itself is frozen."""
        if not self._trainable:
            return []
        return [weight for weight in self.weights if weight.requires_grad]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """Parameters that stay as they are: frozen ones, and running statistics."""
        trained = set(self.trainable_weights)
        return [weight for weight in self.weights if weight not in trained]

    # Keras's other names of the three, which loops of one's own use.
    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained. Setting it freezes or thaws at once, sub-layers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        never = set(self._never_trained)
        for part in self._parts():
            if part not in never:
                part.trainable = value

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        return sum(weight.size for weight in self.weights)

    def get_weights(self) -> list[Any]:
        """Copies of all weights as arrays, in the order of `weights`."""
        return [weight.numpy().copy() for weight in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite all weights, in the order of `weights`.

        Raises:
            ValueError: another number of arrays, another shape, or text; nothing is changed then.
        """
        own = self.weights
        if not own and not self.built:
            raise ValueError(
                f"Layer {self.name!r} has no weights yet: give input_shape, or call it once on a "
                f"batch, before set_weights."
            )
        if len(weights) != len(own):
            raise ValueError(
                f"Layer {self.name!r} has {len(own)} weights, got {len(weights)} arrays: give one "
                f"array for each of {[weight.name for weight in own]}."
            )
        arrays = [w.data if isinstance(w, Tensor) else self._as_array(w) for w in weights]
        for weight, array in zip(own, arrays, strict=True):
            if array.shape != weight.shape or array.dtype.kind not in "biuf":
                raise ValueError(
                    f"Weight {weight.name!r} of layer {self.name!r} has shape {weight.shape}, got "
                    f"an array of shape {array.shape} and dtype {array.dtype}: give numbers of "
                    f"the weight's shape."
                )
        for weight, array in zip(own, arrays, strict=True):
            weight.assign(array)

    def _find_weights(self) -> Iterator[Parameter]:
        for part in self._parts():
            if isinstance(part, Parameter):
                yield part
            else:
                yield from part.weights

    def _parts(self) -> Iterator[Any]:
        """Parameters and layers among the attributes, each once; containers are opened."""
        values = [value for name, value in vars(self).items() if name not in _NOTES]
        found = (part for part in leaves(values) if isinstance(part, Parameter | Layer))
        yield from dict.fromkeys(found)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, with the layer's own name."""
        config = super().get_config()
        config["name"] = self.name
        if not self._trainable:
            config["trainable"] = False
        return config

    def __repr__(self) -> str:
        """Show class and name."""
        return f"<{type(self).__name__} {self.name!r}>"


def _shape_of(inputs: Any) -> Any:
    """Shapes with None for the batch axis, nested as the inputs are."""
    if isinstance(inputs, ON_HOST):
        return (None, *inputs.shape[1:])
    return rebuild(inputs, ((None, *leaf.shape[1:]) for leaf in leaves(inputs)))


def _map_shapes(shapes: Any, function: Callable[[Shape], Any]) -> Any:
    """`function` of each shape in nested shapes; a shape is a tuple of integers and None."""
    if isinstance(shapes, tuple) and all(n is None or isinstance(n, int) for n in shapes):
        return function(shapes)
    if isinstance(shapes, dict):
        return {key: _map_shapes(shape, function) for key, shape in shapes.items()}
    return type(shapes)(_map_shapes(shape, function) for shape in shapes)


def _may_hold_parts(value: Any) -> bool:
    """Whether `value` is or holds weights or layers, or is a container that may come to do so."""
    if isinstance(value, tuple):
        return any(map(_may_hold_parts, value))
    return isinstance(value, _PARTS)


_PARTS = (Parameter, Layer, list, dict)
_NOTES = frozenset({"_arguments", "_never_trained", "_kept_weights", "_takes"})  # no parts
