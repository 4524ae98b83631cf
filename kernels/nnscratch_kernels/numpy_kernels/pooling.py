"""Pooling of images, and its gradients: the largest or the mean element of every window.

Images have the shape (batch, height, width, channels), as Keras's with data_format "channels_last";
each channel is pooled by itself. The padding of "same" is not part of the image: it is never the
largest, and no mean counts it (as in TensorFlow and JAX; Keras 3.15.1 on PyTorch repeats the border
instead where the padding is odd, which changes means there).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.windows import add_taps, check_shape, taps, window_axes

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnscratch_kernels.windows import Axis

    Array = npt.NDArray[Any]
    Pair = int | tuple[int, int]


def max_pool2d(
    x: Array, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Array:
    """Take the largest element of every window, as `keras.ops.max_pool` in two dimensions.

    Args:
        x: images, shape (batch, height, width, channels), floating-point.
        pool_size: height and width of the window, or one number for both.
        strides: steps from one window to the next, likewise; None for `pool_size`.
        padding: "valid" for windows inside the image, "same" for ⌈length / stride⌉ of them.

    Returns:
        Shape (batch, rows, columns, channels), of the dtype of `x`; a window with a NaN gives NaN.
        As many comparisons as there are results and elements of a window.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    axes = window_axes(
        "max_pool2d", x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    seen = taps(x, *axes, fill=-np.inf)
    return reduce(np.maximum, seen[1:], seen[0].copy())


def max_pool2d_gradient(
    g: Array,
    x: Array,
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Array:
    """The gradient of `max_pool2d`: all of it goes to the largest element of the window.

    Of equal ones it goes to the first, and of several NaNs to the last (as in PyTorch).

    Args:
        g: gradient of the result, shape (batch, rows, columns, channels).
        x: images, shape (batch, height, width, channels).
        pool_size: as given to `max_pool2d`.
        strides: as given to `max_pool2d`.
        padding: as given to `max_pool2d`.

    Returns:
        Shape of `x`; as many comparisons as the forward kernel, and as many additions as results.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    name = "max_pool2d_gradient"
    rows, columns = window_axes(
        name, x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    check_shape(name, g.shape, (len(x), rows.positions, columns.positions, x.shape[-1]))
    inside = taps(np.ones_like(x, shape=(1, *x.shape[1:3], 1), dtype=bool), rows, columns)
    largest = np.full_like(g, -np.inf)
    chosen = np.full_like(g, -1, dtype=np.intp)
    for index, (value, is_inside) in enumerate(zip(taps(x, rows, columns), inside, strict=True)):
        better = ((value > largest) | (value != value) | (chosen < 0)) & is_inside
        largest = np.where(better, value, largest)
        chosen = np.where(better, index, chosen)
    parts = (np.where(chosen == index, g, 0) for index in range(len(inside)))
    return add_taps(parts, g, rows, columns)


def average_pool2d(
    x: Array, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Array:
    """Take the mean of every window, as `keras.ops.average_pool` in two dimensions.

    Args:
        x: images, shape (batch, height, width, channels), floating-point.
        pool_size: height and width of the window, or one number for both.
        strides: steps from one window to the next, likewise; None for `pool_size`.
        padding: "valid" for windows inside the image, "same" for ⌈length / stride⌉ of them.

    Returns:
        Shape (batch, rows, columns, channels), of the dtype of `x`; as many additions as there are
        results and elements of a window.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    rows, columns = window_axes(
        "average_pool2d", x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    return sum(taps(x, rows, columns)) / _sizes(x, rows, columns)


def average_pool2d_gradient(
    g: Array,
    shape: tuple[int, ...],
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Array:
    """The gradient of `average_pool2d`: every element of a window gets an equal share.

    Args:
        g: gradient of the result, shape (batch, rows, columns, channels).
        shape: of x, (batch, height, width, channels).
        pool_size: as given to `average_pool2d`.
        strides: as given to `average_pool2d`.
        padding: as given to `average_pool2d`.

    Returns:
        Of this shape; as many additions as the forward kernel.

    Raises:
        ValueError: shapes that do not fit, or another padding.
    """
    name = "average_pool2d_gradient"
    rows, columns = window_axes(
        name, shape, pool_size, pool_size if strides is None else strides, padding
    )
    check_shape(name, g.shape, (shape[0], rows.positions, columns.positions, shape[-1]))
    share = g / _sizes(g, rows, columns)
    return add_taps([share] * (rows.size * columns.size), g, rows, columns)


def _sizes(like: Array, rows: Axis, columns: Axis) -> Array:
    """How many elements of the image each window has, shape (1, rows, columns, 1)."""
    ones = np.ones_like(like, shape=(1, rows.length, columns.length, 1))
    return sum(taps(ones, rows, columns))  # type: ignore[return-value] # there is always a tap
