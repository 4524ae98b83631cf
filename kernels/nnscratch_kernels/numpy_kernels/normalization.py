"""Normalization on plain arrays: mean 0 and variance 1, over each sample or over the batch.

The variance is the mean square of the deviations (divided by n, not n - 1), and ε stands inside the
root, as in Keras 3.15.1. float16 is computed in float32, in which squares do not overflow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import mean_over, working_values

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
        Shape and dtype of `x` (float64 for integers); about 8 operations an element.
    """
    values, dtype = working_values(x)
    y = values - mean_over(values, axis)
    y /= np.sqrt(mean_over(y * y, axis) + epsilon)
    return _affine(y, gamma, beta).astype(dtype, copy=False)


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
        y and s, both with the shape and dtype of `x`; about 9 operations an element.
    """
    total = x + residual
    return layer_normalization(total, gamma, beta, axis, epsilon), total


def batch_normalization(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Normalize each channel over the batch: y = γ (x - μ) / √(v + ε) + β (Ioffe, Szegedy 2015).

    Args:
        x: any shape of at least one axis.
        gamma: γ, shape (channels,); None for 1.
        beta: β, shape (channels,); None for 0.
        axis: the axis of the channels; mean μ and variance v are taken over all others.
        epsilon: ε > 0.

    Returns:
        y with the shape of `x`, and μ and v of shape (channels,), all in the dtype of `x`; about 8
        operations an element.
    """
    others, along = channel_axes(x.shape, axis)
    values, dtype = working_values(x)
    mean = mean_over(values, others)
    y = values - mean
    variance = mean_over(y * y, others)
    y /= np.sqrt(variance + epsilon)
    gamma, beta = (None if w is None else w.reshape(along) for w in (gamma, beta))
    results = _affine(y, gamma, beta), mean.reshape(-1), variance.reshape(-1)
    y, mean, variance = (result.astype(dtype, copy=False) for result in results)
    return y, mean, variance


@lru_cache(maxsize=256)  # a network meets few shapes, and each on every step
def channel_axes(shape: tuple[int, ...], axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """All axes but `axis`, and the shape in which a vector along `axis` broadcasts to `shape`."""
    axis = range(len(shape))[axis]
    others = tuple(i for i in range(len(shape)) if i != axis)
    return others, tuple(shape[axis] if i == axis else 1 for i in range(len(shape)))


def _affine(y: Array, gamma: Array | None, beta: Array | None) -> Array:
    """γ y + β, written over `y`."""
    if gamma is not None:
        y *= gamma
    if beta is not None:
        y += beta
    return y
