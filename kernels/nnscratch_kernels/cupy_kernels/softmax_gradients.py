"""The gradients of softmax and log-softmax on the GPU, from their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel
from nnscratch_kernels.cupy_kernels.matrix import Rows, over_teams
from nnscratch_kernels.numpy_kernels.arrays import working_values

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None


def softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = softmax(x): y (g - Σ g y).

    Args:
        g: cotangent of y, its shape.
        y: the softmax, any shape.
        axis: the axis or axes along which y sums to 1; None means all. Others than the last ones
            cost copies of all arrays.

    Returns:
        Array of the shape and dtype of `y`; 4 operations an element, 3 arrays in memory.
    """
    return _gradient("softmax_gradient", g, y, axis)


def log_softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = log softmax(x): g - exp(y) Σ g.

    Args:
        g: cotangent of y, its shape.
        y: the log-softmax, any shape.
        axis: as of `softmax_gradient`.

    Returns:
        Array of the shape and dtype of `y`; 3 operations and an exponential an element, 3 arrays in
        memory.
    """
    return _gradient("log_softmax_gradient", g, y, axis)


def _gradient(name: str, g: Any, y: Any, axis: Axis) -> Any:
    if not y.ndim:
        return _gradient(name, g.reshape(1), y.reshape(1), axis).reshape(())
    values, dtype = working_values(y)
    g = cupy.broadcast_to(g, y.shape)
    rows = Rows(values.shape, axis)
    x = cupy.empty((rows.count, rows.length), values.dtype)
    kernel = cuda_kernel("softmax", name, values.dtype)
    arrays = rows.of(g, values.dtype), rows.of(values, values.dtype)
    over_teams(kernel, rows.count, rows.length, *arrays, x)
    return rows.back(x).astype(dtype, copy=False)
