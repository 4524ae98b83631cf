"""Many numbers to few: sums of rows, the norm of all gradients.

`column_sums` stands beside the dense layer that it serves, in `products`.
"""

from __future__ import annotations

from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_ONE_THREAD = 1 << 13  # elements; OpenBLAS takes threads for longer dot products


def row_sums(rows: Array) -> Array:
    """Sums over the last axis, Σ_j a_ij.

    Args:
        rows: a, shape (rows, columns), floating-point.

    Returns:
        Shape (rows,), dtype of `rows`; rows · columns operations, one pass over memory.
    """
    return np.add.reduce(rows, axis=-1)  # type: ignore[no-any-return] # an array of a matrix


def global_norm(arrays: Sequence[Array]) -> float:
    """The Euclidean norm of all elements of several arrays, √(Σ x²), added in double precision.

    Args:
        arrays: of any shapes, floating-point.

    Returns:
        0 for no arrays; 2 operations an element, one pass over memory.
    """
    return sqrt(sum(map(_sum_of_squares, arrays)))


def clip_by_global_norm(arrays: Sequence[Array], limit: float) -> tuple[list[Array], float]:
    """Scale arrays by one factor, so that together they have the norm `limit` or less.

    x · c / max(‖x‖, c), as TensorFlow and Keras do it (Pascanu et al. 2013). A norm that is
    infinite or not a number makes every element NaN: there is no direction to keep.

    Args:
        arrays: of any shapes, floating-point.
        limit: c > 0.

    Returns:
        New arrays, and the norm before; 3 operations an element, two passes over memory.
    """
    norm = global_norm(arrays)
    return [array * clipping_factor(norm, limit) for array in arrays], norm


def clipping_factor(norm: float, limit: float) -> float:
    """What gradients of this norm are multiplied by: c / max(‖x‖, c), NaN for no finite norm.

    An optimizer's step takes it as `gradient_factor`, which saves a pass over the gradients.

    Args:
        norm: ‖x‖.
        limit: c > 0.
    """
    return limit / max(norm, limit) if isfinite(norm) else nan


def _sum_of_squares(array: Array) -> float:
    flat = array.reshape(-1)
    parts = (flat[start : start + _ONE_THREAD] for start in range(0, flat.size, _ONE_THREAD))
    return sum(float(np.dot(part, part)) for part in (p.astype(np.float64) for p in parts))
