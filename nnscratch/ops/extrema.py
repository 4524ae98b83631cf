"""Elementwise extrema, magnitudes and signs: maximum, minimum, clip, absolute, sign, relatives.

At corners the gradients are PyTorch's subgradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, composite

maximum = Op(
    "maximum",
    np.maximum,
    formula=r"y = \max(a, b)",
    derivative=r"\bar a = \bar y\, [a > b] + \tfrac12 \bar y\, [a = b], \quad "
    r"\bar b = \bar y\, [b > a] + \tfrac12 \bar y\, [a = b]",
    vjps=(
        lambda g, y, a, b: np.where(a == b, g / 2, np.where(a < b, 0, g)),
        lambda g, y, a, b: np.where(a == b, g / 2, np.where(b < a, 0, g)),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(5), 0.0),
    ],
    torch=lambda torch, a, b: torch.maximum(a, torch.as_tensor(b, dtype=a.dtype)),
    numpy=[np.maximum],
)

minimum = Op(
    "minimum",
    np.minimum,
    formula=r"y = \min(a, b)",
    derivative=r"\bar a = \bar y\, [a < b] + \tfrac12 \bar y\, [a = b], \quad "
    r"\bar b = \bar y\, [b < a] + \tfrac12 \bar y\, [a = b]",
    vjps=(
        lambda g, y, a, b: np.where(a == b, g / 2, np.where(a > b, 0, g)),
        lambda g, y, a, b: np.where(a == b, g / 2, np.where(b > a, 0, g)),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(5), 0.0),
    ],
    torch=lambda torch, a, b: torch.minimum(a, torch.as_tensor(b, dtype=a.dtype)),
    numpy=[np.minimum],
)


def _first_is_largest(a: Any, b: Any) -> Any:
    return np.logical_or(a >= b, np.isnan(b))


def _first_is_smallest(a: Any, b: Any) -> Any:
    return np.logical_or(a <= b, np.isnan(b))


fmax = Op(
    "fmax",
    np.fmax,
    formula=r"y = \max(a, b), \text{ where NaN is passed over}",
    derivative=r"\bar a = \bar y\, [a \ge b], \quad \bar b = \bar y\, [a < b]",
    vjps=(
        lambda g, y, a, b: np.where(_first_is_largest(a, b), g, 0),
        lambda g, y, a, b: np.where(_first_is_largest(a, b), 0, g),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
    ],
    torch="fmax",
    numpy=[np.fmax],
)

fmin = Op(
    "fmin",
    np.fmin,
    formula=r"y = \min(a, b), \text{ where NaN is passed over}",
    derivative=r"\bar a = \bar y\, [a \le b], \quad \bar b = \bar y\, [a > b]",
    vjps=(
        lambda g, y, a, b: np.where(_first_is_smallest(a, b), g, 0),
        lambda g, y, a, b: np.where(_first_is_smallest(a, b), 0, g),
    ),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
    ],
    torch="fmin",
    numpy=[np.fmin],
)


def _clamp(a: Any, low: Any, high: Any) -> Any:
    return np.clip(a, low, high)


def _inside(a: Any, low: Any, high: Any) -> Any:
    return np.logical_and(True if low is None else a >= low, True if high is None else a <= high)


clamp = Op(
    "clamp",
    _clamp,
    formula=r"y = \min(\max(a, l), h)",
    derivative=r"\bar a = \bar y\, [l \le a \le h], \quad \bar l = \bar y\, [a < l < h], \quad "
    r"\bar h = \bar y\, [a > h \text{ or } l > h]",
    vjps=(
        lambda g, y, a, low, high: np.where(_inside(a, low, high), g, 0),
        lambda g, y, a, low, high: np.where(
            np.logical_and(a < low, True if high is None else low < high), g, 0
        ),
        lambda g, y, a, low, high: np.where(
            np.logical_or(a > high, False if low is None else low > high), g, 0
        ),
    ),
    samples=lambda s: [
        call(s.normal(4, 3), -0.5 * s.positive(3), 0.5 * s.positive(4, 1)),
        call(s.normal(5), -0.5, 0.5),
        call(s.normal(5), None, np.array(0.3)),
        call(s.normal(5), np.array(0.3), None),
    ],
    torch=lambda torch, a, low, high: torch.clamp(a, low, high),
    numpy=[],
)


@composite(
    "clip",
    formula=r"y = \min(\max(a, a_{\min}), a_{\max})",
    samples=lambda s: [
        call(s.normal(4, 3), -0.5, 0.5),
        call(s.normal(4, 3), -0.5 * s.positive(3), 0.5 * s.positive(4, 1)),
        call(s.normal(5), min=-0.5, max=0.5),
        call(s.normal(5), None, 0.2),
        call(s.normal(5), min=0.2),
    ],
    torch=lambda torch, a, a_min=None, a_max=None, min=None, max=None: torch.clamp(
        a, a_min if min is None else min, a_max if max is None else max
    ),
    numpy=[np.clip],
)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Limit every element to an interval; None leaves a side open.

    The gradient passes inside the interval and on its boundary.

    Raises:
        TypeError: a bound given under both of its names.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise TypeError("clip got the same bound twice: give a_min or min, a_max or max, not both.")
    return clamp(a, a_min if min is None else min, a_max if max is None else max)


absolute = Op(
    "absolute",
    np.absolute,
    formula="y = |a|",
    derivative=r"\bar a = \bar y \operatorname{sign} a",
    vjps=(lambda g, y, a: g * np.sign(a),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="absolute",
    numpy=[np.absolute],
)

fabs = Op(
    "fabs",
    np.fabs,
    formula="y = |a|",
    derivative=r"\bar a = \bar y \operatorname{sign} a",
    vjps=(lambda g, y, a: g * np.sign(a),),
    samples=lambda s: [call(s.normal(2, 3))],
    torch="abs",
    numpy=[np.fabs],
)

sign = Op(
    "sign",
    np.sign,
    formula=r"y = \operatorname{sign} a",
    derivative=r"\bar a = 0",
    vjps=(lambda g, y, a: np.zeros_like(g),),
    samples=lambda s: [call(s.normal(2, 3)), call(np.array([-2, 0, 3]))],
    torch="sign",
    numpy=[np.sign],
)

copysign = Op(
    "copysign",
    np.copysign,
    formula=r"y = |a| \operatorname{sign} b",
    derivative=r"\bar a = \bar y \operatorname{sign} a \operatorname{sign} y, \quad \bar b = 0",
    # The sign of y is that of b, also where b is -0, and 0 where a is 0.
    vjps=(lambda g, y, a, b: g * np.sign(a) * np.sign(y), lambda g, y, a, b: np.zeros_like(g)),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(4, 1, 3), s.normal(2, 1)),
        call(s.normal(2), np.array([0.5, -2.0])),
        call(s.normal(3), -1.0),
    ],
    torch="copysign",
    numpy=[np.copysign],
)

heaviside = Op(
    "heaviside",
    np.heaviside,
    formula=r"y = [a > 0] + b\, [a = 0]",
    derivative=r"\bar a = 0, \quad \bar b = \bar y\, [a = 0]",
    vjps=(lambda g, y, a, b: np.zeros_like(g), lambda g, y, a, b: np.where(np.equal(a, 0), g, 0)),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(3)),
        call(s.mask(6), s.normal(6)),
    ],
    torch=lambda torch, a, b: torch.where(a > 0, 1.0, torch.where(a == 0, b, torch.zeros_like(b))),
    numpy=[np.heaviside],
)
