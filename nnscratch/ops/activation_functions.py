"""Activation functions beyond those in `special`: each hot one an op, the rare ones composites.

At corners the gradients are PyTorch's, which are Keras's on PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, composite
from nnscratch.ops.kernel_rules import by_kernel
from nnscratch.ops.special import erfc, sigmoid, softplus
from nnscratch_kernels import auto as kernels
from nnscratch_kernels.numpy_kernels.activation_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    SQRT_HALF,
    TANH_GELU_CUBIC,
    TANH_GELU_IS_FLAT,
    TANH_GELU_SLOPE,
)
from nnscratch_kernels.numpy_kernels.activation_gradients import (
    INVERSE_SQRT_TAU,
    NORMAL_DENSITY_IS_ZERO,
)

relu6 = Op(
    "relu6",
    kernels.relu6,
    formula=r"y = \min(\max(x, 0), 6)",
    derivative=r"\bar x = \bar y\, [0 < x < 6]",
    vjps=(by_kernel(kernels.relu6_gradient, lambda g, y, x: g * np.logical_and(y > 0, y < 6)),),
    samples=lambda s: [call(4 * s.normal(3, 4)), call(s.normal()), call(s.normal(0, 3))],
    torch="nn.functional.relu6",
    numpy=[],
)

leaky_relu = Op(
    "leaky_relu",
    kernels.leaky_relu,
    arity=1,
    formula=r"y = \begin{cases} x & x > 0 \\ s x & x \le 0 \end{cases}",
    derivative=r"\bar x = \begin{cases} \bar y & x > 0 \\ s \bar y & x \le 0 \end{cases}",
    vjps=(
        by_kernel(
            kernels.leaky_relu_gradient,
            lambda g, y, x, negative_slope: g * (x > 0) + (negative_slope * g) * (x <= 0),
        ),
    ),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), negative_slope=0.01),
        call(s.normal(4), 1.5),
        call(s.normal()),
    ],
    torch=lambda torch, x, negative_slope=0.2: torch.nn.functional.leaky_relu(x, negative_slope),
    numpy=[],
)


def _elu_gradient(g: Any, y: Any, x: Any, alpha: float) -> Any:
    scaled = g * np.exp(np.minimum(x, 0))
    return scaled * (x > 0) + (alpha * scaled) * (x <= 0)


elu = Op(
    "elu",
    kernels.elu,
    arity=1,
    formula=r"y = \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}",
    derivative=r"\bar x = \begin{cases} \bar y & x > 0 \\ \bar y\, \alpha e^x & x \le 0 "
    r"\end{cases}",
    vjps=(by_kernel(kernels.elu_gradient, _elu_gradient),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(4), alpha=0.3), call(s.normal())],
    torch=lambda torch, x, alpha=1.0: torch.nn.functional.elu(x, alpha),
    numpy=[],
)


selu = Op(
    "selu",
    kernels.selu,
    formula=r"y = \lambda \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}, "
    r"\quad \lambda \approx 1.0507, \quad \alpha \approx 1.6733",
    derivative=r"\bar x = \lambda \bar y \begin{cases} 1 & x > 0 \\ \alpha e^x & x \le 0 "
    r"\end{cases}",
    vjps=(
        by_kernel(
            kernels.selu_gradient,
            lambda g, y, x: _elu_gradient(SELU_SCALE * g, y, x, SELU_ALPHA),
        ),
    ),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="nn.functional.selu",
    numpy=[],
)

celu = Op(
    "celu",
    kernels.celu,
    arity=1,
    formula=r"y = \begin{cases} x & x > 0 \\ \alpha (e^{x / \alpha} - 1) & x \le 0 \end{cases}",
    derivative=r"\bar x = \begin{cases} \bar y & x > 0 \\ \bar y\, e^{x / \alpha} & x \le 0 "
    r"\end{cases}",
    vjps=(
        by_kernel(
            kernels.celu_gradient,
            lambda g, y, x, alpha: g * np.exp(np.minimum(x, 0) / alpha),  # 1 above 0
        ),
    ),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(4), alpha=0.3), call(s.normal())],
    torch=lambda torch, x, alpha=1.0: torch.nn.functional.celu(x, alpha),
    numpy=[],
)


def _gelu_gradient(g: Any, y: Any, x: Any, approximate: bool) -> Any:
    if approximate:
        gate = sigmoid(kernels.tanh_gelu_logit(x))
        near = np.clip(x, -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT)
        slope = TANH_GELU_SLOPE * (1 + 3 * TANH_GELU_CUBIC * near * near)
        return g * (gate + near * slope * gate * (1 - gate))
    near = np.clip(x, -NORMAL_DENSITY_IS_ZERO, NORMAL_DENSITY_IS_ZERO)
    density = INVERSE_SQRT_TAU * np.exp(-0.5 * near * near)
    return g * (0.5 * erfc(-SQRT_HALF * x) + near * density)


gelu = Op(
    "gelu",
    kernels.gelu,
    arity=1,
    formula=r"y = x\, \Phi(x) = \frac{x}{2} \operatorname{erfc} \frac{-x}{\sqrt 2}, \quad "
    r"\text{or with } \Phi(x) \approx \sigma(v), \quad "
    r"v = 2 \sqrt{2 / \pi}\, (x + 0.044715\, x^3)",
    derivative=r"\bar x = \bar y \left(\Phi(x) + \frac{x\, e^{-x^2 / 2}}{\sqrt{2 \pi}}\right), "
    r"\quad \text{or} \quad \bar x = \bar y \left(\sigma(v) + x\, \sigma(v) (1 - \sigma(v))\, "
    r"\frac{dv}{dx}\right)",
    vjps=(by_kernel(kernels.gelu_gradient, _gelu_gradient),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), approximate=True),
        call(3 * s.normal(4), True),
        call(s.normal()),
    ],
    torch=lambda torch, x, approximate=False: torch.nn.functional.gelu(
        x, approximate="tanh" if approximate else "none"
    ),
    numpy=[],
)


def _silu_gradient(g: Any, y: Any, x: Any) -> Any:
    gate = sigmoid(x)
    return g * (gate * (1 + x * (1 - gate)))


silu = Op(
    "silu",
    kernels.silu,
    formula=r"y = x\, \sigma(x)",
    derivative=r"\bar x = \bar y\, \sigma(x) \left(1 + x\, (1 - \sigma(x))\right)",
    vjps=(by_kernel(kernels.silu_gradient, _silu_gradient),),
    samples=lambda s: [call(s.normal(2, 3)), call(5 * s.normal(4)), call(s.normal())],
    torch="nn.functional.silu",
    numpy=[],
)


def _mish_gradient(g: Any, y: Any, x: Any) -> Any:
    gate = np.tanh(softplus(x))
    return g * (gate + x * sigmoid(x) * (1 - gate * gate))


mish = Op(
    "mish",
    kernels.mish,
    formula=r"y = x\, \omega, \quad \omega = \tanh \ln(1 + e^x)",
    derivative=r"\bar x = \bar y \left(\omega + x\, \sigma(x)\, (1 - \omega^2)\right)",
    vjps=(by_kernel(kernels.mish_gradient, _mish_gradient),),
    samples=lambda s: [call(s.normal(2, 3)), call(5 * s.normal(4)), call(s.normal())],
    torch="nn.functional.mish",
    numpy=[],
)

hard_sigmoid = Op(
    "hard_sigmoid",
    kernels.hard_sigmoid,
    formula=r"y = \min(\max(x / 6 + 1 / 2, 0), 1)",
    derivative=r"\bar x = \tfrac16 \bar y\, [-3 < x < 3]",
    vjps=(by_kernel(kernels.hard_sigmoid_gradient, lambda g, y, x: g * (np.absolute(x) < 3) / 6),),
    samples=lambda s: [call(3 * s.normal(3, 4)), call(s.normal())],
    torch="nn.functional.hardsigmoid",
    numpy=[],
)


def _hard_silu_gradient(g: Any, y: Any, x: Any) -> Any:
    slope = np.clip(x, -3, 3) / 3 + 0.5
    return g * slope * (np.absolute(x) < 3) + g * (x >= 3)


hard_silu = Op(
    "hard_silu",
    kernels.hard_silu,
    formula=r"y = x \min(\max(x / 6 + 1 / 2, 0), 1)",
    derivative=r"\bar x = \bar y \begin{cases} 0 & x \le -3 \\ x / 3 + 1 / 2 & -3 < x < 3 \\ "
    r"1 & x \ge 3 \end{cases}",
    vjps=(by_kernel(kernels.hard_silu_gradient, _hard_silu_gradient),),
    samples=lambda s: [call(3 * s.normal(3, 4)), call(s.normal())],
    torch="nn.functional.hardswish",
    numpy=[],
)


def _softsign_gradient(g: Any, y: Any, x: Any) -> Any:
    scale = 1 / (1 + np.absolute(x))
    return g * scale * scale


softsign = Op(
    "softsign",
    kernels.softsign,
    formula=r"y = \frac{x}{1 + |x|}",
    derivative=r"\bar x = \frac{\bar y}{(1 + |x|)^2}",
    vjps=(by_kernel(kernels.softsign_gradient, _softsign_gradient),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="nn.functional.softsign",
    numpy=[],
)


def _sparsemax_gradient(g: Any, y: Any, x: Any, axis: int) -> Any:
    support = (y > 0).astype(g.dtype)
    inside = g * support
    total = np.sum(inside, axis=axis, keepdims=True)
    return inside - support * (total / np.sum(support, axis=axis, keepdims=True))


sparsemax = Op(
    "sparsemax",
    kernels.sparsemax,
    arity=1,
    formula=r"y = \operatorname*{arg\,min}_p \sum_i (p_i - x_i)^2 "
    r"\text{ over } p_i \ge 0,\ \sum_i p_i = 1",
    derivative=r"\bar x_i = [y_i > 0] \left(\bar y_i - "
    r"\frac{\sum_j [y_j > 0]\, \bar y_j}{\sum_j [y_j > 0]}\right)",
    vjps=(by_kernel(kernels.sparsemax_gradient, _sparsemax_gradient),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(4, 3), axis=0),
        call(0.1 * s.normal(5)),
        call(s.normal(2, 3, 2), 1),
    ],
    torch=None,
    numpy=[],
)


@composite(
    "glu",
    formula=r"y = a\, \sigma(b), \quad x = (a, b)",
    samples=lambda s: [call(s.normal(2, 4)), call(s.normal(4, 3), axis=0), call(s.normal(2))],
    torch=lambda torch, x, axis=-1: torch.nn.functional.glu(x, axis),
)
def glu(x: Any, axis: int = -1) -> Any:
    """Gated linear unit, a σ(b) for the two halves a and b of `x` (Dauphin et al. 2017).

    Args:
        x: array of an even length along `axis`.
        axis: the axis that is halved.

    Raises:
        ValueError: an odd length.
    """
    if x.shape[axis] % 2:
        raise ValueError(
            f"glu halves axis {axis}, got shape {x.shape}: its length there must be even."
        )
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


@composite(
    "log_sigmoid",
    formula=r"y = \ln \sigma(x) = -\ln(1 + e^{-x})",
    samples=lambda s: [call(s.normal(2, 3)), call(20 * s.normal(4)), call(s.normal())],
    torch="nn.functional.logsigmoid",
)
def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, -softplus(-x), without taking the logarithm of a tiny number."""
    return -softplus(-x)


@composite(
    "hard_tanh",
    formula=r"y = \min(\max(x, -1), 1)",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal())],
    torch="nn.functional.hardtanh",
)
def hard_tanh(x: Any) -> Any:
    """The hyperbolic tangent in straight lines, min(max(x, -1), 1)."""
    return np.where(np.absolute(x) < 1, x, np.sign(x))


@composite(
    "tanh_shrink",
    formula=r"y = x - \tanh x",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal())],
    torch="nn.functional.tanhshrink",
)
def tanh_shrink(x: Any) -> Any:
    """What the hyperbolic tangent leaves over, x - tanh(x)."""
    return x - np.tanh(x)


@composite(
    "hard_shrink",
    formula=r"y = \begin{cases} x & |x| > t \\ 0 & |x| \le t \end{cases}",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal(4), threshold=0.8), call(s.normal())],
    torch=lambda torch, x, threshold=0.5: torch.nn.functional.hardshrink(x, threshold),
)
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero, x elsewhere."""
    return np.where(np.absolute(x) <= threshold, 0, x)


@composite(
    "soft_shrink",
    formula=r"y = x - \min(\max(x, -t), t)",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal(4), threshold=0.8), call(s.normal())],
    torch=lambda torch, x, threshold=0.5: torch.nn.functional.softshrink(x, threshold),
)
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero; elsewhere x, moved towards zero by it."""
    return x - np.clip(x, -threshold, threshold)


@composite(
    "threshold",
    formula=r"y = \begin{cases} x & x > t \\ d & x \le t \end{cases}",
    samples=lambda s: [call(s.normal(3, 4), 0.3, 2.0), call(s.normal(), 0.0, -1)],
    torch=lambda torch, x, threshold, default_value: torch.nn.functional.threshold(
        x, threshold, default_value
    ),
)
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` above `threshold`, `default_value` elsewhere."""
    return np.where(x <= threshold, default_value, x)


@composite(
    "squareplus",
    formula=r"y = \tfrac12 \left(x + \sqrt{x^2 + b}\right)",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal(4), b=0.5), call(s.normal())],
    torch=lambda torch, x, b=4: (x + torch.sqrt(x * x + b)) / 2,
)
def squareplus(x: Any, b: float = 4) -> Any:
    """Smooth rectifier without an exponential, (x + √(x² + b)) / 2 (Barron 2021).

    It is computed as max(x, 0) + b / 2(√(x² + b) + |x|), which does not cancel below zero.

    Args:
        x: array of any shape and floating-point dtype.
        b: how smooth, positive; the value at 0 is √b / 2.
    """
    root = np.hypot(x, math.sqrt(b))
    return np.maximum(x, 0) + 0.5 * b / (root + np.absolute(x))


@composite(
    "sparse_plus",
    formula=r"y = \begin{cases} 0 & x \le -1 \\ \tfrac14 (x + 1)^2 & -1 < x < 1 \\ x & x \ge 1 "
    r"\end{cases}",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal())],
    torch=lambda torch, x: torch.where(x < 1, (x.clamp(min=-1) + 1) ** 2 / 4, x),
)
def sparse_plus(x: Any) -> Any:
    """The softplus in a straight line and one parabola; exactly 0 from -1 down."""
    return np.where(x < 1, np.square(np.clip(x, -1, 1) + 1) / 4, x)


@composite(
    "sparse_sigmoid",
    formula=r"y = \min(\max((x + 1) / 2, 0), 1)",
    samples=lambda s: [call(s.normal(3, 4)), call(s.normal())],
    torch=lambda torch, x: ((x + 1) / 2).clamp(0, 1),
)
def sparse_sigmoid(x: Any) -> Any:
    """The two-class sparsemax, min(max((x + 1) / 2, 0), 1) (Blondel et al. 2019)."""
    return (hard_tanh(x) + 1) / 2
