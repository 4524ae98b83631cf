"""Many numbers to few, in one pass over memory.

How numbers are grouped depends on the shapes alone, so the results have the same bits with any
number of threads. Sums are added in double precision beyond a few thousand elements, so that they
do not lose what single precision loses.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES
from nnscratch_kernels.numpy_kernels import products, reductions
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_GRAIN = 1 << 18  # elements, about 50 µs from memory
_SHORT = 48  # columns of rows of which several are added at a time
_PIECE = 1 << 12  # elements that are added in their own precision

_TILE_COLUMNS = 1 << 13  # their sums stay in the second-level cache
_TILE_ROWS = 1 << 8
_WIDE = 1 << 10  # columns from which a pass over them is worth its start
_FEW = 32  # rows below which the sums are a good part of all the memory that is touched


def row_sums(rows: Array) -> Array:
    """As `numpy_kernels.row_sums`."""
    if rows.dtype not in COMPILED_DTYPES or rows.ndim != 2 or not rows.size:
        return reductions.row_sums(rows)
    if rows.flags.f_contiguous and not rows.flags.c_contiguous:
        return column_sums(rows.T)
    count, columns = rows.shape
    if columns <= _SHORT:
        total = np.empty(count, rows.dtype)
        grain = max(1, _GRAIN // columns)
        run_in_parts(_short_row_sums, count, grain, np.ascontiguousarray(rows), total)
        return total
    pieces = -(-columns // _PIECE)
    sums = np.empty((count, pieces))
    grain = max(1, _GRAIN // min(columns, _PIECE))
    run_in_parts(_row_sums, count * pieces, grain, np.ascontiguousarray(rows), sums.reshape(-1))
    return np.add.reduce(sums, axis=1).astype(rows.dtype)  # type: ignore[no-any-return] # no scalar


@compiled
def _short_row_sums(first: int, last: int, rows: Array, sums: Array) -> None:
    """Four rows side by side, which share the start and the end of a loop."""
    columns = rows.shape[1]
    for i in range(first, last - 3, 4):
        a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        sum_a = sum_b = sum_c = sum_d = sums.dtype.type(0)
        for j in range(columns):
            sum_a += a[j]
            sum_b += b[j]
            sum_c += c[j]
            sum_d += d[j]
        sums[i], sums[i + 1], sums[i + 2], sums[i + 3] = sum_a, sum_b, sum_c, sum_d
    for i in range(last - (last - first) % 4, last):
        total = sums.dtype.type(0)
        for j in range(columns):
            total += rows[i, j]
        sums[i] = total


@compiled
def _row_sums(first: int, last: int, rows: Array, sums: Array) -> None:
    """Sums of pieces of rows, numbered along the rows."""
    count, columns = rows.shape
    flat = rows.reshape(-1)
    row, start = first // (sums.size // count), first % (sums.size // count) * _PIECE
    for item in range(first, last):
        stop = min(start + _PIECE, columns)
        piece = flat[row * columns + start : row * columns + stop]
        total = piece.dtype.type(0)
        for j in range(piece.size):
            total += piece[j]
        sums[item] = total
        row, start = (row, stop) if stop < columns else (row + 1, 0)


def column_sums(rows: Array) -> Array:
    """As `numpy_kernels.column_sums`."""
    if rows.dtype not in COMPILED_DTYPES or rows.ndim != 2 or not rows.size or len(rows) < _FEW:
        return products.column_sums(rows)
    if rows.flags.f_contiguous and not rows.flags.c_contiguous:
        return row_sums(rows.T)
    rows = np.ascontiguousarray(rows)
    columns = rows.shape[1]
    abreast = min(-(-_WIDE // columns), len(rows))  # narrow rows are added several at a time
    rest = len(rows) % abreast
    sums = _sums_of_tiles(rows[: len(rows) - rest].reshape(-1, abreast * columns))
    total = np.add.reduce(sums.reshape(-1, columns), axis=0)
    if rest:
        total += np.add.reduce(rows[-rest:], axis=0, dtype=np.float64)
    return total.astype(rows.dtype)  # type: ignore[no-any-return] # no scalar


def _sums_of_tiles(rows: Array) -> Array:
    """Column sums in double precision, one row of them for each `_TILE_ROWS` rows."""
    count, columns = rows.shape
    sums = aligned.sums((-(-count // _TILE_ROWS), columns), np.dtype(np.float64))
    tiles = len(sums) * -(-columns // _TILE_COLUMNS)
    grain = max(1, _GRAIN // (min(count, _TILE_ROWS) * min(columns, _TILE_COLUMNS)))
    run_in_parts(_column_sums, tiles, grain, rows, sums)
    return sums


@compiled
def _column_sums(first: int, last: int, rows: Array, sums: Array) -> None:
    """Add the columns of tiles; eight rows go in one pass over the sums."""
    columns = rows.shape[1]
    across = (columns + _TILE_COLUMNS - 1) // _TILE_COLUMNS
    for item in range(first, last):
        start, stop = item % across * _TILE_COLUMNS, (item % across + 1) * _TILE_COLUMNS
        total = sums[item // across][start:stop]
        top = item // across * _TILE_ROWS
        bottom = min(top + _TILE_ROWS, rows.shape[0])
        for i in range(top, bottom - 7, 8):
            a, b = rows[i][start:stop], rows[i + 1][start:stop]
            c, d = rows[i + 2][start:stop], rows[i + 3][start:stop]
            e, f = rows[i + 4][start:stop], rows[i + 5][start:stop]
            g, h = rows[i + 6][start:stop], rows[i + 7][start:stop]
            for j in range(total.size):
                total[j] += ((a[j] + b[j]) + (c[j] + d[j])) + ((e[j] + f[j]) + (g[j] + h[j]))
        for i in range(bottom - (bottom - top) % 8, bottom):
            a = rows[i][start:stop]
            for j in range(total.size):
                total[j] += a[j]


def global_norm(arrays: Sequence[Array]) -> float:
    """As `numpy_kernels.global_norm`."""
    return sqrt(sum(map(_sum_of_squares, arrays)))


def clip_by_global_norm(arrays: Sequence[Array], limit: float) -> tuple[list[Array], float]:
    """As `numpy_kernels.clip_by_global_norm`."""
    norm = global_norm(arrays)
    factor = reductions.clipping_factor(norm, limit)
    return [_scaled(array, factor) for array in arrays], norm


def _sum_of_squares(array: Array) -> float:
    flat = array.ravel(order="K")
    if flat.dtype not in COMPILED_DTYPES:
        flat = flat.astype(np.float64)
    sums = np.empty(-(-flat.size // _GRAIN))
    run_in_parts(_squares, flat.size, _GRAIN, flat, sums)
    return float(np.add.reduce(sums))


@compiled
def _squares(first: int, last: int, x: Array, sums: Array) -> None:
    """One sum for each part."""
    part = x[first:last]
    total = 0.0
    for i in range(part.size):
        element = np.float64(part[i])
        total += element * element
    sums[first // _GRAIN] = total


def _scaled(array: Array, factor: float) -> Array:
    if array.dtype not in COMPILED_DTYPES or not array.flags.c_contiguous:
        return array * factor
    y = aligned.empty(array.shape, array.dtype)
    run_in_parts(_scale, array.size, _GRAIN, array.reshape(-1), y.reshape(-1), factor)
    return y


@compiled
def _scale(first: int, last: int, x: Array, y: Array, factor: float) -> None:
    """Write x · factor into y."""
    x, y = x[first:last], y[first:last]
    factor = x.dtype.type(factor)
    for i in range(x.size):
        y[i] = x[i] * factor
