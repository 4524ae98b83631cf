"""Activation functions on plain arrays, elementwise (and sparsemax along an axis).

The formulas and constants are those of `keras.activations` (Keras 3.15.1). Each keeps the
floating-point dtype of its input, takes any shape, and is written so that no finite input
overflows or loses the small values of a tail. NaN stays NaN. Pieces are joined as max(x, 0) and
min(x, 0) where that can be, since np.where on mixed signs takes twenty times as long. The sigmoid,
the softplus, the relu and the softmax family are in `special_functions`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch_kernels.numpy_kernels.special_functions import erfc, sigmoid, softplus

# Klambauer et al. 2017: with these two, mean 0 and variance 1 are a fixed point of the layer.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

SQRT_HALF = math.sqrt(0.5)
TANH_GELU_SLOPE = 2 * math.sqrt(2 / math.pi)
TANH_GELU_CUBIC = 0.044715
TANH_GELU_IS_FLAT = 30.0  # beyond ±30 the sigmoid in it is 0 or 1 in every dtype


def relu6(x: Any) -> Any:
    """Rectified linear unit with a ceiling, min(max(x, 0), 6) (Krizhevsky 2010).

    Args:
        x: array of any shape and numeric dtype.

    Returns:
        Array of the shape and dtype of `x`, in [0, 6].
    """
    return np.clip(x, 0, 6)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Rectifier that leaks: x where x > 0, negative_slope · x elsewhere (Maas et al. 2013).

    Args:
        x: array of any shape and floating-point dtype.
        negative_slope: the slope below zero.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: x where x > 0, α (exp(x) - 1) elsewhere (Clevert et al. 2016).

    Args:
        x: array of any shape and floating-point dtype.
        alpha: α, how far below zero it saturates.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


def selu(x: Any) -> Any:
    """Scaled exponential linear unit, 1.0507 · elu(x, 1.67326) (Klambauer et al. 2017).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """Continuously differentiable ELU: x where x > 0, α (exp(x/α) - 1) elsewhere (Barron 2017).

    Args:
        x: array of any shape and floating-point dtype.
        alpha: α, not zero: how far below zero it saturates, and how slowly.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Gaussian error linear unit, x Φ(x) with the normal distribution Φ (Hendrycks, Gimpel 2016).

    Φ(x) is computed as erfc(-x/√2) / 2, whose relative error stays small in the lower tail.

    Args:
        x: array of any shape and floating-point dtype.
        approximate: use the paper's Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 instead.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return x * sigmoid(tanh_gelu_logit(x)) if approximate else 0.5 * x * erfc(-SQRT_HALF * x)


def tanh_gelu_logit(x: Any) -> Any:
    """The v with σ(v) = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, for |x| up to 30."""
    near = np.clip(x, -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT)
    return TANH_GELU_SLOPE * near * (1 + TANH_GELU_CUBIC * near * near)


def silu(x: Any) -> Any:
    """Sigmoid linear unit or swish, x σ(x) (Ramachandran et al. 2017).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return x * sigmoid(x)


def mish(x: Any) -> Any:
    """Self-regularised rectifier, x tanh(softplus(x)) (Misra 2019).

    With a and b such that e^x = a/b, tanh(ln(1 + e^x)) = a (a + 2b) / (a (a + 2b) + 2b²); the
    larger of a and b is 1 here, so nothing overflows.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`.
    """
    a, b = np.exp(np.minimum(x, 0)), np.exp(np.minimum(-x, 0))
    numerator = a * (a + 2 * b)
    return x * (numerator / (numerator + 2 * b * b))


def hard_sigmoid(x: Any) -> Any:
    """The sigmoid in straight lines, min(max(x/6 + 1/2, 0), 1).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [0, 1].
    """
    return np.clip(x + 3, 0, 6) / 6


def hard_silu(x: Any) -> Any:
    """The silu or swish in straight lines and one parabola, x · hard_sigmoid(x) (Howard 2019).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return x * hard_sigmoid(x)


def softsign(x: Any) -> Any:
    """Smooth sign, x / (1 + |x|) (Bergstra et al. 2009).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in (-1, 1).
    """
    return x / (1 + np.abs(x))


def glu(x: Any, axis: int = -1) -> Any:
    """Gated linear unit, a σ(b) for the two halves a and b of `x` (Dauphin et al. 2017).

    Args:
        x: array of floating-point dtype and an even length along `axis`.
        axis: the axis that is halved.

    Returns:
        Array of the dtype of `x`, half as long along `axis`.

    Raises:
        ValueError: an odd length.
    """
    if x.shape[axis] % 2:
        raise ValueError(
            f"glu halves axis {axis}, got shape {x.shape}: its length there must be even."
        )
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, -softplus(-x), without taking the logarithm of a tiny number.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, not positive.
    """
    return -softplus(-x)


def hard_tanh(x: Any) -> Any:
    """The hyperbolic tangent in straight lines, min(max(x, -1), 1).

    Args:
        x: array of any shape and numeric dtype.

    Returns:
        Array of the shape and dtype of `x`, in [-1, 1].
    """
    return np.clip(x, -1, 1)


def tanh_shrink(x: Any) -> Any:
    """What the hyperbolic tangent leaves over, x - tanh(x).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return x - np.tanh(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero, x elsewhere.

    Args:
        x: array of any shape and floating-point dtype.
        threshold: how far from zero, not negative.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return np.where(np.abs(x) <= threshold, 0, x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero; elsewhere x, moved towards zero by it.

    Args:
        x: array of any shape and floating-point dtype.
        threshold: how far from zero, not negative.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return x - np.clip(x, -threshold, threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` above `threshold`, `default_value` elsewhere.

    Args:
        x: array of any shape and floating-point dtype.
        threshold: what x must exceed.
        default_value: what stands in its place where it does not.

    Returns:
        Array of the shape and dtype of `x`.
    """
    return np.where(x <= threshold, default_value, x)


def squareplus(x: Any, b: float = 4) -> Any:
    """Smooth rectifier without an exponential, (x + √(x² + b)) / 2 (Barron 2021).

    It is computed as max(x, 0) + b / 2(√(x² + b) + |x|), which does not cancel below zero.

    Args:
        x: array of any shape and floating-point dtype.
        b: how smooth, positive; the value at 0 is √b / 2.

    Returns:
        Array of the shape and dtype of `x`, positive.
    """
    roundness = math.sqrt(b)
    root = np.hypot(x, roundness)
    return np.maximum(x, 0) + roundness * (0.5 * roundness / (root + np.abs(x)))


def sparse_plus(x: Any) -> Any:
    """The softplus in a straight line and one parabola; exactly 0 from -1 down.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, not negative.
    """
    return np.where(x < 1, np.square(np.clip(x, -1, 1) + 1) / 4, x)


def sparse_sigmoid(x: Any) -> Any:
    """The two-class sparsemax, min(max((x + 1) / 2, 0), 1) (Blondel et al. 2019).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [0, 1].
    """
    return (hard_tanh(x) + 1) / 2


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The probabilities nearest to the logits, max(x - τ, 0) with Σ = 1 (Martins, Astudillo 2016).

    Unlike softmax's, most of them are 0. τ comes from the k largest elements, k being the most for
    which each stays above τ. (The result of Keras 3.15.1 sums to 1 only where k is 1: it adds up
    the running sums of the k elements instead of taking the last one. This is the paper's.)

    Args:
        x: array of logits.
        axis: the axis along which the result sums to 1.

    Returns:
        Array of the shape and dtype of `x`.
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)  # τ moves along, and the sums stay small
    falling = np.flip(np.sort(shifted, axis=axis), axis=axis)
    excess = np.cumsum(falling, axis=axis, dtype=falling.dtype) - 1
    ranks = np.arange(1, x.shape[axis] + 1, dtype=falling.dtype, like=falling)
    ranks = ranks.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    above = ranks * falling > excess
    k = np.maximum(np.sum(above, axis=axis, keepdims=True), 1)  # none is above when all are NaN
    tau = np.take_along_axis(excess, k - 1, axis=axis) / k.astype(falling.dtype)
    return np.maximum(shifted - tau, 0)
