"""exp, log and tanh of arrays, in vectorised loops."""

from __future__ import annotations

from typing import Any

import nnscratch_kernels.numba_kernels.vector_math as vector_math
from nnscratch_kernels.numba_kernels.compilation import EXACT, compiled
from nnscratch_kernels.numba_kernels.elementwise import can_compile, elementwise
from nnscratch_kernels.numpy_kernels import elementary


def exp(x: Any) -> Any:
    """Exponential, e^x, elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`; 1 exponential an element, 2 arrays in memory.
    """
    return elementwise(_exp, x, long=True) if can_compile(x) else elementary.exp(x)


def log(x: Any) -> Any:
    """Natural logarithm, elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, -inf at 0 and NaN below; 1 logarithm an element,
        2 arrays in memory.
    """
    return elementwise(_log, x, long=True) if can_compile(x) else elementary.log(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x), elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [-1, 1]; 1 tangent an element, 2 arrays in memory.
    """
    return elementwise(_tanh, x, long=True) if can_compile(x) else elementary.tanh(x)


_compiled = compiled(fastmath=EXACT)  # no sums over many elements, so no order to change


@_compiled
def _exp(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.exp(x[i])


@_compiled
def _log(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.log(x[i])


@_compiled
def _tanh(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.tanh(x[i])
