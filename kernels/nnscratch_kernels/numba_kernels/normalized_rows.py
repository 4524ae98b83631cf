"""What the loops of normalization and of its gradients have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.rows import flat, row_length, total_of
from nnscratch_kernels.numba_kernels.vector_math import number

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SOME = 128
"""Elements at the start of a row whose mean is tried first, to take the squares about.

As a rule it is near the mean of the row, and a pass over the row is saved. Where it is further away
than the standard deviation, digits would be lost, and the squares are taken anew.
"""


def fits(weights: Array | None, x: Array, length: int) -> bool:
    """Whether γ or β has one number for each of the `length` elements of a row of `x`."""
    return weights is None or (
        np.size(weights) == length and np.shape(weights) == x.shape[x.ndim - np.ndim(weights) :]
    )


def weights_of(weights: Array | None, default: float, length: int, dtype: Any) -> Any:
    """γ or β as a vector, for a loop."""
    if weights is None:
        return np.full(length, default, dtype)
    return flat(weights, dtype)


def channels_in_rows(x: Array, axis: int) -> int:
    """How many channels there are, if they are the last axis of an array for a loop; 0 if not."""
    return row_length(x, -1) if axis in (-1, np.ndim(x) - 1) else 0


@compiled(inline=True)
def mean_of(row: Any) -> Any:
    """μ of a row, in its dtype."""
    return number(total_of(row) / row.size, row[0])
