"""Pooling: many steps summed up in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.layers.layer import Layer
from nnscratch.layers.reshaping import check_axes, checked_format


class GlobalPooling1D(Layer):
    """Base of layers that sum up all steps of a sequence in one: a subclass says how in `pool`."""

    def __init__(
        self, data_format: str = "channels_last", keepdims: bool = False, **options: Any
    ) -> None:
        """Declare the layer.

        Args:
            data_format: "channels_last" for inputs (batch, steps, features), "channels_first" for
                (batch, features, steps).
            keepdims: whether the axis of the steps stays, with length 1.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: another format.
        """
        super().__init__(**options)
        self.data_format = checked_format(self, data_format)
        self.keepdims = keepdims
        self._steps = 1 if self.data_format == "channels_last" else 2

    def pool(self, inputs: Any, axis: int, keepdims: bool) -> Any:
        """Sum up all steps, which stand along `axis`."""
        raise NotImplementedError(
            f"Layer {self.name!r} needs a pool(self, inputs, axis, keepdims) method."
        )

    def call(self, inputs: Any) -> Any:
        """Shape (batch, steps, features) to (batch, features)."""
        check_axes(self, inputs.shape, 3)
        return self.pool(self.floating(inputs), self._steps, self.keepdims)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The axis of the steps is gone, or with `keepdims` of length 1."""
        check_axes(self, input_shape, 3)
        before, after = input_shape[: self._steps], input_shape[self._steps + 1 :]
        return (*before, *((1,) if self.keepdims else ()), *after)


class GlobalAveragePooling1D(GlobalPooling1D):
    """The mean over all steps, as `keras.layers.GlobalAveragePooling1D`."""

    def pool(self, inputs: Any, axis: int, keepdims: bool) -> Any:
        """The mean along `axis`."""
        return np.mean(inputs, axis=axis, keepdims=keepdims)


class GlobalMaxPooling1D(GlobalPooling1D):
    """The largest of all steps, as `keras.layers.GlobalMaxPooling1D`."""

    def pool(self, inputs: Any, axis: int, keepdims: bool) -> Any:
        """The largest along `axis`; steps that are equally large share the gradient."""
        return np.max(inputs, axis=axis, keepdims=keepdims)
