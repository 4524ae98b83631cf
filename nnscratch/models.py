"""Models: layers that are trained together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.layers import Layer
from nnscratch.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterable


class Model(Trainer, Layer):
    """A layer that can be compiled, trained and evaluated; subclass it and write `call`."""


class Sequential(Model):
    """Layers one after the other, as `keras.Sequential`.

    It builds as soon as the shape of one input is known: from the first layer's `input_dim` or
    `input_shape`, or from the first batch.
    """

    def __init__(self, layers: Iterable[Layer] = (), name: str | None = None) -> None:
        """Start with `layers`; more can be added."""
        super().__init__(name=name)
        self.layers: list[Layer] = []
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Raises:
            TypeError: not a layer.
            ValueError: a layer of this name is already there.
        """
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential takes layers, got {layer!r}: write for example Dense(8) with "
                f"parentheses."
            )
        if any(layer.name == other.name for other in self.layers):
            raise ValueError(f"Model {self.name!r} already has a layer called {layer.name!r}.")
        if not self.layers:
            self.dtype = layer.dtype
        self.layers.append(layer)
        Layer.structure_version += 1
        self._build_known()

    def pop(self) -> Layer:
        """Remove the last layer and return it.

        Raises:
            IndexError: there is none.
        """
        if not self.layers:
            raise IndexError(f"Model {self.name!r} has no layer to remove.")
        layer = self.layers.pop()
        Layer.structure_version += 1
        return layer

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Build every layer for what the one before it gives."""
        shape = input_shape
        for layer in self.layers:
            layer.build_once(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Through all layers in turn."""
        if not self.layers:
            raise ValueError(f"Model {self.name!r} has no layers: add one with model.add(...).")
        outputs = inputs
        for layer in self.layers:
            outputs = layer(outputs, training=training)
        return outputs

    def _build_known(self) -> None:
        """Build, also a layer that was just added, if the shape of the input is known."""
        shape = self.input_shape or self.layers[0].input_shape
        if shape is not None:
            self.input_shape = tuple(shape)
            self.build(self.input_shape)
            self.built = True
