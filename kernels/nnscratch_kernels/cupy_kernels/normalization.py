"""Layer, residual layer and batch normalization on the GPU."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel
from nnscratch_kernels.cupy_kernels.matrix import (
    Columns,
    Rows,
    channels_fit,
    over_teams,
    rows_for,
    weights_of,
)
from nnscratch_kernels.numpy_kernels import normalization as reference


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> Any:
    """Normalize each sample by itself: y = γ (x - μ) / √(v + ε) + β (Ba et al. 2016).

    Args:
        x: any shape.
        gamma: γ, broadcasts to `x`; None for 1.
        beta: β, broadcasts to `x`; None for 0.
        axis: the axis or axes over which mean μ and variance v are taken; others than the last
            ones are left to the NumPy twin.
        epsilon: ε > 0.

    Returns:
        Shape and dtype of `x`; about 8 operations an element, 2 arrays in memory.
    """
    rows = rows_for(x, gamma, beta, axis)
    if rows is None:
        return reference.layer_normalization(x, gamma, beta, axis, epsilon)
    dtype, length = x.dtype, rows.length
    y = cupy.empty(x.shape, dtype)
    weights = weights_of(gamma, 1, length, dtype), weights_of(beta, 0, length, dtype)
    kernel = cuda_kernel("layer_normalization", "layer_normalization", dtype)
    over_teams(kernel, rows.count, length, rows.of(x, dtype), *weights, y, dtype.type(epsilon))
    return y


def residual_layer_normalization(
    x: Any,
    residual: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> tuple[Any, Any]:
    """Add a residual connection and normalize: the layer normalization of s = x + residual.

    Args:
        x: any shape.
        residual: the shape and dtype of `x`.
        gamma: see `layer_normalization`.
        beta: see `layer_normalization`.
        axis: see `layer_normalization`.
        epsilon: see `layer_normalization`.

    Returns:
        y and s, both with the shape and dtype of `x`; about 9 operations an element, 4 arrays in
        memory.
    """
    rows = rows_for(x, gamma, beta, axis)
    if rows is None or residual.shape != x.shape or residual.dtype != x.dtype:
        return reference.residual_layer_normalization(x, residual, gamma, beta, axis, epsilon)
    dtype, length = x.dtype, rows.length
    y, total = cupy.empty(x.shape, dtype), cupy.empty(x.shape, dtype)
    weights = weights_of(gamma, 1, length, dtype), weights_of(beta, 0, length, dtype)
    arrays = rows.of(x, dtype), rows.of(residual, dtype), *weights, y, total
    kernel = cuda_kernel("layer_normalization", "residual_layer_normalization", dtype)
    over_teams(kernel, rows.count, length, *arrays, dtype.type(epsilon))
    return y, total


def batch_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> tuple[Any, Any, Any]:
    """Normalize each channel over the batch: y = γ (x - μ) / √(v + ε) + β (Ioffe, Szegedy 2015).

    Args:
        x: any shape of at least one axis.
        gamma: γ, shape (channels,); None for 1.
        beta: β, shape (channels,); None for 0.
        axis: the axis of the channels; mean μ and variance v are taken over all others. Another
            than the last one costs a copy before and one after.
        epsilon: ε > 0.

    Returns:
        y with the shape of `x`, and μ and v of shape (channels,), all in the dtype of `x`; about 8
        operations an element, 3 arrays in memory.
    """
    if not channels_fit(x, gamma, beta, axis=axis):
        return reference.batch_normalization(x, gamma, beta, axis, epsilon)
    dtype, rows = x.dtype, Rows(x.shape, axis)
    columns = Columns(rows.count, rows.length)
    matrix, y = rows.of(x, dtype), cupy.empty((rows.count, rows.length), dtype)
    mean, variance, slope = (cupy.empty(rows.length, dtype) for _ in range(3))
    gamma, beta = weights_of(gamma, 1, rows.length, dtype), weights_of(beta, 0, rows.length, dtype)
    sums = [cupy.empty((columns.parts, rows.length), np.float64) for _ in range(2)]
    sizes = np.int64(rows.count), np.int64(rows.length), columns.part_rows

    def kernel(name: str) -> Any:
        return cuda_kernel("batch_normalization", name, dtype)

    columns.over_parts(kernel("moments_of_parts"), *sizes, matrix, *sums)
    of_parts = np.int64(columns.parts), np.int64(rows.length), sizes[0], columns.part_rows
    results = mean, variance, slope
    join = kernel("join_moments")
    columns.over_columns(join, 1, *of_parts, *sums, gamma, *results, np.float64(epsilon))
    columns.over_parts(kernel("scale_columns"), *sizes, matrix, mean, slope, beta, y)
    return rows.back(y), mean, variance
