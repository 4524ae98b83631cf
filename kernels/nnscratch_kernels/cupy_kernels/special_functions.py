"""Sigmoid, softplus, erf, erfc and relu on the GPU, each in one pass over the memory.

Names, arguments and formulas are those of `numpy_kernels.special_functions`. Every result has the
shape and dtype of `x`, and moves 2 arrays through memory. What the kernels do not take (float16,
integers) goes to the NumPy twin.
"""

from __future__ import annotations

from math import inf
from typing import Any

from nnscratch_kernels.cupy_kernels.elementwise import can_compute, elementwise
from nnscratch_kernels.numpy_kernels import special_functions as reference

_SUBJECT = "special_functions"


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Rectified linear unit, max(x, 0), with the options of `keras.activations.relu`.

    One pass, with the options too.
    """
    if not can_compute(x):
        return reference.relu(x, negative_slope, max_value, threshold)
    low, high = (-inf, inf) if max_value is None else (0.0, max_value)
    return elementwise(_SUBJECT, "relu", x, parameters=(negative_slope, low, high, threshold))


def sigmoid(x: Any) -> Any:
    """Logistic function, 1 / (1 + exp(-x)). One pass."""
    return elementwise(_SUBJECT, "logistic", x) if can_compute(x) else reference.sigmoid(x)


def softplus(x: Any) -> Any:
    """Smooth rectifier, log(1 + exp(x)). One pass."""
    return elementwise(_SUBJECT, "softplus", x) if can_compute(x) else reference.softplus(x)


def erf(x: Any) -> Any:
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt. One pass, with CUDA's erf."""
    return elementwise(_SUBJECT, "error_function", x) if can_compute(x) else reference.erf(x)


def erfc(x: Any) -> Any:
    """Complementary error function, 1 - erf(x). One pass, with CUDA's erfc."""
    if not can_compute(x):
        return reference.erfc(x)
    return elementwise(_SUBJECT, "complementary_error_function", x)
