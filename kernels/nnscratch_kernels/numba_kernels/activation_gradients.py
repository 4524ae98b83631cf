"""The gradients of the activation functions in vectorised loops, one pass over the memory each.

Names, arguments and formulas are those of `numpy_kernels.activation_gradients`. Every result has
the shape and dtype of `g`; 3 arrays move through memory (4 for the squareplus), since an array that
a gradient can do without is not read. What the loops do not take (float16, arrays that would have
to be broadcast) goes to NumPy, and so do all gradients of sparsemax and the gated linear unit.
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
    hypotenuse,
    magnitude,
    normal_density,
    normal_distribution,
    number,
    sigmoid,
    sigmoid_and_slope,
    tanh,
)
from nnscratch_kernels.numpy_kernels import activation_gradients as reference
from nnscratch_kernels.numpy_kernels.activation_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    TANH_GELU_CUBIC,
    TANH_GELU_IS_FLAT,
    TANH_GELU_SLOPE,
)


def relu_gradient(
    g: Any,
    x: Any,
    y: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Any:
    """Gradient of the relu: g [y > 0], without options from y alone; with them in NumPy."""
    plain = negative_slope == 0 and max_value is None and threshold == 0
    if plain and can_compile(g, y):
        return elementwise(_where_above, g, y, parameters=(0,))
    return reference.relu_gradient(g, x, y, negative_slope, max_value, threshold)


def relu6_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the relu with a ceiling: g [0 < y < 6], from y alone."""
    if not can_compile(g, y):
        return reference.relu6_gradient(g, x, y)
    return elementwise(_where_between, g, y, parameters=(0, 6, 1))


def leaky_relu_gradient(g: Any, x: Any, y: Any, negative_slope: float = 0.2) -> Any:
    """Gradient of the leaky relu: g where x > 0, negative_slope · g elsewhere, from x alone."""
    if not can_compile(g, x):
        return reference.leaky_relu_gradient(g, x, y, negative_slope)
    return elementwise(_leaky_relu_gradient, g, x, parameters=(negative_slope,))


def elu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the elu: g where x > 0, g α exp(x) elsewhere, from x alone."""
    if not can_compile(g, x):
        return reference.elu_gradient(g, x, y, alpha)
    return elementwise(_elu_gradient, g, x, parameters=(1, alpha, 1), long=True)


def selu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the selu: 1.0507 times that of elu(x, 1.67326), from x alone."""
    if not can_compile(g, x):
        return reference.selu_gradient(g, x, y)
    return elementwise(
        _elu_gradient, g, x, parameters=(SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1), long=True
    )


def celu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the celu: g exp(min(x, 0) / α), from x alone."""
    if alpha <= 0 or not can_compile(g, x):
        return reference.celu_gradient(g, x, y, alpha)
    return elementwise(_elu_gradient, g, x, parameters=(1, 1, 1 / alpha), long=True)


def exponential_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the exponential: g y, from y alone."""
    if not can_compile(g, y):
        return reference.exponential_gradient(g, x, y)
    return elementwise(_exponential_gradient, g, y)


def tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hyperbolic tangent: g (1 - y²), from y alone."""
    if not can_compile(g, y):
        return reference.tanh_gradient(g, x, y)
    return elementwise(_tanh_gradient, g, y)


def sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sigmoid: g y (1 - y), from y alone."""
    if not can_compile(g, y):
        return reference.sigmoid_gradient(g, x, y)
    return elementwise(_sigmoid_gradient, g, y)


def softplus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the softplus: g σ(x), from x alone."""
    if not can_compile(g, x):
        return reference.softplus_gradient(g, x, y)
    return elementwise(_softplus_gradient, g, x, parameters=(1,), long=True)


def log_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the logarithm of the sigmoid: g σ(-x), from x alone."""
    if not can_compile(g, x):
        return reference.log_sigmoid_gradient(g, x, y)
    return elementwise(_softplus_gradient, g, x, parameters=(-1,), long=True)


def gelu_gradient(g: Any, x: Any, y: Any, approximate: bool = False) -> Any:
    """Gradient of the gelu: g (Φ(x) + x φ(x)), or with tanh as `approximate` says, from x alone."""
    if not can_compile(g, x):
        return reference.gelu_gradient(g, x, y, approximate)
    return elementwise(_tanh_gelu_gradient if approximate else _gelu_gradient, g, x, long=True)


def silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the silu: g (σ(x) + x σ(x) σ(-x)), from x alone."""
    if not can_compile(g, x):
        return reference.silu_gradient(g, x, y)
    return elementwise(_silu_gradient, g, x, long=True)


def mish_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the mish: g (ω + x σ(x) (1 - ω²)) with ω = tanh(softplus(x)), from x alone."""
    if not can_compile(g, x):
        return reference.mish_gradient(g, x, y)
    return elementwise(_mish_gradient, g, x, long=True)


def hard_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard sigmoid: g / 6 where -3 < x < 3, from x alone."""
    if not can_compile(g, x):
        return reference.hard_sigmoid_gradient(g, x, y)
    return elementwise(_where_between, g, x, parameters=(-3, 3, 1 / 6))


def hard_silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard silu: g (x/3 + 1/2) where -3 < x < 3, g from 3 up, from x alone."""
    if not can_compile(g, x):
        return reference.hard_silu_gradient(g, x, y)
    return elementwise(_hard_silu_gradient, g, x)


def softsign_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the smooth sign: g / (1 + |x|)², from x alone."""
    if not can_compile(g, x):
        return reference.softsign_gradient(g, x, y)
    return elementwise(_softsign_gradient, g, x)


def hard_tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard tanh: g where -1 < x < 1, from x alone."""
    if not can_compile(g, x):
        return reference.hard_tanh_gradient(g, x, y)
    return elementwise(_where_between, g, x, parameters=(-1, 1, 1))


def tanh_shrink_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of x - tanh(x): g tanh(x)², from x alone."""
    if not can_compile(g, x):
        return reference.tanh_shrink_gradient(g, x, y)
    return elementwise(_tanh_shrink_gradient, g, x, long=True)


def hard_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the hard shrinkage: g where |x| > threshold, from x alone."""
    if not can_compile(g, x):
        return reference.hard_shrink_gradient(g, x, y, threshold)
    return elementwise(_shrink_gradient, g, x, parameters=(threshold,))


def soft_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the soft shrinkage: g where |x| > threshold, from x alone."""
    if not can_compile(g, x):
        return reference.soft_shrink_gradient(g, x, y, threshold)
    return elementwise(_shrink_gradient, g, x, parameters=(threshold,))


def threshold_gradient(g: Any, x: Any, y: Any, threshold: float, default_value: float) -> Any:
    """Gradient of the threshold: g where x > threshold, from x alone."""
    if not can_compile(g, x):
        return reference.threshold_gradient(g, x, y, threshold, default_value)
    return elementwise(_where_above, g, x, parameters=(threshold,))


def squareplus_gradient(g: Any, x: Any, y: Any, b: float = 4) -> Any:
    """Gradient of the squareplus: g y / √(x² + b)."""
    if not can_compile(g, x, y):
        return reference.squareplus_gradient(g, x, y, b)
    return elementwise(_squareplus_gradient, g, x, y, parameters=(math.sqrt(b),))


def sparse_plus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse plus: g times the sparse sigmoid of x, from x alone."""
    if not can_compile(g, x):
        return reference.sparse_plus_gradient(g, x, y)
    return elementwise(_sparse_plus_gradient, g, x)


def sparse_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse sigmoid: g / 2 where -1 < x < 1, from x alone."""
    if not can_compile(g, x):
        return reference.sparse_sigmoid_gradient(g, x, y)
    return elementwise(_where_between, g, x, parameters=(-1, 1, 0.5))


# A product with 0 or 1 stands where NumPy's twin has one, so that g = NaN gives NaN here too.
# Without sums over many elements, another order of operations wins nothing, and could overflow.
_compiled = compiled(fastmath=EXACT)


@_compiled
def _where_above(first: int, last: int, g: Any, z: Any, dx: Any, low: Any) -> None:
    g, z, dx = g[first:last], z[first:last], dx[first:last]
    for i in range(z.size):
        c = constants(z[i])
        dx[i] = g[i] * (c.one if z[i] > low else c.zero)


@_compiled
def _where_between(
    first: int, last: int, g: Any, z: Any, dx: Any, low: Any, high: Any, slope: Any
) -> None:
    g, z, dx = g[first:last], z[first:last], dx[first:last]
    for i in range(z.size):
        inside = (z[i] > low) & (z[i] < high)
        dx[i] = g[i] * (slope if inside else constants(z[i]).zero)


@_compiled
def _shrink_gradient(first: int, last: int, g: Any, x: Any, dx: Any, threshold: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        c = constants(x[i])
        dx[i] = g[i] * (c.one if magnitude(x[i]) > threshold else c.zero)


@_compiled
def _leaky_relu_gradient(first: int, last: int, g: Any, x: Any, dx: Any, slope: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        c = constants(x[i])
        below = slope if x[i] <= c.zero else c.zero
        dx[i] = g[i] * (c.one if x[i] > c.zero else below)


@_compiled
def _elu_gradient(
    first: int, last: int, g: Any, x: Any, dx: Any, above: Any, below: Any, rate: Any
) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        zero = constants(x[i]).zero
        falling = below * exp_of_nonpositive(rate * (zero if x[i] > zero else x[i]))
        dx[i] = g[i] * (above if x[i] > zero else falling)


@_compiled
def _exponential_gradient(first: int, last: int, g: Any, y: Any, dx: Any) -> None:
    g, y, dx = g[first:last], y[first:last], dx[first:last]
    for i in range(y.size):
        dx[i] = g[i] * y[i]


@_compiled
def _tanh_gradient(first: int, last: int, g: Any, y: Any, dx: Any) -> None:
    g, y, dx = g[first:last], y[first:last], dx[first:last]
    for i in range(y.size):
        dx[i] = g[i] * (constants(y[i]).one - y[i] * y[i])


@_compiled
def _sigmoid_gradient(first: int, last: int, g: Any, y: Any, dx: Any) -> None:
    g, y, dx = g[first:last], y[first:last], dx[first:last]
    for i in range(y.size):
        dx[i] = g[i] * (y[i] * (constants(y[i]).one - y[i]))


@_compiled
def _softplus_gradient(first: int, last: int, g: Any, x: Any, dx: Any, sign: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        dx[i] = g[i] * sigmoid(sign * x[i])


@_compiled
def _gelu_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    limit = reference.NORMAL_DENSITY_IS_ZERO
    for i in range(x.size):
        near = clipped(x[i], -limit, limit)
        dx[i] = g[i] * (normal_distribution(x[i]) + near * normal_density(x[i]))


@_compiled
def _tanh_gelu_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        one = constants(x[i]).one
        near = clipped(x[i], -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT)
        straight = number(TANH_GELU_SLOPE, near) * near
        cubic = number(TANH_GELU_CUBIC, near) * near * near
        gate, slope = sigmoid_and_slope(straight * (one + cubic))
        dx[i] = g[i] * (gate + straight * (one + number(3, near) * cubic) * slope)


@_compiled
def _silu_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        gate, slope = sigmoid_and_slope(x[i])
        dx[i] = g[i] * (gate + x[i] * slope)


@_compiled
def _mish_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        c = constants(x[i])
        e = exp_of_nonpositive(-magnitude(x[i]))
        a, b = (e, c.one) if x[i] < c.zero else (c.one, e)
        numerator = a * (a + c.two * b)
        inverse = c.one / (numerator + c.two * b * b)
        slope = number(4, b) * a * b * b * (a + b) * inverse
        dx[i] = g[i] * ((numerator + x[i] * slope) * inverse)


@_compiled
def _hard_silu_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        c = constants(x[i])
        three = number(3, x[i])
        inside = c.zero if x[i] <= -three else x[i] / three + c.half
        dx[i] = g[i] * (c.one if x[i] >= three else inside)


@_compiled
def _softsign_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        one = constants(x[i]).one
        scale = one / (one + magnitude(x[i]))
        dx[i] = g[i] * scale * scale


@_compiled
def _tanh_shrink_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        gate = tanh(x[i])
        dx[i] = g[i] * gate * gate


@_compiled
def _squareplus_gradient(first: int, last: int, g: Any, x: Any, y: Any, dx: Any, r: Any) -> None:
    g, x, y, dx = g[first:last], x[first:last], y[first:last], dx[first:last]
    for i in range(x.size):
        dx[i] = g[i] * (y[i] / hypotenuse(magnitude(x[i]), r))


@_compiled
def _sparse_plus_gradient(first: int, last: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[first:last], x[first:last], dx[first:last]
    for i in range(x.size):
        c = constants(x[i])
        dx[i] = g[i] * (c.half * (clipped(x[i], -1, 1) + c.one))
