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
"""Elements of a row whose mean is near that of the row."""


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
def near_mean_of(row: Any) -> Any:
    """The mean of an eighth of a row or more, in its dtype: a number to take the squares about.

    If the mean of a share s of the elements is d away from the mean of all, their variance is at
    least s d². So squares about it are at most 9 times those about the mean, what is taken off in
    the end costs few digits, and a pass over the row is saved.
    """
    some = row[: max(SOME, row.size // 8)]
    return number(total_of(some) / some.size, row[0])
