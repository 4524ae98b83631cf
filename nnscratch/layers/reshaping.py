"""The same numbers in another shape: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.layers.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shape = tuple[int | None, ...]


class Flatten(Layer):
    """All axes but the batch axis become one, as `keras.layers.Flatten`."""

    def __init__(self, data_format: str = "channels_last", **options: Any) -> None:
        """Declare the layer.

        Args:
            data_format: "channels_last", or "channels_first" for inputs (batch, channels, …) whose
                channels shall vary fastest in the output.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: another format.
        """
        super().__init__(**options)
        self.data_format = checked_format(self, data_format)

    def call(self, inputs: Any) -> Any:
        """Shape (batch, …) to (batch, features); (batch,) to (batch, 1)."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = np.moveaxis(inputs, 1, -1)
        return np.reshape(inputs, (len(inputs), math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, features), None if a length is not known."""
        lengths = input_shape[1:]
        return (input_shape[0], None if None in lengths else math.prod(lengths))


class Reshape(Layer):
    """Each sample in another shape, as `keras.layers.Reshape`."""

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        """Declare the layer.

        Args:
            target_shape: shape of one sample; one length may be -1 and follows from the others.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: lengths that are neither positive integers nor one -1.
        """
        super().__init__(**options)
        self.target_shape = tuple(
            -1 if n == -1 else self.positive_integer("target_shape", n) for n in target_shape
        )
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Layer {self.name!r} takes at most one -1 in target_shape, got "
                f"{self.target_shape}."
            )

    def call(self, inputs: Any) -> Any:
        """Shape (batch, …) to (batch, *target_shape)."""
        return np.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *target_shape) with -1 worked out, None if that needs a length not known.

        Raises:
            ValueError: samples with another number of elements.
        """
        batch, *lengths = input_shape
        if None in lengths:
            return (batch, *(None if n == -1 else n for n in self.target_shape))
        size, known = math.prod(lengths), math.prod(n for n in self.target_shape if n != -1)
        if size % known or (-1 not in self.target_shape and size != known):
            raise ValueError(
                f"Layer {self.name!r} cannot give samples of shape {tuple(lengths)}, of {size} "
                f"elements, the shape {self.target_shape}: choose a target_shape of {size} "
                f"elements."
            )
        return (batch, *(size // known if n == -1 else n for n in self.target_shape))


class Permute(Layer):
    """The axes of each sample in another order, as `keras.layers.Permute`."""

    def __init__(self, dims: Sequence[int], **options: Any) -> None:
        """Declare the layer.

        Args:
            dims: the axes in their new order, counted from 1: (2, 1) transposes each sample.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: not each of 1, 2, … once.
        """
        super().__init__(**options)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Layer {self.name!r} needs each of 1 to {len(self.dims)} once in dims, got "
                f"{self.dims}."
            )

    def call(self, inputs: Any) -> Any:
        """Shape (batch, …) to (batch, …) with the axes of each sample in their new order."""
        check_axes(self, inputs.shape, len(self.dims) + 1)
        return np.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The lengths in their new order."""
        check_axes(self, input_shape, len(self.dims) + 1)
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Layer):
    """Each sample n times, as `keras.layers.RepeatVector`."""

    def __init__(self, n: int, **options: Any) -> None:
        """Declare the layer.

        Args:
            n: how often, a positive integer.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: not a positive integer.
        """
        super().__init__(**options)
        self.n = self.positive_integer("n", n)

    def call(self, inputs: Any) -> Any:
        """Shape (batch, features) to (batch, n, features)."""
        check_axes(self, inputs.shape, 2)
        return np.repeat(np.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, n, features)."""
        check_axes(self, input_shape, 2)
        return (input_shape[0], self.n, input_shape[1])


def check_axes(layer: Layer, shape: Shape, ndim: int) -> None:
    """Refuse inputs with another number of axes.

    Raises:
        ValueError: the message names the layer, the shape and what is needed.
    """
    if len(shape) != ndim:
        raise ValueError(
            f"Layer {layer.name!r} needs inputs of {ndim} axes, the batch axis included, got shape "
            f"{shape}: reshape them, for example with Reshape or Flatten."
        )


def checked_format(layer: Layer, data_format: str) -> str:
    """`data_format` if there is such a one.

    Raises:
        ValueError: there is not.
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"Layer {layer.name!r} takes data_format='channels_last' or 'channels_first', got "
            f"{data_format!r}."
        )
    return data_format
