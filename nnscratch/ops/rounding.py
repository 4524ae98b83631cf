"""Rounding, elementwise. The results are steps: their gradient is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, op


def _zero_gradient(g: Any, y: Any, a: Any) -> Any:
    return np.zeros_like(g)


floor = Op(
    "floor",
    np.floor,
    formula=r"y = \lfloor a \rfloor",
    derivative=r"\bar a = 0",
    vjps=(_zero_gradient,),
    samples=lambda s: [call(s.distinct(2, 3)), call(s.distinct())],
    torch="floor",
    numpy=[np.floor],
)

ceil = Op(
    "ceil",
    np.ceil,
    formula=r"y = \lceil a \rceil",
    derivative=r"\bar a = 0",
    vjps=(_zero_gradient,),
    samples=lambda s: [call(s.distinct(2, 3)), call(s.distinct())],
    torch="ceil",
    numpy=[np.ceil],
)

trunc = Op(
    "trunc",
    np.trunc,
    formula=r"y = \operatorname{sign}(a) \lfloor |a| \rfloor",
    derivative=r"\bar a = 0",
    vjps=(_zero_gradient,),
    samples=lambda s: [call(s.distinct(2, 3))],
    torch="trunc",
    numpy=[np.trunc, np.fix],
)

rint = Op(
    "rint",
    np.rint,
    formula=r"y = \text{the integer nearest to } a, \text{ the even one of two}",
    derivative=r"\bar a = 0",
    vjps=(_zero_gradient,),
    samples=lambda s: [call(s.distinct(2, 3) + 0.03)],
    torch="round",
    numpy=[np.rint],
)


@op(
    "round",
    formula=r"y = 10^{-d} \operatorname{rint}(10^d a), \quad d = \text{decimals}",
    derivative=r"\bar a = 0",
    vjps=(lambda g, y, a, decimals: np.zeros_like(g),),
    samples=lambda s: [
        call(s.distinct(2, 3) + 0.03),
        call(s.distinct(2, 3) + 0.013, 1),
        call(10 * s.distinct(2, 3) + 0.1, decimals=-1),
    ],
    torch=lambda torch, a, decimals=0: torch.round(a, decimals=decimals),
    numpy=[np.round, np.around],
)
def round(a: Any, decimals: int = 0) -> Any:
    """Round to `decimals` places; halves go to the even neighbour."""
    return np.round(a, decimals)


modf = Op(
    "modf",
    np.modf,
    formula=r"f = a - i, \quad i = \operatorname{trunc} a",
    derivative=r"\bar a = \bar f",
    vjps=(lambda g, y, a: g[0],),
    samples=lambda s: [call(s.distinct(2, 3)), call(s.distinct())],
    torch=lambda torch, a: (torch.frac(a), torch.trunc(a)),
    numpy=[np.modf],
)


@op(
    "nan_to_num",
    formula=r"y = a \text{ where finite, else what was given for NaN, } \infty, -\infty",
    derivative=r"\bar a = \bar y\, [a \text{ is finite}]",
    vjps=(lambda g, y, a, **_: np.where(np.isfinite(a), g, 0),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(3), nan=1.0, posinf=2.0, neginf=3.0)],
    torch=lambda torch, a, **replacements: torch.nan_to_num(a, **replacements),
    numpy=[np.nan_to_num],
)
def nan_to_num(
    x: Any,
    copy: bool = True,
    nan: Any = 0.0,
    posinf: Any = None,
    neginf: Any = None,
) -> Any:
    """Replace NaN and the infinities, by default by 0 and the largest finite numbers.

    Raises:
        ValueError: `copy=False`, since an op does not change its input.
    """
    if not copy:
        raise ValueError(
            "nan_to_num does not work in place: leave copy=False away, use the result."
        )
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
