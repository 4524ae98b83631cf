"""Convolution of images, and its gradients, as matrix products.

Images have the shape (batch, height, width, channels) and kernels (height, width, inputs,
outputs), as Keras's with data_format "channels_last". As in every framework the kernel is not
flipped, so this is what signal processing calls a cross-correlation:

    y[n, i, j, o] = Σ_{p, q, c} x[n, i s + p d, j s + q d, c] kernel[p, q, c, o]

with strides s and dilations d. Writing every window of x as a row of a matrix (im2col; Chellapilla,
Puri, Simard 2006) makes it one product. The matrix is kernel-height × kernel-width times as large
as x, so it is made for a few images at a time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.windows import add_taps, check_shape, conv2d_axes, taps, window_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from nnscratch_kernels.windows import Axis

    Array = npt.NDArray[Any]
    Pair = int | tuple[int, int]

_MOST_COLUMNS = 1 << 21  # elements of the matrix at a time: about what a cache holds


def conv2d(
    x: Array,
    kernel: Array,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """Convolve images with a kernel, as `keras.ops.conv` in two dimensions.

    Args:
        x: images, shape (batch, height, width, inputs), floating-point.
        kernel: shape (kernel height, kernel width, inputs, outputs), of the dtype of `x`.
        strides: steps from one window to the next: of rows and columns, or one number for both.
        padding: "valid" for windows inside the image, "same" for ⌈length / stride⌉ of them, with
            zeros around the image.
        dilation_rate: steps from one tap of the kernel to the next, likewise.

    Returns:
        Shape (batch, rows, columns, outputs); 2 · batch · rows · columns · kernel.size operations.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    rows, columns = conv2d_axes("conv2d", x.shape, kernel.shape, strides, padding, dilation_rate)
    weights = kernel.reshape(math.prod(kernel.shape[:3]), kernel.shape[3])
    y = np.empty_like(
        x, shape=(len(x), rows.positions, columns.positions, kernel.shape[3]), order="C"
    )
    for some in _images(len(x), rows.positions * columns.positions * len(weights)):
        np.matmul(_windows(x[some], rows, columns), weights, out=y[some])
    return y


def conv2d_gradient_x(
    g: Array,
    kernel: Array,
    shape: tuple[int, ...],
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """The gradient of `conv2d` for its images: every g[n, i, j] times the kernel, added up.

    This is also the transposed convolution.

    Args:
        g: gradient of the result, shape (batch, rows, columns, outputs).
        kernel: shape (kernel height, kernel width, inputs, outputs).
        shape: of x, (batch, height, width, inputs).
        strides: as given to `conv2d`.
        padding: as given to `conv2d`.
        dilation_rate: as given to `conv2d`.

    Returns:
        Of this shape; as many operations as `conv2d`.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    name = "conv2d_gradient_x"
    rows, columns = conv2d_axes(name, shape, kernel.shape, strides, padding, dilation_rate)
    check_shape(name, g.shape, (shape[0], rows.positions, columns.positions, kernel.shape[-1]))
    weights = kernel.reshape(math.prod(kernel.shape[:3]), kernel.shape[3]).T
    images = np.empty_like(g, shape=shape, order="C")
    for some in _images(len(g), rows.positions * columns.positions * weights.shape[1]):
        images[some] = _images_of_windows(np.matmul(g[some], weights), rows, columns)
    return images


def conv2d_gradient_kernel(
    g: Array,
    x: Array,
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """The gradient of `conv2d` for its kernel: Σ over all windows of window ⊗ g.

    Args:
        g: gradient of the result, shape (batch, rows, columns, outputs).
        x: images, shape (batch, height, width, inputs).
        kernel_size: height and width of the kernel, or one number for both.
        strides: as given to `conv2d`.
        padding: as given to `conv2d`.
        dilation_rate: as given to `conv2d`.

    Returns:
        Shape (kernel height, kernel width, inputs, outputs); as many operations as `conv2d`.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    name = "conv2d_gradient_kernel"
    rows, columns = window_axes(name, x.shape, kernel_size, strides, padding, dilation_rate)
    inputs, outputs = x.shape[-1], g.shape[-1]
    check_shape(name, g.shape, (len(x), rows.positions, columns.positions, outputs))
    window = rows.size * columns.size * inputs
    positions = rows.positions * columns.positions
    gradient = np.zeros_like(g, shape=(window, outputs), order="C")
    for some in _images(len(x), positions * window):
        windows = _windows(x[some], rows, columns)
        count = len(windows) * positions
        gradient += windows.reshape(count, window).T.dot(g[some].reshape(count, outputs))
    return gradient.reshape(rows.size, columns.size, inputs, outputs)


def im2col(
    x: Array,
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """Write every window of images as a row: taps from top left to bottom right, channels inmost.

    Args:
        x: images, shape (batch, height, width, channels).
        kernel_size: height and width of the window, or one number for both.
        strides: steps from one window to the next, likewise.
        padding: "valid" or "same", which puts zeros around the images.
        dilation_rate: steps from one tap to the next, likewise.

    Returns:
        Shape (batch, rows, columns, kernel height · kernel width · channels).

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    axes = window_axes("im2col", x.shape, kernel_size, strides, padding, dilation_rate)
    return _windows(x, *axes)


def col2im(
    columns: Array,
    shape: tuple[int, ...],
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """Add every row up where `im2col` took it from: its adjoint, and so its gradient.

    Args:
        columns: shape (batch, rows, columns, kernel height · kernel width · channels).
        shape: of the images, (batch, height, width, channels).
        kernel_size: as given to `im2col`.
        strides: as given to `im2col`.
        padding: as given to `im2col`.
        dilation_rate: as given to `im2col`.

    Returns:
        Images of this shape.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    down, across = window_axes("col2im", shape, kernel_size, strides, padding, dilation_rate)
    window = down.size * across.size * shape[-1]
    check_shape("col2im", columns.shape, (shape[0], down.positions, across.positions, window))
    return _images_of_windows(columns, down, across)


def _images(count: int, elements: int) -> Iterator[slice]:
    """Cut a batch so that its windows, so many elements for each image, stay in the cache."""
    step = max(1, _MOST_COLUMNS // max(1, elements))
    for first in range(0, count, step):
        yield slice(first, first + step)


def _windows(x: Array, rows: Axis, columns: Axis) -> Array:
    return np.concatenate(taps(x, rows, columns), axis=-1)


def _images_of_windows(windows: Array, rows: Axis, columns: Axis) -> Array:
    parts = np.split(windows, rows.size * columns.size, axis=-1)
    return add_taps(parts, parts[0], rows, columns)
