"""Exponentials, logarithms and roots, elementwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call

# Python floats, since NumPy's scalars would turn float32 into float64.
LN2 = math.log(2)
LN10 = math.log(10)

exp = Op(
    "exp",
    np.exp,
    formula="y = e^a",
    derivative=r"\bar a = \bar y\, y",
    vjps=(lambda g, y, a: g * y,),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="exp",
    numpy=[np.exp],
)

exp2 = Op(
    "exp2",
    np.exp2,
    formula="y = 2^a",
    derivative=r"\bar a = \bar y\, y \ln 2",
    vjps=(lambda g, y, a: g * y * LN2,),
    samples=lambda s: [call(s.normal(2, 3))],
    torch="exp2",
    numpy=[np.exp2],
)

expm1 = Op(
    "expm1",
    np.expm1,
    formula="y = e^a - 1",
    derivative=r"\bar a = \bar y\, (y + 1)",
    vjps=(lambda g, y, a: g * (y + 1),),
    samples=lambda s: [call(s.normal(2, 3)), call(np.array([-1e-9, 0.0, 1e-9]))],
    torch="expm1",
    numpy=[np.expm1],
)

log = Op(
    "log",
    np.log,
    formula=r"y = \ln a",
    derivative=r"\bar a = \frac{\bar y}{a}",
    vjps=(lambda g, y, a: g / a,),
    samples=lambda s: [call(s.positive(2, 3)), call(s.positive())],
    torch="log",
    numpy=[np.log],
)

log1p = Op(
    "log1p",
    np.log1p,
    formula=r"y = \ln(1 + a)",
    derivative=r"\bar a = \frac{\bar y}{1 + a}",
    vjps=(lambda g, y, a: g / (1 + a),),
    samples=lambda s: [call(s.unit(2, 3)), call(np.array([-1e-9, 0.0, 1e-9]))],
    torch="log1p",
    numpy=[np.log1p],
)

log2 = Op(
    "log2",
    np.log2,
    formula=r"y = \log_2 a",
    derivative=r"\bar a = \frac{\bar y}{a \ln 2}",
    vjps=(lambda g, y, a: g / (a * LN2),),
    samples=lambda s: [call(s.positive(2, 3))],
    torch="log2",
    numpy=[np.log2],
)

log10 = Op(
    "log10",
    np.log10,
    formula=r"y = \log_{10} a",
    derivative=r"\bar a = \frac{\bar y}{a \ln 10}",
    vjps=(lambda g, y, a: g / (a * LN10),),
    samples=lambda s: [call(s.positive(2, 3))],
    torch="log10",
    numpy=[np.log10],
)

sqrt = Op(
    "sqrt",
    np.sqrt,
    formula=r"y = \sqrt a",
    derivative=r"\bar a = \frac{\bar y}{2 y}",
    vjps=(lambda g, y, a: g / (2 * y),),
    samples=lambda s: [call(s.positive(2, 3)), call(s.positive())],
    torch="sqrt",
    numpy=[np.sqrt],
)

cbrt = Op(
    "cbrt",
    np.cbrt,
    formula=r"y = \sqrt[3] a",
    derivative=r"\bar a = \frac{\bar y}{3 y^2}",
    vjps=(lambda g, y, a: g / (3 * y * y),),
    samples=lambda s: [call(s.normal(2, 3))],
    torch=lambda torch, a: torch.sign(a) * torch.abs(a) ** (1 / 3),
    numpy=[np.cbrt],
)


def _finite(y: Any) -> Any:
    """Replace -inf by 0: where both operands are -inf their gradient is 0, and not NaN."""
    return np.where(y == -np.inf, 0, y)


logaddexp = Op(
    "logaddexp",
    np.logaddexp,
    formula=r"y = \ln(e^a + e^b)",
    derivative=r"\bar a = \bar y\, e^{a - y}, \quad \bar b = \bar y\, e^{b - y}",
    vjps=(
        lambda g, y, a, b: g * np.exp(a - _finite(y)),
        lambda g, y, a, b: g * np.exp(b - _finite(y)),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(3), 0.5),
    ],
    torch=lambda torch, a, b: torch.logaddexp(a, torch.as_tensor(b, dtype=a.dtype)),
    numpy=[np.logaddexp],
)

logaddexp2 = Op(
    "logaddexp2",
    np.logaddexp2,
    formula=r"y = \log_2(2^a + 2^b)",
    derivative=r"\bar a = \bar y\, 2^{a - y}, \quad \bar b = \bar y\, 2^{b - y}",
    vjps=(
        lambda g, y, a, b: g * np.exp2(a - _finite(y)),
        lambda g, y, a, b: g * np.exp2(b - _finite(y)),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
    ],
    torch="logaddexp2",
    numpy=[np.logaddexp2],
)


def _sinc_gradient(g: Any, y: Any, a: Any) -> Any:
    """Compute the derivative of sinc; by its series near 0, where the formula cancels."""
    x = math.pi * a
    near = np.abs(x) < 0.1
    w = x * x
    series = x * (-1 / 3 + w * (1 / 30 + w * (-1 / 840 + w / 45360)))
    exact = (np.cos(x) - y) / np.where(near, 1, x)
    return g * math.pi * np.where(near, series, exact)


sinc = Op(
    "sinc",
    np.sinc,
    formula=r"y = \frac{\sin \pi a}{\pi a}",
    derivative=r"\bar a = \bar y\, \frac{\cos \pi a - y}{a}",
    vjps=(_sinc_gradient,),
    samples=lambda s: [call(s.normal(2, 3)), call(np.array([-0.02, 0.0, 0.2]))],
    torch="sinc",
    numpy=[np.sinc],
)
