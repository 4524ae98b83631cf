"""Activation functions in vectorised loops that read and write each element once.

Names, arguments, formulas and constants are those of `numpy_kernels.activation_functions`, whose
docstrings give the sources. Every result has the shape and dtype of `x`, and moves 2 arrays through
memory. What the loops do not take (float16, integers) goes to NumPy. Sparsemax and the gated linear
unit, which sort and halve an axis, are NumPy's alone.
"""

from __future__ import annotations

import math
from typing import Any

from nnscratch_kernels.numba_kernels.compilation import EXACT, compiled
from nnscratch_kernels.numba_kernels.elementwise import can_compile, elementwise
from nnscratch_kernels.numba_kernels.vector_math import (
    clipped,
    constants,
    exp_of_nonpositive,
    expm1_of_nonpositive,
    hypotenuse,
    log1p_of_unit,
    magnitude,
    normal_distribution,
    number,
    sigmoid,
    tanh,
)
from nnscratch_kernels.numpy_kernels import activation_functions as reference
from nnscratch_kernels.numpy_kernels.activation_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    TANH_GELU_CUBIC,
    TANH_GELU_SLOPE,
)


def relu6(x: Any) -> Any:
    """Rectified linear unit with a ceiling, min(max(x, 0), 6)."""
    return elementwise(_clipped, x, parameters=(0, 6)) if can_compile(x) else reference.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Rectifier that leaks: x where x > 0, negative_slope · x elsewhere."""
    if not can_compile(x):
        return reference.leaky_relu(x, negative_slope)
    return elementwise(_leaky_relu, x, parameters=(negative_slope,))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: x where x > 0, α (exp(x) - 1) elsewhere."""
    if not can_compile(x):
        return reference.elu(x, alpha)
    return elementwise(_elu, x, parameters=(1, alpha, 1), long=True)


def selu(x: Any) -> Any:
    """Scaled exponential linear unit, 1.0507 · elu(x, 1.67326)."""
    if not can_compile(x):
        return reference.selu(x)
    return elementwise(_elu, x, parameters=(SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1), long=True)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """Continuously differentiable ELU: x where x > 0, α (exp(x/α) - 1) elsewhere."""
    if alpha <= 0 or not can_compile(x):
        return reference.celu(x, alpha)
    return elementwise(_elu, x, parameters=(1, alpha, 1 / alpha), long=True)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Gaussian error linear unit, x Φ(x) with the normal distribution Φ.

    Args:
        x: array of any shape and floating-point dtype.
        approximate: use the paper's Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 instead.
    """
    if not can_compile(x):
        return reference.gelu(x, approximate)
    return elementwise(_tanh_gelu if approximate else _gelu, x, long=True)


def silu(x: Any) -> Any:
    """Sigmoid linear unit or swish, x σ(x)."""
    return elementwise(_silu, x, long=True) if can_compile(x) else reference.silu(x)


def mish(x: Any) -> Any:
    """Self-regularised rectifier, x tanh(softplus(x))."""
    return elementwise(_mish, x, long=True) if can_compile(x) else reference.mish(x)


def hard_sigmoid(x: Any) -> Any:
    """The sigmoid in straight lines, min(max(x/6 + 1/2, 0), 1)."""
    return elementwise(_hard_sigmoid, x) if can_compile(x) else reference.hard_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """The silu or swish in straight lines and one parabola, x · hard_sigmoid(x)."""
    return elementwise(_hard_silu, x) if can_compile(x) else reference.hard_silu(x)


def softsign(x: Any) -> Any:
    """Smooth sign, x / (1 + |x|)."""
    return elementwise(_softsign, x) if can_compile(x) else reference.softsign(x)


def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, -softplus(-x)."""
    return elementwise(_log_sigmoid, x, long=True) if can_compile(x) else reference.log_sigmoid(x)


def hard_tanh(x: Any) -> Any:
    """The hyperbolic tangent in straight lines, min(max(x, -1), 1)."""
    if not can_compile(x):
        return reference.hard_tanh(x)
    return elementwise(_clipped, x, parameters=(-1, 1))


def tanh_shrink(x: Any) -> Any:
    """What the hyperbolic tangent leaves over, x - tanh(x)."""
    return elementwise(_tanh_shrink, x, long=True) if can_compile(x) else reference.tanh_shrink(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero, x elsewhere."""
    if not can_compile(x):
        return reference.hard_shrink(x, threshold)
    return elementwise(_hard_shrink, x, parameters=(threshold,))


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero; elsewhere x, moved towards zero by it."""
    if not can_compile(x):
        return reference.soft_shrink(x, threshold)
    return elementwise(_soft_shrink, x, parameters=(threshold,))


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` above `threshold`, `default_value` elsewhere."""
    if not can_compile(x):
        return reference.threshold(x, threshold, default_value)
    return elementwise(_threshold, x, parameters=(threshold, default_value))


def squareplus(x: Any, b: float = 4) -> Any:
    """Smooth rectifier without an exponential, (x + √(x² + b)) / 2."""
    if not can_compile(x):
        return reference.squareplus(x, b)
    return elementwise(_squareplus, x, parameters=(math.sqrt(b),))


def sparse_plus(x: Any) -> Any:
    """The softplus in a straight line and one parabola; exactly 0 from -1 down."""
    return elementwise(_sparse_plus, x) if can_compile(x) else reference.sparse_plus(x)


def sparse_sigmoid(x: Any) -> Any:
    """The two-class sparsemax, min(max((x + 1) / 2, 0), 1)."""
    return elementwise(_sparse_sigmoid, x) if can_compile(x) else reference.sparse_sigmoid(x)


# Without a sum over many elements, another order of operations wins nothing, and could overflow.
_compiled = compiled(fastmath=EXACT)

# A comparison with NaN is false. The pieces below are chosen so that it then stays.


@_compiled
def _clipped(first: int, last: int, x: Any, y: Any, low: Any, high: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = clipped(x[i], low, high)


@_compiled
def _leaky_relu(first: int, last: int, x: Any, y: Any, slope: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] if x[i] > constants(x[i]).zero else slope * x[i]


@_compiled
def _elu(first: int, last: int, x: Any, y: Any, above: Any, below: Any, rate: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        zero = constants(x[i]).zero
        falling = below * expm1_of_nonpositive(rate * (zero if x[i] > zero else x[i]))
        y[i] = above * x[i] if x[i] > zero else falling


@_compiled
def _gelu(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] * normal_distribution(x[i])


@_compiled
def _tanh_gelu(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        cubic = constants(x[i]).one + number(TANH_GELU_CUBIC, x[i]) * x[i] * x[i]
        y[i] = x[i] * sigmoid(number(TANH_GELU_SLOPE, x[i]) * x[i] * cubic)


@_compiled
def _silu(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] * sigmoid(x[i])


@_compiled
def _mish(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        c = constants(x[i])
        e = exp_of_nonpositive(-magnitude(x[i]))
        a, b = (e, c.one) if x[i] < c.zero else (c.one, e)
        numerator = a * (a + c.two * b)
        y[i] = x[i] * (numerator / (numerator + c.two * b * b))


@_compiled
def _hard_sigmoid(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = clipped(x[i] + number(3, x[i]), 0, 6) / number(6, x[i])


@_compiled
def _hard_silu(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] * (clipped(x[i] + number(3, x[i]), 0, 6) / number(6, x[i]))


@_compiled
def _softsign(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] / (constants(x[i]).one + magnitude(x[i]))


@_compiled
def _log_sigmoid(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        zero = constants(x[i]).zero
        below = x[i] if x[i] < zero else zero
        y[i] = below - log1p_of_unit(exp_of_nonpositive(-magnitude(x[i])))


@_compiled
def _tanh_shrink(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] - tanh(x[i])


@_compiled
def _hard_shrink(first: int, last: int, x: Any, y: Any, threshold: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = constants(x[i]).zero if magnitude(x[i]) <= threshold else x[i]


@_compiled
def _soft_shrink(first: int, last: int, x: Any, y: Any, threshold: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = x[i] - clipped(x[i], -threshold, threshold)


@_compiled
def _threshold(first: int, last: int, x: Any, y: Any, threshold: Any, default: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = default if x[i] <= threshold else x[i]


@_compiled
def _squareplus(first: int, last: int, x: Any, y: Any, r: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        c = constants(x[i])
        above = c.zero if x[i] < c.zero else x[i]
        a = magnitude(x[i])
        y[i] = above + c.half * (r * (r / (hypotenuse(a, r) + a)))


@_compiled
def _sparse_plus(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        c = constants(x[i])
        root = clipped(x[i], -1, 1) + c.one
        y[i] = x[i] if x[i] > c.one else c.half * c.half * root * root


@_compiled
def _sparse_sigmoid(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        c = constants(x[i])
        y[i] = c.half * (clipped(x[i], -1, 1) + c.one)
