"""Layer, residual layer and batch normalization over the last axes.

A row or a block of rows is read from memory once: mean, variance and the normalized values are
passes over what stays in the cache. (Batch normalization must read a large batch a second time.)
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
    as_rows,
    blocks_of_part,
    row_length,
    rows_of_block,
    rows_of_part,
)
from nnscratch_kernels.numba_kernels.vector_math import constants, number
from nnscratch_kernels.numpy_kernels import normalization as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def layer_normalization(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> Array:
    """Normalize each sample by itself: y = γ (x - μ) / √(v + ε) + β (Ba et al. 2016).

    Args:
        x: any shape.
        gamma: γ, broadcasts to `x`; None for 1.
        beta: β, broadcasts to `x`; None for 0.
        axis: the axis or axes over which mean μ and variance v are taken.
        epsilon: ε > 0.

    Returns:
        Shape and dtype of `x`; about 8 operations an element, 2 arrays in memory.
    """
    length = row_length(x, axis)
    if not length or not fits(gamma, x, length) or not fits(beta, x, length):
        return reference.layer_normalization(x, gamma, beta, axis, epsilon)
    y = aligned.empty(x.shape, x.dtype)
    weights = weights_of(gamma, 1, length, x.dtype), weights_of(beta, 0, length, x.dtype)
    arrays = as_rows(x, length, x.dtype), y.reshape(-1, length)
    run_in_parts(
        _layer_normalization, len(arrays[0]), rows_of_part(length), *arrays, *weights, epsilon
    )
    return y


def residual_layer_normalization(
    x: Array,
    residual: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> tuple[Array, Array]:
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
    length = row_length(x, axis)
    if (
        not length
        or not (residual.shape == x.shape and residual.dtype == x.dtype)
        or not (fits(gamma, x, length) and fits(beta, x, length))
    ):
        return reference.residual_layer_normalization(x, residual, gamma, beta, axis, epsilon)
    dtype = x.dtype
    y, total = aligned.empty(x.shape, dtype), aligned.empty(x.shape, dtype)
    weights = weights_of(gamma, 1, length, dtype), weights_of(beta, 0, length, dtype)
    arrays = as_rows(x, length, dtype), as_rows(residual, length, dtype)
    results = total.reshape(-1, length), y.reshape(-1, length)
    run_in_parts(
        _residual_layer_normalization,
        len(arrays[0]),
        rows_of_part(length),
        *arrays,
        *results,
        *weights,
        epsilon,
    )
    return y, total


def batch_normalization(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Normalize each channel over the batch: y = γ (x - μ) / √(v + ε) + β (Ioffe, Szegedy 2015).

    Mean and sum of squares of each block of rows are joined as in T. Chan, G. Golub and R. LeVeque,
    "Updating formulae and a pairwise algorithm for computing sample variances" (1979), in float64.

    Args:
        x: any shape of at least one axis.
        gamma: γ, shape (channels,); None for 1.
        beta: β, shape (channels,); None for 0.
        axis: the axis of the channels; mean μ and variance v are taken over all others.
        epsilon: ε > 0.

    Returns:
        y with the shape of `x`, and μ and v of shape (channels,), all in the dtype of `x`; about 8
        operations an element, 3 arrays in memory.
    """
    channels = channels_in_rows(x, axis)
    if not channels or not (fits(gamma, x, channels) and fits(beta, x, channels)):
        return reference.batch_normalization(x, gamma, beta, axis, epsilon)
    dtype = x.dtype
    rows = as_rows(x, channels, dtype)
    gamma, beta = weights_of(gamma, 1, channels, dtype), weights_of(beta, 0, channels, dtype)
    mean, variance, slope = (np.empty(channels, dtype) for _ in range(3))
    moments, size = _moments_of_columns(rows)
    _join_moments(*moments, size, len(rows), gamma, epsilon, mean, variance, slope)
    y = aligned.empty(x.shape, dtype)
    arrays = rows, y.reshape(-1, channels), mean, slope, beta
    run_in_parts(_scale_columns, len(rows), rows_of_part(channels), *arrays)
    return y, mean, variance


def _moments_of_columns(x: Array) -> tuple[Array, int]:
    """Mean, squares about it and what rounding left of it, for each block of rows; the rows."""
    count, channels = x.shape
    rows = rows_of_block(channels)
    moments = aligned.sums((3, -(-count // rows), channels), x.dtype)
    part = blocks_of_part(channels, rows)
    run_in_parts(_moments_of_blocks, moments.shape[1], part, x, *moments, rows)
    return moments, rows


@compiled(inline=True)
def _normalize(row: Any, gamma: Any, beta: Any, epsilon: Any, out: Any) -> None:
    about = mean_of(row[:SOME])
    drift, variance = 0.0, 0.0
    for first_try in (True, False):
        squares, rest = 0.0, 0.0
        for start in range(0, row.size, BLOCK):
            block = row[start : start + BLOCK]
            square, distance = constants(about).zero, constants(about).zero
            for j in range(block.size):
                centered = block[j] - about
                square += centered * centered
                distance += centered
            squares += square
            rest += distance
        drift = rest / row.size  # of a whole row: what the sum of large numbers lost to rounding
        variance = squares / row.size - drift * drift
        if drift * drift <= variance < math.inf or not first_try:
            break
        about = mean_of(row)
    mean = number(about + drift, about)
    scale = number(1 / math.sqrt(variance + epsilon), about)
    for j in range(row.size):
        out[j] = (row[j] - mean) * scale * gamma[j] + beta[j]


@compiled
def _layer_normalization(
    first: Any, last: Any, x: Any, y: Any, gamma: Any, beta: Any, epsilon: Any
) -> None:
    for i in range(first, last):
        _normalize(x[i], gamma, beta, epsilon, y[i])


@compiled
def _residual_layer_normalization(
    first: Any,
    last: Any,
    x: Any,
    residual: Any,
    total: Any,
    y: Any,
    gamma: Any,
    beta: Any,
    epsilon: Any,
) -> None:
    for i in range(first, last):
        row, other, out = x[i], residual[i], total[i]
        for j in range(row.size):
            out[j] = row[j] + other[j]
        _normalize(out, gamma, beta, epsilon, y[i])


@compiled
def _moments_of_blocks(
    first: Any, last: Any, x: Any, means: Any, squares: Any, rests: Any, rows: Any
) -> None:
    for block in range(first, last):
        some, mean = x[block * rows : (block + 1) * rows], means[block]
        square, rest = squares[block], rests[block]
        for i in range(len(some)):
            row = some[i]
            for j in range(row.size):
                mean[j] += row[j]
        share = number(1 / len(some), mean[0])
        for j in range(mean.size):
            mean[j] *= share
        for i in range(len(some)):
            row = some[i]
            for j in range(row.size):
                centered = row[j] - mean[j]
                square[j] += centered * centered
                rest[j] += centered


@compiled
def _join_moments(
    means: Any,
    squares: Any,
    rests: Any,
    rows: Any,
    count: Any,
    gamma: Any,
    epsilon: Any,
    mean: Any,
    variance: Any,
    slope: Any,
) -> None:
    """Mean, variance and γ / √(v + ε) of each channel from the moments of blocks."""
    total, within = np.zeros(mean.size), np.zeros(mean.size)
    for block in range(len(means)):
        size = min(rows, count - block * rows)
        some, rest = means[block], rests[block]
        for j in range(some.size):
            total[j] += size * number(some[j], total[j])
            if math.isfinite(rest[j]):
                total[j] += rest[j]
    for j in range(total.size):
        total[j] /= count
    for block in range(len(means)):
        size = min(rows, count - block * rows)
        some, square, rest = means[block], squares[block], rests[block]
        for j in range(some.size):
            apart = number(some[j], total[j]) - total[j]
            within[j] += square[j] + apart * (size * apart + 2 * rest[j])
    for j in range(total.size):
        mean[j] = total[j]
        variance[j] = within[j] / count
        slope[j] = gamma[j] / math.sqrt(within[j] / count + epsilon)


@compiled
def _scale_columns(first: Any, last: Any, x: Any, y: Any, mean: Any, slope: Any, beta: Any) -> None:
    for i in range(first, last):
        row, out = x[i], y[i]
        for j in range(row.size):
            out[j] = (row[j] - mean[j]) * slope[j] + beta[j]
