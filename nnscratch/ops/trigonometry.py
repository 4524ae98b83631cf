"""Trigonometric and hyperbolic functions with their inverses, elementwise, and angle units."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call

sin = Op(
    "sin",
    np.sin,
    formula=r"y = \sin a",
    derivative=r"\bar a = \bar y \cos a",
    vjps=(lambda g, y, a: g * np.cos(a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="sin",
    numpy=[np.sin],
)

cos = Op(
    "cos",
    np.cos,
    formula=r"y = \cos a",
    derivative=r"\bar a = -\bar y \sin a",
    vjps=(lambda g, y, a: -g * np.sin(a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="cos",
    numpy=[np.cos],
)

tan = Op(
    "tan",
    np.tan,
    formula=r"y = \tan a",
    derivative=r"\bar a = \bar y\, (1 + y^2)",
    vjps=(lambda g, y, a: g * (1 + y * y),),
    samples=lambda s: [call(s.unit(2, 3)), call(s.unit())],
    torch="tan",
    numpy=[np.tan],
)

arcsin = Op(
    "arcsin",
    np.arcsin,
    formula=r"y = \arcsin a",
    derivative=r"\bar a = \frac{\bar y}{\sqrt{1 - a^2}}",
    vjps=(lambda g, y, a: g / np.sqrt(1 - a * a),),
    samples=lambda s: [call(s.unit(2, 3)), call(s.unit())],
    torch="arcsin",
    numpy=[np.arcsin],
)

arccos = Op(
    "arccos",
    np.arccos,
    formula=r"y = \arccos a",
    derivative=r"\bar a = -\frac{\bar y}{\sqrt{1 - a^2}}",
    vjps=(lambda g, y, a: -g / np.sqrt(1 - a * a),),
    samples=lambda s: [call(s.unit(2, 3)), call(s.unit())],
    torch="arccos",
    numpy=[np.arccos],
)

arctan = Op(
    "arctan",
    np.arctan,
    formula=r"y = \arctan a",
    derivative=r"\bar a = \frac{\bar y}{1 + a^2}",
    vjps=(lambda g, y, a: g / (1 + a * a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="arctan",
    numpy=[np.arctan],
)


def _squared_radius(a: Any, b: Any) -> Any:
    """a² + b², and 1 at the origin, where the gradient is then 0."""
    radius = np.square(a) + np.square(b)
    return np.where(radius == 0, 1, radius)


arctan2 = Op(
    "arctan2",
    np.arctan2,
    formula=r"y = 	ext{the angle of the point } (b, a)",
    derivative=r"\bar a = \bar y\, \frac{b}{a^2 + b^2}, \quad "
    r"\bar b = -\bar y\, \frac{a}{a^2 + b^2}",
    vjps=(
        lambda g, y, a, b: g * b / _squared_radius(a, b),
        lambda g, y, a, b: -g * a / _squared_radius(a, b),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(3), 2.0),
    ],
    torch=lambda torch, a, b: torch.arctan2(a, torch.as_tensor(b, dtype=a.dtype)),
    numpy=[np.arctan2],
)

sinh = Op(
    "sinh",
    np.sinh,
    formula=r"y = \sinh a",
    derivative=r"\bar a = \bar y \cosh a",
    vjps=(lambda g, y, a: g * np.cosh(a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="sinh",
    numpy=[np.sinh],
)

cosh = Op(
    "cosh",
    np.cosh,
    formula=r"y = \cosh a",
    derivative=r"\bar a = \bar y \sinh a",
    vjps=(lambda g, y, a: g * np.sinh(a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="cosh",
    numpy=[np.cosh],
)

tanh = Op(
    "tanh",
    np.tanh,
    formula=r"y = \tanh a",
    derivative=r"\bar a = \bar y\, (1 - y^2)",
    vjps=(lambda g, y, a: g * (1 - y * y),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="tanh",
    numpy=[np.tanh],
)

arcsinh = Op(
    "arcsinh",
    np.arcsinh,
    formula=r"y = \operatorname{arsinh} a",
    derivative=r"\bar a = \frac{\bar y}{\sqrt{a^2 + 1}}",
    vjps=(lambda g, y, a: g / np.sqrt(a * a + 1),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="arcsinh",
    numpy=[np.arcsinh],
)

arccosh = Op(
    "arccosh",
    np.arccosh,
    formula=r"y = \operatorname{arcosh} a",
    derivative=r"\bar a = \frac{\bar y}{\sqrt{a^2 - 1}}",
    vjps=(lambda g, y, a: g / np.sqrt(a * a - 1),),
    samples=lambda s: [call(1 + s.positive(2, 3)), call(1 + s.positive())],
    torch="arccosh",
    numpy=[np.arccosh],
)

arctanh = Op(
    "arctanh",
    np.arctanh,
    formula=r"y = \operatorname{artanh} a",
    derivative=r"\bar a = \frac{\bar y}{1 - a^2}",
    vjps=(lambda g, y, a: g / (1 - a * a),),
    samples=lambda s: [call(s.unit(2, 3)), call(s.unit())],
    torch="arctanh",
    numpy=[np.arctanh],
)

deg2rad = Op(
    "deg2rad",
    np.deg2rad,
    formula=r"y = \frac{\pi}{180}\, a",
    derivative=r"\bar a = \frac{\pi}{180}\, \bar y",
    vjps=(lambda g, y, a: g * (math.pi / 180),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="deg2rad",
    numpy=[np.deg2rad, np.radians],
)

rad2deg = Op(
    "rad2deg",
    np.rad2deg,
    formula=r"y = \frac{180}{\pi}\, a",
    derivative=r"\bar a = \frac{180}{\pi}\, \bar y",
    vjps=(lambda g, y, a: g * (180 / math.pi),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="rad2deg",
    numpy=[np.rad2deg, np.degrees],
)
