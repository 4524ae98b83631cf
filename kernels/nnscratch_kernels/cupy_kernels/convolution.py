"""Convolution on the GPU: one kernel writes the windows as rows, and cuBLAS multiplies them.

On the way back every pixel adds up what its windows hold for it, in a fixed order, so nothing is
added atomically and every run gives the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cupy

from nnscratch_kernels.cupy_kernels.launch import compiled_for, plain
from nnscratch_kernels.cupy_kernels.sliding import slide
from nnscratch_kernels.numpy_kernels import convolution as numpy_twin
from nnscratch_kernels.windows import check_shape, conv2d_axes, window_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscratch_kernels.windows import Axis

    Axes = tuple[Axis, Axis]
    Pair = int | tuple[int, int]

MOST_COLUMNS = 1 << 26
"""Elements of the matrix of windows at a time: 256 MiB in float32, beyond which products are no
faster."""


def conv2d(
    x: Any,
    kernel: Any,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Any:
    """As `numpy_kernels.conv2d`, with im2col in one kernel."""
    if not compiled_for(x, kernel):
        return numpy_twin.conv2d(x, kernel, strides, padding, dilation_rate)
    axes = conv2d_axes("conv2d", x.shape, kernel.shape, strides, padding, dilation_rate)
    weights = kernel.reshape(_window(axes, x.shape[-1]), kernel.shape[-1])
    y = cupy.empty((*_positions(len(x), axes), kernel.shape[-1]), x.dtype)
    for some in _images(y.shape, len(weights)):
        cupy.matmul(_window_rows(x[some], axes), weights, out=_rows(y[some]))
    return y


def conv2d_gradient_x(
    g: Any,
    kernel: Any,
    shape: tuple[int, ...],
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Any:
    """As `numpy_kernels.conv2d_gradient_x`, with col2im in one kernel."""
    if not compiled_for(g, kernel):
        return numpy_twin.conv2d_gradient_x(g, kernel, shape, strides, padding, dilation_rate)
    name = "conv2d_gradient_x"
    axes = conv2d_axes(name, shape, kernel.shape, strides, padding, dilation_rate)
    check_shape(name, g.shape, (*_positions(shape[0], axes), kernel.shape[-1]))
    weights = kernel.reshape(_window(axes, shape[-1]), kernel.shape[-1])
    images = cupy.empty(shape, g.dtype)
    for some in _images(g.shape, len(weights)):
        columns = cupy.matmul(_rows(g[some]), weights.T)
        slide("col2im", axes, shape[-1], columns, images[some])
    return images


def conv2d_gradient_kernel(
    g: Any,
    x: Any,
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Any:
    """As `numpy_kernels.conv2d_gradient_kernel`, with im2col in one kernel."""
    if not compiled_for(g, x):
        return numpy_twin.conv2d_gradient_kernel(g, x, kernel_size, strides, padding, dilation_rate)
    name = "conv2d_gradient_kernel"
    axes = window_axes(name, x.shape, kernel_size, strides, padding, dilation_rate)
    inputs, outputs = x.shape[-1], g.shape[-1]
    check_shape(name, g.shape, (*_positions(len(x), axes), outputs))
    gradient = cupy.zeros((_window(axes, inputs), outputs), g.dtype)
    for some in _images(g.shape, len(gradient)):
        gradient += cupy.matmul(_window_rows(x[some], axes).T, _rows(g[some]))
    return gradient.reshape(axes[0].size, axes[1].size, inputs, outputs)


def im2col(
    x: Any,
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Any:
    """As `numpy_kernels.im2col`, in one kernel."""
    if not compiled_for(x):
        return numpy_twin.im2col(x, kernel_size, strides, padding, dilation_rate)
    axes = window_axes("im2col", x.shape, kernel_size, strides, padding, dilation_rate)
    return _windows(x, axes)


def col2im(
    columns: Any,
    shape: tuple[int, ...],
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Any:
    """As `numpy_kernels.col2im`, in one kernel."""
    if not compiled_for(columns):
        return numpy_twin.col2im(columns, shape, kernel_size, strides, padding, dilation_rate)
    axes = window_axes("col2im", shape, kernel_size, strides, padding, dilation_rate)
    window = _window(axes, shape[-1])
    check_shape("col2im", columns.shape, (*_positions(shape[0], axes), window))
    images = cupy.empty(shape, columns.dtype)
    slide("col2im", axes, shape[-1], plain(columns), images)
    return images


def _window(axes: Axes, channels: int) -> int:
    """Elements of a window."""
    return axes[0].size * axes[1].size * channels


def _positions(count: int, axes: Axes) -> tuple[int, int, int]:
    """Batch, rows and columns of a result."""
    return count, axes[0].positions, axes[1].positions


def _images(shape: tuple[int, ...], window: int) -> Iterator[slice]:
    """Cut a batch with a result of this shape so that its windows have `MOST_COLUMNS` elements."""
    step = max(1, MOST_COLUMNS // max(1, shape[1] * shape[2] * window))
    for first in range(0, shape[0], step):
        yield slice(first, first + step)


def _windows(x: Any, axes: Axes) -> Any:
    columns = cupy.empty((*_positions(len(x), axes), _window(axes, x.shape[-1])), x.dtype)
    slide("im2col", axes, x.shape[-1], plain(x), columns)
    return columns


def _window_rows(x: Any, axes: Axes) -> Any:
    """The windows as rows of a matrix; the images themselves where windows are their pixels."""
    pixels = all(axis.size == axis.stride == 1 for axis in axes)
    return _rows(x if pixels else _windows(x, axes))


def _rows(x: Any) -> Any:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
