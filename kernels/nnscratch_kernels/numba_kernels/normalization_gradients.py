"""The gradients of layer, residual layer and batch normalization over the last axes.

A row is read from memory once for the cotangents of x, γ and β together. Those of γ and β are sums
over rows: of each block of rows in the dtype of the array, of the blocks in float64, so they keep
their digits and do not depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.normalized_rows import (
    SOME,
    channels_in_rows,
    fits,
    mean_of,
    weights_of,
)
from nnscratch_kernels.numba_kernels.rows import (
    BLOCK,
    added_rows,
    as_rows,
    blocks_of_part,
    flat,
    row_length,
    rows_of_block,
    rows_of_part,
)
from nnscratch_kernels.numba_kernels.vector_math import constants, number
from nnscratch_kernels.numpy_kernels import normalization_gradients as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Gradients = tuple[Array, Array | None, Array | None]


ROWS = 128
"""Rows whose contributions to dγ and dβ are added up in the dtype of the array."""


def layer_normalization_gradient(
    g: Array,
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
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
        axis: the axis or axes over which mean μ and variance v are taken.
        epsilon: ε > 0.

    Returns:
        dx with the shape of `x`, dγ with that of `gamma` and dβ with that of `beta` (None where
        they are None), all in the dtype of `x`; about 18 operations an element, 3 arrays in memory.
    """
    return residual_layer_normalization_gradient(g, x, gamma, beta, axis, epsilon)


def residual_layer_normalization_gradient(
    g: Array,
    total: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
    g_total: Array | None = None,
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
    length = row_length(total, axis)
    shape, dtype = total.shape, total.dtype
    if (
        not length
        or not (fits(gamma, total, length) and fits(beta, total, length))
        or g.shape != shape
        or (g_total is not None and g_total.shape != shape)
    ):
        return reference.residual_layer_normalization_gradient(
            g, total, gamma, beta, axis, epsilon, g_total
        )
    of_total = aligned.empty(shape, dtype)
    rows = total.size // length
    blocks = -(-rows // ROWS)
    sums = aligned.sums((2, blocks, length), dtype)
    more = np.empty((0, length), dtype) if g_total is None else as_rows(g_total, length, dtype)
    run_in_parts(
        _layer_gradient,
        blocks,
        blocks_of_part(length, ROWS),
        as_rows(g, length, dtype),
        as_rows(total, length, dtype),
        more,
        of_total.reshape(-1, length),
        weights_of(gamma, 1, length, dtype),
        *sums,
        epsilon,
    )
    of_gamma, of_beta = sums
    return (
        of_total,
        None if gamma is None else added_rows(of_gamma).reshape(gamma.shape),
        None if beta is None else added_rows(of_beta).reshape(beta.shape),
    )


def batch_normalization_gradient(
    g: Array,
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int = -1,
    epsilon: float = 1e-3,
    g_mean: Array | None = None,
    g_variance: Array | None = None,
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
        axis: the axis of the channels.
        epsilon: ε > 0.
        g_mean: dμ, cotangent of μ where something else used it; None for 0.
        g_variance: dv, cotangent of v where something else used it; None for 0.

    Returns:
        dx with the shape of `x`, dγ and dβ with shape (channels,) (None where γ or β is None), all
        in the dtype of `x`; about 9 operations an element, 5 arrays in memory.
    """
    channels = channels_in_rows(x, axis)
    of_channels = (mean, variance, gamma, beta, g_mean, g_variance)
    if (
        not channels
        or g.shape != x.shape
        or not all(fits(vector, x, channels) for vector in of_channels)
    ):
        return reference.batch_normalization_gradient(
            g, x, mean, variance, gamma, beta, axis, epsilon, g_mean, g_variance
        )
    dtype = x.dtype
    arrays = as_rows(g, channels, dtype), as_rows(x, channels, dtype)
    mean = flat(mean, dtype)
    count = x.size // channels
    rows = rows_of_block(channels)
    sums = aligned.sums((2, -(-count // rows), channels), dtype)
    part = blocks_of_part(channels, rows)
    run_in_parts(_sums_of_blocks, sums.shape[1], part, *arrays, mean, sums, rows)
    total, total_centered = np.add.reduce(sums, axis=1, dtype=np.float64)

    scale = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    slope = scale if gamma is None else gamma * scale
    constant = slope * total if g_mean is None else slope * total - g_mean
    tilt = slope * scale * scale * total_centered
    if g_variance is not None:
        tilt = tilt - 2 * g_variance
    of_x = aligned.empty(x.shape, dtype)
    vectors = [v.astype(dtype) for v in (slope, tilt / count, constant / count)]
    run_in_parts(
        _batch_gradient,
        count,
        rows_of_part(channels),
        *arrays,
        of_x.reshape(-1, channels),
        mean,
        *vectors,
    )
    return (
        of_x,
        None if gamma is None else (total_centered * scale).astype(dtype),
        None if beta is None else total.astype(dtype),
    )


@compiled
def _layer_gradient(
    first: Any,
    last: Any,
    g: Any,
    x: Any,
    more: Any,
    of_x: Any,
    gamma: Any,
    of_gamma: Any,
    of_beta: Any,
    epsilon: Any,
) -> None:
    for block in range(first, last):
        slope, total = of_gamma[block], of_beta[block]
        for i in range(block * ROWS, min((block + 1) * ROWS, len(x))):
            cotangent, row, out = g[i], x[i], of_x[i]
            about = mean_of(row[:SOME])
            zero = constants(about).zero
            drift, variance, shift, tilt = 0.0, 0.0, 0.0, 0.0
            for first_try in (True, False):
                squares, rest, shift, tilt = 0.0, 0.0, 0.0, 0.0
                for start in range(0, row.size, BLOCK):
                    stop = min(start + BLOCK, row.size)
                    d, z, w = cotangent[start:stop], row[start:stop], gamma[start:stop]
                    square, distance, plain, tilted = zero, zero, zero, zero
                    for j in range(d.size):
                        centered = z[j] - about
                        weighted = d[j] * w[j]
                        square += centered * centered
                        distance += centered
                        plain += weighted
                        tilted += weighted * centered
                    squares += square
                    rest += distance
                    shift += plain
                    tilt += tilted
                drift = rest / row.size  # of a whole row: what the sum lost to rounding
                variance = squares / row.size - drift * drift
                if drift * drift <= variance < math.inf or not first_try:
                    break
                about = mean_of(row)
            mean = number(about + drift, about)
            r = 1 / math.sqrt(variance + epsilon)
            scale, constant = number(r, zero), number(shift / row.size, zero)
            linear = number((tilt - drift * shift) * r / row.size, zero)
            for j in range(row.size):
                normalized = (row[j] - mean) * scale
                out[j] = scale * (cotangent[j] * gamma[j] - constant - normalized * linear)
                slope[j] += cotangent[j] * normalized
                total[j] += cotangent[j]
            if len(more):
                other = more[i]
                for j in range(row.size):
                    out[j] += other[j]


@compiled
def _sums_of_blocks(first: Any, last: Any, g: Any, x: Any, mean: Any, sums: Any, rows: Any) -> None:
    for block in range(first, last):
        total, total_centered = sums[0, block], sums[1, block]
        for i in range(block * rows, min((block + 1) * rows, len(x))):
            cotangent, row = g[i], x[i]
            for j in range(row.size):
                total[j] += cotangent[j]
                total_centered[j] += cotangent[j] * (row[j] - mean[j])


@compiled
def _batch_gradient(
    first: Any,
    last: Any,
    g: Any,
    x: Any,
    of_x: Any,
    mean: Any,
    slope: Any,
    tilt: Any,
    constant: Any,
) -> None:
    for i in range(first, last):
        cotangent, row, out = g[i], x[i], of_x[i]
        for j in range(row.size):
            out[j] = cotangent[j] * slope[j] - (row[j] - mean[j]) * tilt[j] - constant[j]
