"""What flows back to a table whose rows were gathered.

NumPy gathers rows as fast as memory gives them, so that has no twin here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES
from nnscratch_kernels.numpy_kernels import embedding as reference
from nnscratch_kernels.numpy_kernels.arrays import check_indices
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_GRAIN = 1 << 20  # elements; a new table costs a fault for each page, which threads do not share
_LEAST_COLUMNS = 64  # a few cache lines of each row


def embedding_scatter_add(gradient: Array, indices: Array, vocabulary: int) -> Array:
    """As `numpy_kernels.embedding_scatter_add`, to the bit.

    Each part of the work takes some columns of all rows, so that what comes to one element is added
    in order without a lock.
    """
    if gradient.dtype not in COMPILED_DTYPES or not gradient.size:
        return reference.embedding_scatter_add(gradient, indices, vocabulary)
    check_indices("embedding_scatter_add", indices, vocabulary)
    if gradient.shape[:-1] != indices.shape:  # for its message
        return reference.embedding_scatter_add(gradient, indices, vocabulary)
    length = gradient.shape[-1]
    table = aligned.zeros((vocabulary, length), gradient.dtype)
    rows = np.ascontiguousarray(gradient).reshape(-1, length)
    grain = max(_LEAST_COLUMNS, _GRAIN // len(rows))
    run_in_parts(_scatter_add, length, grain, rows, _places(indices), table)
    return table


@compiled(fastmath=())
def _scatter_add(first: int, last: int, rows: Array, places: Array, table: Array) -> None:
    """Add the columns from `first` to `last`."""
    for k in range(places.size):
        source, target = rows[k][first:last], table[places[k]][first:last]
        for j in range(target.size):
            target[j] += source[j]


def _places(indices: Array) -> Array:
    """In one dimension and of one type, so that a loop is compiled once."""
    return np.ascontiguousarray(indices.reshape(-1), np.intp)
