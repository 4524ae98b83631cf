"""The gradients of layer, residual layer and batch normalization on the GPU.

Sums over samples are taken in two steps over parts that depend on the shapes alone, so they have
the same bits in every run.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel, plain
from nnscratch_kernels.cupy_kernels.matrix import (
    MEMBER_ELEMENTS,
    MOST_PARTS,
    MOST_THREADS,
    Columns,
    Rows,
    channels_fit,
    rows_for,
    team_of,
    weights_of,
)
from nnscratch_kernels.numpy_kernels import normalization_gradients as reference

Gradients = tuple[Any, Any, Any]


def layer_normalization_gradient(
    g: Any,
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> Gradients:
    """The cotangents of x, γ and β for y = γ x̂ + β, each sample normalized by itself.

    dx = r (γ g - mean(γ g) - x̂ mean(γ g x̂)), dγ = Σ g x̂ and dβ = Σ g.

    Args:
        g: cotangent of y, its shape.
        x: any shape.
        gamma: γ, broadcasts to `x`; None for 1.
        beta: β, broadcasts to `x`; None for 0. Its shape matters, not its numbers.
        axis: the axis or axes over which mean μ and variance v are taken; others than the last
            ones are left to the NumPy twin.
        epsilon: ε > 0.

    Returns:
        dx with the shape of `x`, dγ with that of `gamma` and dβ with that of `beta` (None where
        they are None), all in the dtype of `x`; about 18 operations an element, 3 arrays in memory
        (5 for rows of more than 2048 elements).
    """
    return residual_layer_normalization_gradient(g, x, gamma, beta, axis, epsilon)


def residual_layer_normalization_gradient(
    g: Any,
    total: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
    g_total: Any = None,
) -> Gradients:
    """The cotangents of s, γ and β for the layer normalization y of s = x + residual.

    That of s is the cotangent of x and of the residual alike.

    Args:
        g: cotangent of y, its shape.
        total: s, any shape.
        gamma: see `layer_normalization_gradient`.
        beta: see `layer_normalization_gradient`.
        axis: see `layer_normalization_gradient`.
        epsilon: see `layer_normalization_gradient`.
        g_total: cotangent of s from elsewhere, which is added; None for 0.

    Returns:
        ds, dγ and dβ as of `layer_normalization_gradient`.
    """
    rows = rows_for(total, gamma, beta, axis)
    if (
        rows is None
        or g.shape != total.shape
        or (g_total is not None and g_total.shape != total.shape)
    ):
        return reference.residual_layer_normalization_gradient(
            g, total, gamma, beta, axis, epsilon, g_total
        )
    dtype = total.dtype
    slopes, values = rows.of(g, dtype), rows.of(total, dtype)
    more = slopes if g_total is None else rows.of(g_total, dtype)
    inputs = (
        slopes,
        values,
        weights_of(gamma, 1, rows.length, dtype),
        np.int32(g_total is not None),
        more,
    )
    of_total = cupy.empty(total.shape, dtype)
    gradient = _of_short_rows if rows.length <= MOST_THREADS * MEMBER_ELEMENTS else _of_long_rows
    sums = gradient(rows, inputs, of_total, dtype.type(epsilon))
    if gamma is None and beta is None:
        return of_total, None, None
    of_weights = cupy.empty((2, rows.length), dtype)
    sizes = np.int64(sums.shape[1]), np.int64(rows.length)
    kernel = cuda_kernel("layer_normalization", "sum_of_parts", dtype)
    Columns(rows.count, rows.length).over_columns(kernel, 2, *sizes, sums, of_weights)
    return (
        of_total,
        None if gamma is None else of_weights[0].reshape(gamma.shape),
        None if beta is None else of_weights[1].reshape(beta.shape),
    )


def batch_normalization_gradient(
    g: Any,
    x: Any,
    mean: Any,
    variance: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
    g_mean: Any = None,
    g_variance: Any = None,
) -> Gradients:
    """The cotangents of x, γ and β for y = γ x̂ + β, each channel normalized over the batch.

    dβ = Σ g, dγ = r Σ g (x - μ), and with n elements in a channel
    dx = γ r g - (γ r Σ g - dμ) / n - (x - μ) (γ r³ Σ g (x - μ) - 2 dv) / n (Ioffe, Szegedy 2015).

    Args:
        g: cotangent of y, its shape.
        x: any shape of at least one axis.
        mean: μ as `batch_normalization` gave it, shape (channels,).
        variance: v as `batch_normalization` gave it, shape (channels,).
        gamma: γ, shape (channels,); None for 1.
        beta: β, shape (channels,); None for 0.
        axis: the axis of the channels; another than the last one costs copies of all arrays.
        epsilon: ε > 0.
        g_mean: dμ, cotangent of μ where something else used it; None for 0.
        g_variance: dv, cotangent of v where something else used it; None for 0.

    Returns:
        dx with the shape of `x`, dγ and dβ with shape (channels,) (None where γ or β is None), all
        in the dtype of `x`; about 9 operations an element, 5 arrays in memory.
    """
    vectors = mean, variance, gamma, beta, g_mean, g_variance
    if g.shape != x.shape or not channels_fit(x, *vectors, axis=axis):
        return reference.batch_normalization_gradient(
            g, x, mean, variance, gamma, beta, axis, epsilon, g_mean, g_variance
        )
    dtype, rows = x.dtype, Rows(x.shape, axis)
    columns = Columns(rows.count, rows.length)
    slopes, values, mean = rows.of(g, dtype), rows.of(x, dtype), plain(mean, dtype)
    sums = [cupy.empty((columns.parts, rows.length), np.float64) for _ in range(2)]
    sizes = np.int64(rows.count), np.int64(rows.length), columns.part_rows

    def kernel(name: str) -> Any:
        return cuda_kernel("batch_normalization", name, dtype)

    columns.over_parts(kernel("gradient_sums_of_parts"), *sizes, slopes, values, mean, *sums)
    of_gamma, of_beta, *factors = (cupy.empty(rows.length, dtype) for _ in range(6))
    columns.over_columns(
        kernel("join_gradient_sums"),
        1,
        np.int64(columns.parts),
        np.int64(rows.length),
        np.int64(rows.count),
        *sums,
        plain(variance, dtype),
        weights_of(gamma, 1, rows.length, dtype),
        weights_of(g_mean, 0, rows.length, dtype),
        weights_of(g_variance, 0, rows.length, dtype),
        of_gamma,
        of_beta,
        *factors,
        np.float64(epsilon),
    )
    of_x = cupy.empty((rows.count, rows.length), dtype)
    arrays = slopes, values, mean, *factors, of_x
    columns.over_parts(kernel("gradient_of_columns"), *sizes, *arrays)
    return (
        rows.back(of_x),
        None if gamma is None else of_gamma,
        None if beta is None else of_beta,
    )


def _of_short_rows(rows: Rows, inputs: tuple[Any, ...], of_x: Any, epsilon: Any) -> Any:
    """Write dx, and give Σ g x̂ and Σ g of each part of the rows, shape (2, parts, length)."""
    members, teams = team_of(rows.length)
    part_rows = max(MEMBER_ELEMENTS * teams, -(-rows.count // MOST_PARTS))
    parts = -(-rows.count // part_rows)
    sums = cupy.empty((2, parts, rows.length), of_x.dtype)
    sizes = np.int64(rows.count), np.int64(rows.length), np.int64(part_rows)
    kernel = cuda_kernel("layer_normalization", "layer_gradient", of_x.dtype)
    kernel((parts,), (members, teams), (*sizes, *inputs, of_x, *sums, epsilon))
    return sums


def _of_long_rows(rows: Rows, inputs: tuple[Any, ...], of_x: Any, epsilon: Any) -> Any:
    """The same for rows of which a thread cannot hold all of its elements."""
    dtype, columns = of_x.dtype, Columns(rows.count, rows.length)
    scalings = cupy.empty((2, rows.count), dtype)
    sizes = np.int64(rows.count), np.int64(rows.length)
    kernel = cuda_kernel("layer_normalization", "layer_gradient_of_long_rows", dtype)
    blocks = min(rows.count, 2**31 - 1)
    kernel((blocks,), (MOST_THREADS,), (*sizes, np.int64(1), *inputs, of_x, *scalings, epsilon))
    sums = cupy.empty((2, columns.parts, rows.length), dtype)
    kernel = cuda_kernel("layer_normalization", "sums_of_columns", dtype)
    columns.over_parts(kernel, *sizes, columns.part_rows, *inputs[:2], *scalings, *sums)
    return sums
