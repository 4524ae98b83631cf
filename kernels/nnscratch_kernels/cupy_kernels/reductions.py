"""Many numbers to few on the GPU: sums of rows, the norm of all gradients.

How numbers are grouped depends on the shapes alone, so the results have the same bits in every run.
Norms stay on the GPU: they are arrays without axes where the NumPy twin gives a `float`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import (
    compiled_for,
    cuda_kernel,
    over_elements,
    plain,
)
from nnscratch_kernels.cupy_kernels.matrix import over_teams
from nnscratch_kernels.cupy_kernels.sums import pieces_of, sum_pieces, sums_of_rows
from nnscratch_kernels.numpy_kernels import reductions as reference

if TYPE_CHECKING:
    from collections.abc import Sequence


def row_sums(rows: Any) -> Any:
    """Sums over the last axis, Σ_j a_ij.

    Args:
        rows: a, shape (rows, columns), floating-point.

    Returns:
        Shape (rows,), dtype of `rows`; rows · columns operations, one pass over memory.
    """
    if not compiled_for(rows) or rows.ndim != 2 or not rows.flags.c_contiguous:
        return reference.row_sums(rows)
    return sums_of_rows(rows)


def global_norm(arrays: Sequence[Any]) -> Any:
    """The Euclidean norm of all elements of several arrays, √(Σ x²), added in double precision.

    Args:
        arrays: of any shapes, floating-point; at least one.

    Returns:
        An array without axes, float64; 2 operations an element, one pass over memory.
    """
    flat = [plain(array, None if compiled_for(array) else np.float64) for array in arrays]
    pieces = [pieces_of(array.size) for array in flat]
    sums = cupy.empty((1, sum(pieces)), np.float64)
    first = 0
    for array, count in zip(flat, pieces, strict=True):
        sum_pieces("piece_squares", array, array.size, sums[0, first : first + count])
        first += count
    norm = cupy.empty((), np.float64)
    over_teams(cuda_kernel("reductions", "norm_of_squares", np.float64), *sums.shape, sums, norm)
    return norm


def clip_by_global_norm(arrays: Sequence[Any], limit: float) -> tuple[list[Any], Any]:
    """Scale arrays by one factor, so that together they have the norm `limit` or less.

    x · c / max(‖x‖, c), as TensorFlow and Keras do it (Pascanu et al. 2013). A norm that is
    infinite or not a number makes every element NaN: there is no direction to keep.

    Args:
        arrays: of any shapes, floating-point; at least one.
        limit: c > 0.

    Returns:
        New arrays, and the norm before as an array without axes, float64; 3 operations an element,
        two passes over memory.
    """
    norm = global_norm(arrays)
    return [_clipped(array, norm, limit) for array in arrays], norm


def clipping_factor(norm: Any, limit: float) -> Any:
    """What gradients of this norm are multiplied by: c / max(‖x‖, c), NaN for no finite norm.

    Args:
        norm: ‖x‖ as `global_norm` gives it.
        limit: c > 0.

    Returns:
        An array of the shape of `norm`, float64. Multiply in place, or convert it first: a product
        with float32 would be float64.
    """
    factor = cupy.empty(norm.shape, np.float64)
    kernel = cuda_kernel("reductions", "clipping_factor", np.float64)
    over_elements(kernel, norm.size, plain(norm, np.float64), np.float64(limit), factor)
    return factor


def _clipped(array: Any, norm: Any, limit: float) -> Any:
    if not compiled_for(array):
        return (array * clipping_factor(norm, limit)).astype(array.dtype)
    y = cupy.empty(array.shape, array.dtype)
    kernel = cuda_kernel("reductions", "clip", array.dtype)
    over_elements(kernel, array.size, plain(array), norm, np.float64(limit), y)
    return y
