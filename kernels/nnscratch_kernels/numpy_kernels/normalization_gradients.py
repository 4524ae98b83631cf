"""The gradients of layer, residual layer and batch normalization.

All come from x̂ = (x - μ) r with r = 1 / √(v + ε), where μ and v depend on x as well. float16 is
computed in float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import mean_over, summed_to, working_values
from nnscratch_kernels.numpy_kernels.normalization import channel_axes

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Gradients = tuple[Array, Array | None, Array | None]


def layer_normalization_gradient(
    g: Array,
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: int | tuple[int, ...] = -1,
    epsilon: float = 1e-3,
) -> Gradients:
    """The cotangents of x, γ and β for y = γ x̂ + β, each sample normalized by itself.

    dx = r (γ g - mean(γ g) - x̂ mean(γ g x̂)), dγ = Σ g x̂ and dβ = Σ g; the means are over `axis`,
    the sums over all samples. (Ba et al. 2016 give the forward pass; this is its derivative.)

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
    values, dtype = working_values(x)
    g, _ = working_values(g)
    centered = values - mean_over(values, axis)
    scale = 1 / np.sqrt(mean_over(centered * centered, axis) + epsilon)
    normalized = centered
    normalized *= scale
    weighted = g if gamma is None else g * gamma
    of_x = weighted - mean_over(weighted, axis)
    of_x -= normalized * mean_over(weighted * normalized, axis)
    of_x *= scale
    normalized *= g
    return (
        of_x.astype(dtype, copy=False),
        None if gamma is None else summed_to(normalized, gamma.shape).astype(dtype, copy=False),
        None if beta is None else summed_to(g, beta.shape).astype(dtype, copy=False),
    )


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
        g_total: cotangent of s from elsewhere (s goes on beside y in a pre-norm transformer), which
            is added; None for 0.

    Returns:
        ds, dγ and dβ as of `layer_normalization_gradient`.
    """
    of_total, of_gamma, of_beta = layer_normalization_gradient(g, total, gamma, beta, axis, epsilon)
    if g_total is not None:
        of_total += g_total
    return of_total, of_gamma, of_beta


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
    values, dtype = working_values(x)
    g, _ = working_values(g)
    others, along = channel_axes(x.shape, axis)
    centered = values - mean.reshape(along)
    total = np.add.reduce(g, axis=others)
    total_centered = np.add.reduce(g * centered, axis=others)
    scale = 1 / np.sqrt(variance.astype(values.dtype, copy=False) + epsilon)
    slope = scale if gamma is None else gamma * scale
    count = max(x.size // max(mean.size, 1), 1)
    constant = slope * total if g_mean is None else slope * total - g_mean
    tilt = slope * scale * scale * total_centered
    if g_variance is not None:
        tilt = tilt - 2 * g_variance
    centered *= (tilt / count).reshape(along)
    of_x = g * slope.reshape(along)
    of_x -= centered
    of_x -= (constant / count).reshape(along)
    return (
        of_x.astype(dtype, copy=False),
        None if gamma is None else (total_centered * scale).astype(dtype, copy=False),
        None if beta is None else total.astype(dtype, copy=False),
    )
