"""Layer: a function with parameters, built when the shape of its input is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import initializers
from nnscratch.autograd import Parameter, Tensor
from nnscratch.autograd.modes import CURRENT_LAYER
from nnscratch.naming import snake_case, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt


class Layer:
    """Base of all layers: subclass it, create weights in `build`, compute in `call`.

    Parameters and layers that are set as attributes, also in lists, are found by themselves.

    Attributes:
        name: unique by default, as Keras counts (`dense`, `dense_1`, …).
        dtype: dtype of its weights and of its floating-point inputs.
        built: whether its weights exist.
        input_shape: shape of one input without the batch axis, once known.
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
        """Name the layer; `input_shape` or `input_dim` let a model build at once."""
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.dtype = np.dtype(dtype)
        self.built = False
        self.input_shape = (input_dim,) if input_dim is not None else input_shape
        self._trainable = trainable
        self._kept_weights: tuple[int, list[Parameter]] = (-1, [])

    # --- for subclasses -----------------------------------------------------------------------

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create the weights for inputs of `input_shape` (without the batch axis)."""

    def call(self, inputs: Any) -> Any:
        """Compute the outputs. A subclass may also take `training`."""
        raise NotImplementedError(f"Layer {self.name!r} needs a call(self, inputs) method.")

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output without the batch axis."""
        return input_shape

    def add_weight(
        self,
        shape: tuple[int, ...],
        initializer: str | Callable[..., Any] = "glorot_uniform",
        name: str = "weight",
        trainable: bool = True,
    ) -> Parameter:
        """Create a parameter; set it as an attribute to make it part of the layer."""
        values = initializers.get(initializer)(shape, self.dtype)
        return Parameter(values, name=name, trainable=trainable and self._trainable)

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
        if not isinstance(inputs, Tensor):
            inputs = np.asarray(inputs)
        if inputs.dtype != self.dtype and inputs.dtype.kind == "f":
            inputs = inputs.astype(self.dtype)
        if not self.built:
            self.build_once(inputs.shape[1:])
        token = CURRENT_LAYER.set(self.name)
        try:
            if self._call_takes_training:
                return self.call(inputs, training=training)  # type: ignore[call-arg] # just seen
            return self.call(inputs)
        finally:
            CURRENT_LAYER.reset(token)

    def build_once(self, input_shape: tuple[int, ...]) -> None:
        """Build for `input_shape` unless that was done before."""
        if not self.built:
            self.input_shape = tuple(input_shape)
            self.build(self.input_shape)
            self.built = True
            Layer.structure_version += 1

    def __init_subclass__(cls) -> None:
        """Note whether `call` wants to know that a training step runs."""
        super().__init_subclass__()
        code = cls.call.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        cls._call_takes_training = "training" in names

    _call_takes_training = False

    # --- weights ------------------------------------------------------------------------------

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute; weights and layers among them change the structure."""
        if isinstance(value, Parameter | Layer | list):
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
        """Parameters that optimizers may change now."""
        return [weight for weight in self.weights if weight.trainable]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """Parameters that stay as they are: frozen ones, and running statistics."""
        return [weight for weight in self.weights if not weight.trainable]

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained. Setting it freezes or thaws at once, sub-layers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for part in self._parts():
            if isinstance(part, Layer | Parameter):
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
            ValueError: another number of arrays, or another shape; nothing is changed then.
        """
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(
                f"Layer {self.name!r} has {len(own)} weights, got {len(weights)} arrays: give one "
                f"array for each of {[weight.name for weight in own]}."
            )
        for weight, values in zip(own, weights, strict=True):
            if np.shape(values) != weight.shape:
                raise ValueError(
                    f"Weight {weight.name!r} of layer {self.name!r} has shape {weight.shape}, got "
                    f"an array of shape {np.shape(values)}."
                )
        for weight, values in zip(own, weights, strict=True):
            weight.assign(values)

    def _find_weights(self) -> Iterator[Parameter]:
        for part in self._parts():
            if isinstance(part, Parameter):
                yield part
            else:
                yield from part.weights

    def _parts(self) -> Iterator[Any]:
        """Parameters and layers among the attributes, lists opened."""
        for value in vars(self).values():
            if isinstance(value, Parameter | Layer):
                yield value
            elif isinstance(value, list):
                yield from (part for part in value if isinstance(part, Parameter | Layer))

    def __repr__(self) -> str:
        """Show class and name."""
        return f"<{type(self).__name__} {self.name!r}>"
