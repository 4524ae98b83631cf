"""Where a window stands as it slides over an image: what convolution and pooling share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Pair = int | tuple[int, int]


class Axis(NamedTuple):
    """A window on one axis of an image.

    Attributes:
        length: elements of the image.
        size: taps of the window.
        stride: steps from one position of the window to the next.
        dilation: steps from one tap to the next.
        positions: how many places it takes, which is the length of the result.
        before: padding before the first element.
        after: padding after the last one.
    """

    length: int
    size: int
    stride: int
    dilation: int
    positions: int
    before: int
    after: int

    @property
    def padded(self) -> int:
        """Length with its padding."""
        return self.before + self.length + self.after

    def tap(self, index: int) -> slice:
        """Where the tap of this index is, at every position, on the padded axis."""
        start = index * self.dilation
        return slice(start, start + (self.positions - 1) * self.stride + 1, self.stride)


def window_axes(
    kernel: str,
    shape: tuple[int, ...],
    size: Pair,
    strides: Pair,
    padding: str,
    dilation_rate: Pair = 1,
) -> tuple[Axis, Axis]:
    """How a window slides over the rows and the columns of images.

    With "valid" it stays inside: ⌊(length - extent) / stride⌋ + 1 positions, where the extent is
    (size - 1) · dilation + 1. With "same" there are ⌈length / stride⌉, and the padding that this
    needs is divided evenly, an odd one standing after the image (as in Keras and TensorFlow).

    Args:
        kernel: the name of the kernel that asks, for messages.
        shape: of the images, (batch, height, width, channels).
        size: taps of the window: height and width, or one number for both.
        strides: steps from one position to the next, likewise.
        padding: "valid" or "same".
        dilation_rate: steps from one tap to the next, likewise.

    Raises:
        ValueError: not four axes, a number below 1, another padding, or a window that does not fit.
    """
    if len(shape) != 4:
        raise ValueError(
            f"{kernel} takes images of shape (batch, height, width, channels), got {shape}: "
            f"give 4 axes."
        )
    sizes, steps, dilations = pair(size), pair(strides), pair(dilation_rate)
    if min(*sizes, *steps, *dilations) < 1:
        raise ValueError(
            f"{kernel} takes sizes, strides and dilations of 1 and more, got {sizes}, {steps} and "
            f"{dilations}."
        )
    if padding not in ("valid", "same"):
        raise ValueError(f'{kernel} takes the padding "valid" or "same", got {padding!r}.')
    rows, columns = (
        _axis(length, size, step, dilation, padding == "same")
        for length, size, step, dilation in zip(shape[1:3], sizes, steps, dilations, strict=True)
    )
    if rows.positions < 1 or columns.positions < 1:
        raise ValueError(
            f"{kernel} slides a window of {sizes} with dilation {dilations} over images of "
            f"{shape[1:3]}, in which it does not fit: give larger images, a smaller window or "
            f'padding="same".'
        )
    return rows, columns


def conv2d_axes(
    kernel: str,
    shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: Pair,
    padding: str,
    dilation_rate: Pair,
) -> tuple[Axis, Axis]:
    """How a kernel of this shape slides over images of this shape.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    if len(kernel_shape) != 4 or kernel_shape[2] != shape[-1]:
        raise ValueError(
            f"{kernel} takes kernels of shape (height, width, {shape[-1]}, outputs) for images of "
            f"shape {shape}, got {kernel_shape}: the third axis is for the channels of the images."
        )
    return window_axes(kernel, shape, kernel_shape[:2], strides, padding, dilation_rate)


def check_shape(kernel: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Refuse a gradient that is not of the shape of the result.

    Raises:
        ValueError: another shape.
    """
    if shape != expected:
        raise ValueError(
            f"{kernel} takes an array of the shape of the forward result, {expected}, got {shape}: "
            f"give the same shapes, strides and padding as there."
        )


def taps(x: Array, rows: Axis, columns: Axis, fill: float = 0.0) -> list[Array]:
    """What each tap of the window sees at all positions, from top left to bottom right.

    Args:
        x: images, shape (batch, height, width, channels).
        rows: how the window slides over the rows.
        columns: how it slides over the columns.
        fill: what stands around the images.

    Returns:
        Views of shape (batch, rows, columns, channels).
    """
    margins = (0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0)
    padded = np.pad(x, margins, constant_values=fill)
    return [
        padded[:, rows.tap(i), columns.tap(j)]
        for i in range(rows.size)
        for j in range(columns.size)
    ]


def add_taps(parts: Iterable[Array], like: Array, rows: Axis, columns: Axis) -> Array:
    """Add up what each tap gives back, at the places where `taps` saw it: its adjoint.

    Args:
        parts: one array of shape (batch, rows, columns, channels) for each tap, in order.
        like: an array of that dtype, batch and number of channels.
        rows: how the window slides over the rows.
        columns: how it slides over the columns.

    Returns:
        Images, shape (batch, height, width, channels), without the padding.
    """
    shape = (len(like), rows.padded, columns.padded, like.shape[-1])
    padded = np.zeros_like(like, shape=shape, order="C")
    for index, part in enumerate(parts):
        i, j = divmod(index, columns.size)
        padded[:, rows.tap(i), columns.tap(j)] += part
    images: Array = padded[
        :,
        rows.before : rows.before + rows.length,
        columns.before : columns.before + columns.length,
    ]
    return images


def pair(value: Pair) -> tuple[int, int]:
    """Height and width, from the two or from one number for both."""
    if isinstance(value, int):
        return value, value
    height, width = value
    return height, width


def _axis(length: int, size: int, stride: int, dilation: int, same: bool) -> Axis:
    extent = (size - 1) * dilation + 1
    if not same:
        return Axis(length, size, stride, dilation, (length - extent) // stride + 1, 0, 0)
    count = -(-length // stride)
    missing = max((count - 1) * stride + extent - length, 0)
    return Axis(length, size, stride, dilation, count, missing // 2, missing - missing // 2)
