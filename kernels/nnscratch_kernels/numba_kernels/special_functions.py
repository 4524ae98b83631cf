"""Sigmoid, softplus, erf, erfc and relu, in vectorised loops with one pass over the memory."""

from __future__ import annotations

from typing import Any

import nnscratch_kernels.numba_kernels.vector_math as vector_math
from nnscratch_kernels.numba_kernels.compilation import EXACT, compiled
from nnscratch_kernels.numba_kernels.elementwise import can_compile, elementwise
from nnscratch_kernels.numba_kernels.vector_math import (
    constants,
    exp_of_nonpositive,
    log1p_of_unit,
    magnitude,
)
from nnscratch_kernels.numpy_kernels import special_functions


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Rectified linear unit, max(x, 0), with the options of `keras.activations.relu`.

    With them it is x where x > threshold, at most max_value, and elsewhere
    negative_slope · (x - threshold), in NumPy.

    Args:
        x: array of any shape and numeric dtype.
        negative_slope: the slope from the threshold down.
        max_value: the ceiling; with one, the part above the threshold is also kept from going
            below 0. None means no ceiling.
        threshold: where the line starts.

    Returns:
        Array of the shape and dtype of `x`; NaN stays NaN. 1 operation an element, 2 arrays in
        memory.
    """
    if negative_slope == 0 and max_value is None and threshold == 0 and can_compile(x):
        return elementwise(_relu, x)
    return special_functions.relu(x, negative_slope, max_value, threshold)


def sigmoid(x: Any) -> Any:
    """Logistic function, 1 / (1 + exp(-x)).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [0, 1]; 1 exponential and 1 division an element,
        2 arrays in memory.
    """
    return elementwise(_sigmoid, x, long=True) if can_compile(x) else special_functions.sigmoid(x)


def softplus(x: Any) -> Any:
    """Smooth rectifier, log(1 + exp(x)).

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, not negative; 1 exponential and 1 logarithm an
        element, 2 arrays in memory.
    """
    return elementwise(_softplus, x, long=True) if can_compile(x) else special_functions.softplus(x)


def erf(x: Any) -> Any:
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt.

    Args:
        x: array of any shape.

    Returns:
        Array of the shape and dtype of `x`, in [-1, 1], with a relative error below 1e-15 in
        float64 and 3e-7 in float32; 1 exponential an element, 2 arrays in memory.
    """
    return elementwise(_erf, x, long=True) if can_compile(x) else special_functions.erf(x)


def erfc(x: Any) -> Any:
    """Complementary error function, 1 - erf(x), accurate where erf(x) is close to 1.

    Args:
        x: array of any shape.

    Returns:
        Array of the shape and dtype of `x`, in [0, 2]; 1 exponential and 1 division an element,
        2 arrays in memory.
    """
    return elementwise(_erfc, x, long=True) if can_compile(x) else special_functions.erfc(x)


_compiled = compiled(fastmath=EXACT)  # no sums over many elements, so no order to change


@_compiled
def _relu(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        zero = constants(x[i]).zero
        y[i] = zero if x[i] <= zero else x[i]


@_compiled
def _sigmoid(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.sigmoid(x[i])


@_compiled
def _softplus(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        zero = constants(x[i]).zero
        above = x[i] if x[i] > zero else zero
        y[i] = above + log1p_of_unit(exp_of_nonpositive(-magnitude(x[i])))


@_compiled
def _erf(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.erf(x[i])


@_compiled
def _erfc(first: int, last: int, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(x.size):
        y[i] = vector_math.erfc(x[i])
