"""Sequential: layers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.configuration import deserialize, serialize
from nnscratch.layers import Layer
from nnscratch.layers.symbolic import SymbolicTensor
from nnscratch.models.input_rank import with_rank
from nnscratch.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from nnscratch.configuration import Known


class Sequential(Model):
    """Layers one after the other, as `keras.Sequential`.

    It builds as soon as the shape of one input is known: from an `Input` that stands first, from
    the first layer's `input_dim` or `input_shape`, or from the first batch.
    """

    takes_several = gives_several = takes_names = False
    has_architecture = True

    def __init__(self, layers: Iterable[Any] | None = None, name: str | None = None) -> None:
        """Start with `layers`; more can be added.

        Raises:
            TypeError: not a list of layers.
            ValueError: two layers of one name.
        """
        super().__init__(name=name)
        self._layers: list[Layer] = []
        if isinstance(layers, Layer | type):
            raise TypeError(f"Sequential takes a list of layers, got {layers!r}: write [layer].")
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return self._layers

    @property
    def output_names(self) -> list[str]:
        """The last layer's name."""
        return [layer.name for layer in self._layers[-1:]]

    def add(self, layer: Layer | SymbolicTensor) -> None:
        """Append a layer; an `Input` says what the first one gets.

        Raises:
            TypeError: not a layer.
            ValueError: a layer of this name is already there, or it does not fit the one before.
        """
        if isinstance(layer, SymbolicTensor) and layer.call is None and not self._layers:
            self.input_shape = layer.shape
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential takes layers, got {layer!r}: write for example Dense(8) with "
                f"parentheses."
            )
        if any(layer.name == other.name for other in self.layers):
            raise ValueError(
                f"Model {self.name!r} already has a layer called {layer.name!r}: give the new one "
                f"another name."
            )
        if not self.layers:
            self.dtype = layer.dtype
        self._layers.append(layer)
        try:
            self._build_known()
        except Exception:
            self._layers.pop()
            raise
        finally:
            Layer.structure_version += 1

    def pop(self) -> Layer:
        """Remove the last layer and return it.

        Raises:
            IndexError: there is none.
        """
        if not self.layers:
            raise IndexError(f"Model {self.name!r} has no layer to remove.")
        layer = self._layers.pop()
        if not self.layers:  # the next first layer says what the inputs look like
            self.built, self.input_shape = False, None
        Layer.structure_version += 1
        return layer

    def build(self, input_shape: Any) -> None:
        """Build every layer for what the one before it gives."""
        shape = input_shape
        for layer in self.layers:
            layer.build_once(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Through all layers in turn."""
        layers = self._layers
        if not layers:
            raise ValueError(f"Model {self.name!r} has no layers: add one with model.add(...).")
        outputs, shape = inputs, self.input_shape
        if shape is not None and inputs.ndim != len(shape):
            outputs = with_rank(self.name, shape, inputs)
        for layer in layers:
            outputs = layer(outputs, training=training)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """What the last layer gives."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        """Its layers as they are now, and the shape that it was built for."""
        return {
            "name": self.name,
            "input_shape": serialize(self.input_shape),
            "layers": [serialize(layer) for layer in self.layers],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], known: Known) -> Self:
        """Make it again, built if it was."""
        model = cls(name=config["name"])
        if config["input_shape"] is not None:
            model.add(SymbolicTensor(config["input_shape"], "float32", "input"))
        for layer in config["layers"]:
            model.add(deserialize(layer, known))
        return model

    def _build_known(self) -> None:
        """Build, also a layer that was just added, if the shape of the input is known."""
        shape = self.input_shape or self.layers[0].input_shape
        if shape is not None:
            self.build(shape)
            self.input_shape, self.built = shape, True
