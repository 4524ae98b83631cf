"""Sums and means as numbers that stay on the GPU: what losses and reductions share.

This is no kernel, so this module is no subject.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel
from nnscratch_kernels.cupy_kernels.matrix import over_teams

PIECE = 1 << 14
"""Elements of a row that one team of threads adds up; longer rows are added up in pieces."""


def sums_of_rows(rows: Any, divisor: float = 1.0) -> Any:
    """Σ_j a_ij / divisor of a C-contiguous matrix, float32 or float64, added in two levels."""
    (count, columns), dtype = rows.shape, rows.dtype
    total = cupy.empty(count, dtype)
    if columns <= 4 * PIECE:
        kernel = cuda_kernel("reductions", "row_sums", dtype)
        over_teams(kernel, count, columns, rows, total, np.float64(divisor))
        return total
    sums = cupy.empty((count, pieces_of(columns)), np.float64)
    sum_pieces("piece_sums", rows, columns, sums)
    return totals_of(sums, divisor, dtype)


def sum_pieces(name: str, x: Any, columns: int, sums: Any) -> None:
    """Write Σ x or Σ x² of each piece of each row, by the kernel of this name."""
    kernel = cuda_kernel("reductions", name, x.dtype)
    sizes = np.int64(columns), np.int64(pieces_of(columns))
    over_teams(kernel, sums.size, PIECE, *sizes, x, sums)


def pieces_of(columns: int) -> int:
    """How many pieces a row has."""
    return -(-columns // PIECE)


def totals_of(sums: Any, divisor: float, dtype: Any) -> Any:
    """The sum of each row of sums in float64, over `divisor`, in `dtype`."""
    total = cupy.empty(len(sums), dtype)
    kernel = cuda_kernel("reductions", "totals", dtype)
    over_teams(kernel, *sums.shape, sums, total, np.float64(divisor))
    return total


def mean_of(values: Any) -> Any:
    """The mean of all elements of a C-contiguous array, without axes; NaN of none."""
    return sums_of_rows(values.reshape(1, values.size), values.size).reshape(())
