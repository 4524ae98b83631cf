"""Rows of a table by number, and what flows back to the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import check_indices

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def embedding_gather(table: Array, indices: Array) -> Array:
    """The rows of a table, y_k = t_{i(k)}.

    Args:
        table: t, shape (vocabulary, length).
        indices: i, any shape, integers from 0 to vocabulary - 1.

    Returns:
        Shape (*indices.shape, length), dtype of `table`; no operations, a read and a write of an
        element.

    Raises:
        TypeError: indices that are no integers.
        IndexError: an index out of range.
    """
    check_indices("embedding_gather", indices, len(table))
    return table.take(indices, axis=0)


def embedding_scatter_add(gradient: Array, indices: Array, vocabulary: int) -> Array:
    """The gradient of the table from that of its gathered rows, t̄_j = Σ_{k: i(k) = j} ȳ_k.

    What comes to one row is added in the order of the indices: the same bits in every run.

    Args:
        gradient: ȳ, shape (*indices.shape, length).
        indices: i, any shape, integers from 0 to vocabulary - 1.
        vocabulary: rows of the table.

    Returns:
        Shape (vocabulary, length), dtype of `gradient`; one operation an element.

    Raises:
        TypeError: indices that are no integers.
        IndexError: an index out of range.
    """
    check_indices("embedding_scatter_add", indices, vocabulary)
    length = gradient.shape[-1]
    table = np.zeros(vocabulary * length, gradient.dtype)
    first = indices.reshape(-1, 1).astype(np.intp) * length
    # Element by element, for which NumPy has a quicker loop than for rows.
    np.add.at(table, (first + np.arange(length)).reshape(-1), gradient.reshape(-1))
    return table.reshape(vocabulary, length)
