"""Arithmetic, elementwise with broadcasting: sums, products, quotients, powers, remainders."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, composite

add = Op(
    "add",
    np.add,
    formula="y = a + b",
    derivative=r"\bar a = \bar y, \quad \bar b = \bar y",
    vjps=(lambda g, y, a, b: g, lambda g, y, a, b: g),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(3), 2.0),
    ],
    torch="add",
    numpy=[np.add],
)

subtract = Op(
    "subtract",
    np.subtract,
    formula="y = a - b",
    derivative=r"\bar a = \bar y, \quad \bar b = -\bar y",
    vjps=(lambda g, y, a, b: g, lambda g, y, a, b: -g),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(2.0, s.normal(3)),
    ],
    torch=lambda torch, a, b: a - b,
    numpy=[np.subtract],
)

multiply = Op(
    "multiply",
    np.multiply,
    formula="y = a b",
    derivative=r"\bar a = \bar y\, b, \quad \bar b = \bar y\, a",
    vjps=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(2.0, s.normal(3)),
    ],
    torch="multiply",
    numpy=[np.multiply],
)

divide = Op(
    "divide",
    np.divide,
    formula=r"y = \frac{a}{b}",
    derivative=r"\bar a = \frac{\bar y}{b}, \quad \bar b = -\frac{\bar y\, y}{b}",
    vjps=(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    samples=lambda s: [
        call(s.normal(2, 3), s.positive(2, 3)),
        call(s.normal(4, 1, 3), -s.positive(2, 1)),
        call(2.0, s.positive(3)),
        call(s.normal(3), 2.0),
    ],
    torch="divide",
    numpy=[np.divide],
)

negative = Op(
    "negative",
    np.negative,
    formula="y = -a",
    derivative=r"\bar a = -\bar y",
    vjps=(lambda g, y, a: -g,),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="negative",
    numpy=[np.negative],
)

positive = Op(
    "positive",
    np.positive,
    formula="y = a",
    derivative=r"\bar a = \bar y",
    vjps=(lambda g, y, a: g,),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="positive",
    numpy=[np.positive, np.conjugate],
)

reciprocal = Op(
    "reciprocal",
    np.reciprocal,
    formula=r"y = \frac{1}{a}",
    derivative=r"\bar a = -\bar y\, y^2",
    vjps=(lambda g, y, a: -g * y * y,),
    samples=lambda s: [call(s.positive(2, 3)), call(-s.positive())],
    torch="reciprocal",
    numpy=[np.reciprocal],
)

square = Op(
    "square",
    np.square,
    formula="y = a^2",
    derivative=r"\bar a = 2 \bar y\, a",
    vjps=(lambda g, y, a: 2 * g * a,),
    samples=lambda s: [call(s.normal(2, 3)), call(np.array([0.0, 1.0]))],
    torch="square",
    numpy=[np.square],
)


def _power_base_gradient(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Compute b a^(b-1), and 0 for 0⁰, where the formula would be 0 · 0⁻¹."""
    if isinstance(b, int | float):
        return g * b * a ** (b - 1) if b else np.zeros_like(g)
    both_zero = np.logical_and(np.equal(a, 0), np.equal(b, 0))
    return g * b * a ** np.where(both_zero, 0, np.subtract(b, 1))


def _power_exponent_gradient(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Compute a^b log a, and its limit 0 at the base 0, where the formula would be 0 · -∞."""
    return g * y * np.log(np.where(np.logical_and(np.equal(a, 0), b >= 0), 1, a))


power = Op(
    "power",
    operator.pow,  # np.power does not take NumPy's short cuts for the scalar exponents 2, 0.5, -1
    formula="y = a^b",
    derivative=r"\bar a = \bar y\, b\, a^{b-1}, \quad \bar b = \bar y\, y \log a",
    vjps=(_power_base_gradient, _power_exponent_gradient),
    samples=lambda s: [
        call(s.positive(2, 3), s.normal(2, 3)),
        call(s.positive(4, 1, 3), s.normal(2, 1)),
        call(s.normal(4), 2),
        call(s.normal(4), 3.0),
        call(s.normal(4), 0),
        call(s.normal(4), -1),
        call(s.positive(4), 0.5),
        call(2.0, s.normal(3)),
        call(s.normal(4), np.array([0, 1, 2, 3], dtype=np.int8)),
        call(np.zeros(4), np.array([0, 1, 2, 3], dtype=np.int8)),
        call(np.zeros(2), 0),
    ],
    torch=lambda torch, a, b: a**b,
    numpy=[np.power],
)

float_power = Op(
    "float_power",
    np.float_power,
    formula=r"y = a^b \text{ in float64}",
    derivative=power.derivative,
    vjps=power.vjps,
    samples=lambda s: [
        call(s.positive(2, 3), s.normal(3)),
        call(s.normal(4), 2),
        call(2.0, s.normal(3)),
    ],
    torch="float_power",
    numpy=[np.float_power],
)


def _zero_gradient(g: Any, y: Any, a: Any, b: Any) -> Any:
    return np.zeros_like(g)


floor_divide = Op(
    "floor_divide",
    np.floor_divide,
    formula=r"y = \left\lfloor \frac{a}{b} \right\rfloor",
    derivative=r"\bar a = 0, \quad \bar b = 0",
    vjps=(_zero_gradient, _zero_gradient),
    samples=lambda s: [
        call(s.distinct(2, 3), np.array([[0.77], [-0.77]])),
        call(s.distinct(5), 0.77),
        call(7.1, s.positive(3)),
    ],
    torch=lambda torch, a, b: torch.floor(torch.divide(a, b)),
    numpy=[np.floor_divide],
)

mod = Op(
    "mod",
    np.mod,
    formula=r"y = a - b \left\lfloor \frac{a}{b} \right\rfloor",
    derivative=r"\bar a = \bar y, \quad \bar b = -\bar y \left\lfloor \frac{a}{b} \right\rfloor",
    vjps=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b)),
    samples=lambda s: [
        call(s.distinct(2, 3), np.array([[0.77], [-0.77]])),
        call(s.distinct(5), 0.77),
        call(7.1, s.positive(3)),
    ],
    torch=lambda torch, a, b: torch.remainder(torch.as_tensor(a), b),
    numpy=[np.mod],
)

fmod = Op(
    "fmod",
    np.fmod,
    formula=r"y = a - b \operatorname{trunc} \frac{a}{b}",
    derivative=r"\bar a = \bar y, \quad \bar b = -\bar y \operatorname{trunc} \frac{a}{b}",
    vjps=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.trunc(a / b)),
    samples=lambda s: [
        call(s.distinct(2, 3), np.array([[0.77], [-0.77]])),
        call(s.distinct(5), 0.77),
    ],
    torch="fmod",
    numpy=[np.fmod],
)


@composite(
    "divmod",
    formula=r"q = \left\lfloor \frac{a}{b} \right\rfloor, \quad r = a - b q",
    samples=lambda s: [
        call(s.distinct(2, 3), np.array([[0.77], [-0.77]])),
        call(s.distinct(5), 0.77),
    ],
    torch=lambda torch, a, b: (torch.floor(torch.divide(a, b)), torch.remainder(a, b)),
    numpy=[np.divmod],
)
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Quotient rounded down, and remainder with the sign of the divisor."""
    return np.floor_divide(x1, x2), np.mod(x1, x2)


hypot = Op(
    "hypot",
    np.hypot,
    formula=r"y = \sqrt{a^2 + b^2}",
    derivative=r"\bar a = \bar y\, \frac{a}{y}, \quad \bar b = \bar y\, \frac{b}{y}",
    # The origin has no gradient; 0 is a subgradient, and what a norm's gradient is there.
    vjps=(
        lambda g, y, a, b: g * a / np.where(y == 0, 1, y),
        lambda g, y, a, b: g * b / np.where(y == 0, 1, y),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(3), 2.0),
    ],
    torch=lambda torch, a, b: torch.hypot(a, torch.as_tensor(b, dtype=a.dtype)),
    numpy=[np.hypot],
)

ldexp = Op(
    "ldexp",
    np.ldexp,
    formula=r"y = a\, 2^n",
    derivative=r"\bar a = \bar y\, 2^n",
    vjps=(lambda g, y, a, n: np.ldexp(g, n), None),
    samples=lambda s: [call(s.normal(2, 3), np.array([-2, 0, 3])), call(s.normal(), 4)],
    torch=lambda torch, a, n: a * 2.0**n,
    numpy=[np.ldexp],
)
