"""Softmax, log-softmax and log of the sum of exponentials on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel
from nnscratch_kernels.cupy_kernels.matrix import Rows, over_teams
from nnscratch_kernels.numpy_kernels.arrays import working_values

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None


def softmax(x: Any, axis: Axis = -1) -> Any:
    """Exponentials normalised to sum 1, exp(x) / Σ exp(x), shifted by the largest element.

    Args:
        x: array of logits.
        axis: the axis or axes along which the result sums to 1; None means all. Others than the
            last ones cost a copy before and one after.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    return _of_elements("softmax", x, axis)


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """Logarithm of the softmax, x - log Σ exp(x), without taking the logarithm of a tiny number.

    Args:
        x: array of logits.
        axis: as of `softmax`.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    return _of_elements("log_softmax", x, axis)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, log Σ exp(x), shifted by the largest element.

    Args:
        x: array of any shape.
        axis: the axis or axes to sum over; None means all.
        keepdims: whether the axes summed over stay, with length 1.

    Returns:
        Array without `axis`, of the dtype of `x`. A sum over nothing, or over -inf only, is -inf.
    """
    if not x.ndim:
        return logsumexp(x.reshape(1), axis).reshape(())
    values, dtype = working_values(x)
    rows = Rows(values.shape, axis)
    y = cupy.empty(rows.count, values.dtype)
    kernel = cuda_kernel("softmax", "logsumexp", values.dtype)
    over_teams(kernel, rows.count, rows.length, rows.of(values, values.dtype), y)
    return rows.reduced(y, keepdims).astype(dtype, copy=False)


def _of_elements(name: str, x: Any, axis: Axis) -> Any:
    if not x.ndim:
        return _of_elements(name, x.reshape(1), axis).reshape(())
    values, dtype = working_values(x)
    rows = Rows(values.shape, axis)
    y = cupy.empty((rows.count, rows.length), values.dtype)
    kernel = cuda_kernel("softmax", name, values.dtype)
    over_teams(kernel, rows.count, rows.length, rows.of(values, values.dtype), y)
    return rows.back(y).astype(dtype, copy=False)
