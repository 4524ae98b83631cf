"""The gradients of the activation functions: the cotangent of x from that of y = f(x), g.

Every kernel is `f_gradient(g, x, y, …)`, with the parameters of f at the end and their defaults.
`g`, `x` and `y` are arrays of one shape and one floating-point dtype, and so is the result. Where
it can do without x or without y, that array is not read, and None may stand for it: see each. At
corners the gradient is PyTorch's. (Those of softmax and log-softmax are in `softmax_gradients`.)

A product with a mask stands where a choice is meant: it takes a fifth of the time of np.where.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch_kernels.numpy_kernels.activation_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    SQRT_HALF,
    TANH_GELU_CUBIC,
    TANH_GELU_IS_FLAT,
    TANH_GELU_SLOPE,
    tanh_gelu_logit,
)
from nnscratch_kernels.numpy_kernels.special_functions import erfc, sigmoid

INVERSE_SQRT_TAU = 1 / math.sqrt(2 * math.pi)
NORMAL_DENSITY_IS_ZERO = 40.0  # exp(-40²/2) is below the smallest float64


def relu_gradient(
    g: Any,
    x: Any,
    y: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Any:
    """Gradient of the relu: g [y > 0], without options from y alone.

    With them it is g [t < x ≤ m] + s g [x ≤ t], from x alone.

    Args:
        g: cotangent of y.
        x: what the relu was taken of.
        y: the relu.
        negative_slope: s.
        max_value: m; with one, nothing passes below 0 either.
        threshold: t.
    """
    if negative_slope == 0 and max_value is None and threshold == 0:
        return g * (y > 0)
    passes = x > threshold
    if max_value is not None:
        passes = passes & (x >= 0) & (x <= max_value)
    return g * (passes + (x <= threshold) * g.dtype.type(negative_slope))


def relu6_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the relu with a ceiling: g [0 < y < 6], from y alone."""
    return g * ((y > 0) & (y < 6))


def leaky_relu_gradient(g: Any, x: Any, y: Any, negative_slope: float = 0.2) -> Any:
    """Gradient of the leaky relu: g where x > 0, negative_slope · g elsewhere, from x alone."""
    return g * ((x > 0) + (x <= 0) * g.dtype.type(negative_slope))


def elu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the elu: g where x > 0, g α exp(x) elsewhere, from x alone.

    (y + α is the same as α exp(x), but loses all digits where y is close to -α.)
    """
    falling = np.exp(np.minimum(x, 0))  # 1 where x > 0, and NaN where x is
    return g * (falling * (x > 0) + alpha * falling * ~(x > 0))


def selu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the selu: 1.0507 times that of elu(x, 1.67326), from x alone."""
    return SELU_SCALE * elu_gradient(g, x, y, SELU_ALPHA)


def celu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the celu: g exp(min(x, 0) / α), from x alone."""
    return g * np.exp(np.minimum(x, 0) / alpha)


def exponential_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the exponential: g y, from y alone."""
    return g * y


def tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hyperbolic tangent: g (1 - y²), from y alone."""
    return g * (1 - y * y)


def sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sigmoid: g y (1 - y), from y alone."""
    return g * y * (1 - y)


def softplus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the softplus: g σ(x), from x alone."""
    return g * sigmoid(x)


def log_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the logarithm of the sigmoid: g σ(-x), from x alone."""
    return g * sigmoid(-x)


def gelu_gradient(g: Any, x: Any, y: Any, approximate: bool = False) -> Any:
    """Gradient of the gelu: g (Φ(x) + x φ(x)) with the normal distribution Φ, from x alone.

    Args:
        g: cotangent of y.
        x: what the gelu was taken of.
        y: the gelu.
        approximate: whether it was the one with tanh; then with v as in `tanh_gelu_logit` it is
            g (σ(v) + x σ(v) σ(-v) dv/dx).
    """
    if approximate:
        logit = tanh_gelu_logit(x)
        near = np.clip(x, -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT)
        slope = TANH_GELU_SLOPE * (1 + 3 * TANH_GELU_CUBIC * near * near)
        return g * (sigmoid(logit) + near * slope * _slope_of_sigmoid(logit))
    near = np.clip(x, -NORMAL_DENSITY_IS_ZERO, NORMAL_DENSITY_IS_ZERO)
    density = INVERSE_SQRT_TAU * np.exp(-0.5 * near * near)
    return g * (0.5 * erfc(-SQRT_HALF * x) + near * density)


def silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the silu: g (σ(x) + x σ(x) σ(-x)), from x alone."""
    return g * (sigmoid(x) + x * _slope_of_sigmoid(x))


def mish_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the mish: g (ω + x σ(x) (1 - ω²)) with ω = tanh(softplus(x)), from x alone.

    It is g (n + 4 x a b² (a + b) / d) / d with a, b as in `mish`, n = a (a + 2b), d = n + 2b².
    """
    a, b = np.exp(np.minimum(x, 0)), np.exp(np.minimum(-x, 0))
    numerator = a * (a + 2 * b)
    denominator = numerator + 2 * b * b
    return g * ((numerator + x * (4 * a * b * b * (a + b) / denominator)) / denominator)


def hard_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard sigmoid: g / 6 where -3 < x < 3, from x alone."""
    return g * (np.abs(x) < 3) / 6


def hard_silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard silu: g (x/3 + 1/2) where -3 < x < 3, g from 3 up, from x alone."""
    slope = np.clip(x, -3, 3) / 3 + 0.5
    return g * (slope * (np.abs(x) < 3) + (x >= 3))


def softsign_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the smooth sign: g / (1 + |x|)², from x alone."""
    scale = 1 / (1 + np.abs(x))
    return g * scale * scale


def hard_tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard tanh: g where -1 < x < 1, from x alone."""
    return g * (np.abs(x) < 1)


def tanh_shrink_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of x - tanh(x): g tanh(x)², from x alone."""
    gate = np.tanh(x)
    return g * gate * gate


def hard_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the hard shrinkage: g where |x| > threshold, from x alone."""
    return g * (np.abs(x) > threshold)


def soft_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the soft shrinkage: g where |x| > threshold, from x alone."""
    return g * (np.abs(x) > threshold)


def threshold_gradient(g: Any, x: Any, y: Any, threshold: float, default_value: float) -> Any:
    """Gradient of the threshold: g where x > threshold, from x alone."""
    return g * (x > threshold)


def squareplus_gradient(g: Any, x: Any, y: Any, b: float = 4) -> Any:
    """Gradient of the squareplus: g y / √(x² + b), which does not cancel below zero."""
    return g * (y / np.hypot(x, math.sqrt(b)))


def sparse_plus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse plus: g times the sparse sigmoid of x, from x alone."""
    return g * ((np.clip(x, -1, 1) + 1) / 2)


def sparse_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse sigmoid: g / 2 where -1 < x < 1, from x alone."""
    return g * (np.abs(x) < 1) / 2


def sparsemax_gradient(g: Any, x: Any, y: Any, axis: int = -1) -> Any:
    """Gradient of the sparsemax: g less its mean, both where y > 0 only, from y alone.

    Args:
        g: cotangent of y.
        x: what the sparsemax was taken of.
        y: the sparsemax.
        axis: the axis along which y sums to 1.
    """
    support = (y > 0).astype(g.dtype)
    inside = g * support
    total = np.sum(inside, axis=axis, keepdims=True)
    return inside - support * (total / np.sum(support, axis=axis, keepdims=True))


def glu_gradient(g: Any, x: Any, y: Any, axis: int = -1) -> Any:
    """Gradient of the gated linear unit a σ(b): g σ(b) for a, beside g y σ(-b) for b.

    Args:
        g: cotangent of y.
        x: the halves a and b, one after the other along `axis`.
        y: the gated linear unit, half as long as x there.
        axis: the axis that was halved.

    Returns:
        Array of the shape and dtype of `x`.
    """
    _, logit = np.split(x, 2, axis=axis)
    return np.concatenate([g * sigmoid(logit), g * y * sigmoid(-logit)], axis=axis)


def linear_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the identity: g itself, not a copy."""
    return g


def _slope_of_sigmoid(x: Any) -> Any:
    """σ(x) σ(-x), with a small relative error in both tails."""
    e = np.exp(-np.abs(x))
    inverse = 1 / (1 + e)
    return e * inverse * inverse
