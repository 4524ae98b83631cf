"""The gradients of softmax and log-softmax, from their results: no exponential is taken twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import working_values

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None


def softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = softmax(x): y (g - Σ g y).

    It is the product of g with the Jacobian y_i ([i = j] - y_j), which is never built.

    Args:
        g: cotangent of y, its shape.
        y: the softmax, any shape.
        axis: the axis or axes along which y sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `y`; 4 operations an element, 3 arrays in memory.
    """
    values, dtype = working_values(y)
    weighted = g * values
    total = np.add.reduce(weighted, axis=axis, keepdims=True)
    return (weighted - values * total).astype(dtype, copy=False)


def log_softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = log softmax(x): g - exp(y) Σ g.

    Args:
        g: cotangent of y, its shape.
        y: the log-softmax, any shape.
        axis: the axis or axes along which exp(y) sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `y`; 3 operations and an exponential an element, 3 arrays in
        memory.
    """
    values, dtype = working_values(y)
    total = np.add.reduce(g, axis=axis, keepdims=True, dtype=values.dtype)
    return (g - np.exp(values) * total).astype(dtype, copy=False)
