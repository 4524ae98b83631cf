"""The base of layers whose outputs have the shape of their inputs, and the plainest of them."""

from __future__ import annotations

from typing import Any

from nnscratch.layers.layer import Layer


class ShapePreserving(Layer):
    """Base of layers whose outputs have the shape of their inputs."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape


class Identity(ShapePreserving):
    """Outputs are the inputs, as `keras.layers.Identity`: it holds a place in a model."""

    def call(self, inputs: Any) -> Any:
        """The inputs themselves."""
        return inputs
