"""Rows of a table by number, and what flows back to the table, on the GPU.

Indices are not copied to the host to be checked: one that is out of range reads and writes nothing.
It gives a row of NaN, which the loss shows, and nothing flows back from it.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import compiled_for, cuda_kernel, plain
from nnscratch_kernels.cupy_kernels.matrix import over_teams
from nnscratch_kernels.numpy_kernels import embedding as reference
from nnscratch_kernels.numpy_kernels.arrays import check_indices, working_values


def embedding_gather(table: Any, indices: Any) -> Any:
    """The rows of a table, y_k = t_{i(k)}; a row of NaN for an index out of range.

    Args:
        table: t, shape (vocabulary, length), float32 or float64; others are left to the NumPy twin,
            which checks the indices on the host.
        indices: i, any shape, integers from 0 to vocabulary - 1.

    Returns:
        Shape (*indices.shape, length), dtype of `table`; no operations, a read and a write of an
        element.

    Raises:
        TypeError: indices that are no integers.
    """
    if not compiled_for(table) or table.ndim != 2 or indices.dtype.kind not in "iu":
        return reference.embedding_gather(table, indices)
    vocabulary, length = table.shape
    y = cupy.empty((*indices.shape, length), table.dtype)
    arrays = plain(indices, np.int64), plain(table), y
    kernel = cuda_kernel("embedding", "gather", table.dtype)
    over_teams(kernel, indices.size, length, np.int64(vocabulary), *arrays)
    return y


def embedding_scatter_add(gradient: Any, indices: Any, vocabulary: int) -> Any:
    """The gradient of the table from that of its gathered rows, t̄_j = Σ_{k: i(k) = j} ȳ_k.

    Indices are sorted, and what comes to one row is added by one team of threads in the order of
    the indices: the same bits in every run, and those of the NumPy twin. float16 is computed in
    float32 and rounded once.

    Args:
        gradient: ȳ, shape (*indices.shape, length).
        indices: i, any shape, integers from 0 to vocabulary - 1; others are passed over.
        vocabulary: rows of the table.

    Returns:
        Shape (vocabulary, length), dtype of `gradient`; one operation an element.

    Raises:
        TypeError: indices that are no integers.
        ValueError: not one row for each index.
    """
    if indices.dtype.kind not in "iu":
        check_indices("embedding_scatter_add", indices, vocabulary)  # for its message
    if gradient.shape[:-1] != indices.shape:
        raise ValueError(
            f"embedding_scatter_add got rows of shape {gradient.shape} for indices of shape "
            f"{indices.shape}: it takes one row for each index, shape (*indices.shape, length)."
        )
    values, dtype = working_values(gradient)
    length = values.shape[-1]
    table = cupy.zeros((vocabulary, length), values.dtype)
    flat = plain(indices, np.int64).reshape(indices.size)
    order = cupy.argsort(flat)  # CuPy's is stable
    kernel = cuda_kernel("embedding", "scatter_add", values.dtype)
    arrays = flat.take(order), order, plain(values), table
    over_teams(kernel, indices.size, length, np.int64(vocabulary), *arrays)
    return table.astype(dtype, copy=False)
