"""The largest elements of rows on the GPU.

Subnormal numbers of float32 are as large as 0 there: see `launch.cuda_kernel`.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import compiled_for, cuda_kernel, plain
from nnscratch_kernels.cupy_kernels.matrix import over_teams
from nnscratch_kernels.numpy_kernels import ranking as reference

MOST_ROUNDS = 64
"""The largest k for which taking the best one k times beats sorting the row."""


def argmax(a: Any) -> Any:
    """Where the largest element of each row is, the first of several; NaN is larger than all.

    Args:
        a: shape (..., columns) with at least one column.

    Returns:
        Shape (...), intp; a comparison an element, one pass over memory.

    Raises:
        ValueError: no columns.
    """
    if not compiled_for(a) or not a.ndim or not a.shape[-1]:
        return reference.argmax(a)
    places = cupy.empty(a.shape[:-1], np.int64)
    kernel = cuda_kernel("ranking", "argmax", a.dtype)
    over_teams(kernel, places.size, a.shape[-1], plain(a), places)
    return places


def top_k(a: Any, k: int) -> tuple[Any, Any]:
    """The k largest elements of each row, in falling order; NaN is larger than all.

    Of equal elements the first comes first.

    Args:
        a: shape (..., columns).
        k: how many, from 0 to columns.

    Returns:
        The values and their places in the row (intp), both of shape (..., k); one pass over memory,
        and k searches for the best of what each thread holds. More than 64 are sorted.

    Raises:
        ValueError: a `k` that is negative or more than there are columns.
    """
    if not compiled_for(a) or not a.ndim or not 0 <= k <= min(MOST_ROUNDS, a.shape[-1]):
        return reference.top_k(a, k)
    values = cupy.empty((*a.shape[:-1], k), a.dtype)
    places = cupy.empty(values.shape, np.int64)
    if k:
        kernel = cuda_kernel("ranking", "top_k", a.dtype)
        rows = values.size // k
        over_teams(kernel, rows, a.shape[-1], np.int64(k), plain(a), values, places)
    return values, places
