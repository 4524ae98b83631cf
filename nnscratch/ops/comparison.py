"""Comparisons, logic and bits, elementwise. Their results are steps or not numbers: no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnscratch.autograd import Op, SampleSource, call, composite, op
from nnscratch.autograd.samples import Sample
from nnscratch.ops.arguments import numbers


def _pairs(s: SampleSource) -> list[Sample]:
    ties = np.array([-1.0, 0.0, 2.0])
    return [call(s.normal(4, 1, 3), s.normal(2, 1)), call(ties, ties[::-1]), call(s.normal(3), 0.5)]


def _logical(s: SampleSource) -> list[Sample]:
    return [call(s.mask(4, 1, 3), s.mask(2, 1)), call(np.array([0.0, 1.0, -2.0]), np.zeros(3))]


def _bits(s: SampleSource) -> list[Sample]:
    return [
        call(s.integers(16, 2, 3), s.integers(16, 3)),
        call(s.mask(4, 1), s.mask(3)),
    ]


def _shifts(s: SampleSource) -> list[Sample]:
    return [call(s.integers(16, 2, 3), s.integers(4, 3)), call(s.integers(16, 3), 2)]


def _extraordinary(s: SampleSource) -> list[Sample]:
    return [call(np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0])), call(s.normal(2, 3))]


def _without_gradient(
    function: np.ufunc,
    formula: str,
    samples: Callable[[SampleSource], list[Sample]],
    torch: str | Callable[..., Any],
) -> Op:
    """Declare a ufunc that has no gradient under its own name."""
    return Op(
        function.__name__,
        function,
        arity=function.nin,
        formula=formula,
        samples=samples,
        torch=torch,
        numpy=[function],
    )


equal = _without_gradient(np.equal, r"y = [a = b]", _pairs, "eq")
not_equal = _without_gradient(np.not_equal, r"y = [a \ne b]", _pairs, "ne")
less = _without_gradient(np.less, r"y = [a < b]", _pairs, "lt")
less_equal = _without_gradient(np.less_equal, r"y = [a \le b]", _pairs, "le")
greater = _without_gradient(np.greater, r"y = [a > b]", _pairs, "gt")
greater_equal = _without_gradient(np.greater_equal, r"y = [a \ge b]", _pairs, "ge")
logical_and = _without_gradient(
    np.logical_and, r"y = [a \ne 0] \land [b \ne 0]", _logical, "logical_and"
)
logical_or = _without_gradient(
    np.logical_or, r"y = [a \ne 0] \lor [b \ne 0]", _logical, "logical_or"
)
logical_xor = _without_gradient(
    np.logical_xor, r"y = [a \ne 0] \oplus [b \ne 0]", _logical, "logical_xor"
)
logical_not = _without_gradient(np.logical_not, "y = [a = 0]", _extraordinary, "logical_not")
bitwise_and = _without_gradient(np.bitwise_and, r"y = a \mathbin{\&} b", _bits, "bitwise_and")
bitwise_or = _without_gradient(np.bitwise_or, r"y = a \mathbin{|} b", _bits, "bitwise_or")
bitwise_xor = _without_gradient(np.bitwise_xor, r"y = a \oplus b", _bits, "bitwise_xor")
invert = _without_gradient(
    np.invert,
    r"y = {\sim} a",
    lambda s: [call(s.integers(16, 2, 3)), call(s.mask(4))],
    "bitwise_not",
)
left_shift = _without_gradient(np.left_shift, r"y = a\, 2^b", _shifts, "bitwise_left_shift")
right_shift = _without_gradient(
    np.right_shift, r"y = \lfloor a\, 2^{-b} \rfloor", _shifts, "bitwise_right_shift"
)
isnan = _without_gradient(np.isnan, r"y = [a \text{ is NaN}]", _extraordinary, "isnan")
isfinite = _without_gradient(np.isfinite, r"y = [a \text{ is finite}]", _extraordinary, "isfinite")
isinf = _without_gradient(np.isinf, r"y = [a = \pm\infty]", _extraordinary, "isinf")
signbit = _without_gradient(
    np.signbit, r"y = [\text{the sign bit of } a \text{ is set}]", _extraordinary, "signbit"
)


@op(
    "isclose",
    arity=2,
    formula=r"y = [\,|a - b| \le \text{atol} + \text{rtol}\, |b|\,]",
    samples=lambda s: [
        call(np.array([1.0, 1.0, np.nan, np.inf]), np.array([1.0 + 1e-9, 1.1, np.nan, np.inf])),
        call(s.normal(2, 3), s.normal(3), rtol=0.5, atol=0.1),
        call(np.array([np.nan, 1.0]), np.array([np.nan, 2.0]), equal_nan=True),
    ],
    torch="isclose",
    numpy=[np.isclose],
)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Tell elementwise whether two arrays are equal within a tolerance."""
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


@composite(
    "allclose",
    formula=r"y = \forall i: |a_i - b_i| \le \text{atol} + \text{rtol}\, |b_i|",
    samples=lambda s: [
        call(np.array([1.0, 2.0]), np.array([1.0 + 1e-9, 2.0])),
        call(s.normal(2, 3), s.normal(2, 3)),
        call(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), equal_nan=True),
    ],
    torch="allclose",
    numpy=[np.allclose],
)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Tell whether two arrays are equal within a tolerance, as a plain bool."""
    return bool(np.allclose(numbers(a), numbers(b), rtol=rtol, atol=atol, equal_nan=equal_nan))


@composite(
    "array_equal",
    formula=r"y = \forall i: a_i = b_i",
    samples=lambda s: [
        call(np.array([1.0, 2.0]), np.array([1.0, 2.0])),
        call(s.normal(2, 3), s.normal(3)),
    ],
    torch="equal",
    numpy=[np.array_equal],
)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Tell whether two arrays have the same shape and elements, as a plain bool."""
    return bool(np.array_equal(numbers(a1), numbers(a2), equal_nan=equal_nan))
