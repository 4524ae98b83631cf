"""Elementary functions on plain arrays: exp, log and tanh, which are NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy as np


def exp(x: Any) -> Any:
    """Exponential, e^x, elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`; 1 exponential an element, 2 arrays in memory.
    """
    return np.exp(x)


def log(x: Any) -> Any:
    """Natural logarithm, elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, -inf at 0 and NaN below; 1 logarithm an element,
        2 arrays in memory.
    """
    return np.log(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x), elementwise.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [-1, 1]; 1 tangent an element, 2 arrays in memory.
    """
    return np.tanh(x)
