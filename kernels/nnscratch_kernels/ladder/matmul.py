"""The ladder of the matrix product: c = a b, from three loops to what BLAS reaches.

Every rung takes a, shape (rows, inner), and b, shape (inner, columns), both contiguous and float32
or float64, and returns c, shape (rows, columns). All of them do the same 2 · rows · inner · columns
operations; what changes is how far the numbers have to come. A processor does some 64 operations in
the time in which it takes one number from its first cache, and some 10,000 in the time in which one
comes from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.register_tiles import ROWS, VECTORS, lanes, multiply_tile
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BLOCK_ROWS, BLOCK_COLUMNS = 64, 1024  # a block has 256 KiB in float32, for the second cache
_INNER = 256  # terms that a tile adds up before it is written
_WIDEST = VECTORS[-1]


def in_python(a: Array, b: Array) -> Array:
    """The definition, in the interpreter: c_ij = Σ_k a_ik b_kj.

    Every operation looks up what its operands are and makes a new object of the result. That takes
    hundreds of instructions, of which one multiplies.
    """
    rows, inner, columns = *a.shape, b.shape[1]
    left, right = a.tolist(), b.tolist()
    c = np.empty((rows, columns), a.dtype)
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for k in range(inner):
                total += left[i][k] * right[k][j]
            c[i, j] = total
    return c


@compiled
def triple_loop(a: Any, b: Any) -> Any:
    """The same three loops, compiled: the types are known, so one operation is one instruction.

    But the inmost loop goes down a column of b. Each of its numbers is in another line of the cache
    (64 bytes), of which it uses one number, and they come one at a time.
    """
    c = np.empty((a.shape[0], b.shape[1]), a.dtype)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = a.dtype.type(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            c[i, j] = total
    return c


@compiled
def reordered(a: Any, b: Any) -> Any:
    """The two inner loops exchanged: the inmost one now goes along a row of b and a row of c.

    Every number of a line of the cache is used, the next line is foreseen and fetched in advance,
    and the compiler takes as many neighbours at once as a vector holds.
    """
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for i in range(a.shape[0]):
        row = c[i]
        for k in range(a.shape[1]):
            factor, of_b = a[i, k], b[k]
            for j in range(row.size):
                row[j] += factor * of_b[j]
    return c


@compiled
def blocked(a: Any, b: Any) -> Any:
    """Block by block: a block of b is used for all rows of a before the next one is fetched.

    Above, all of b passes through the cache for every single row of c, and a large b does not stay
    there. A block does. And four of its rows are taken at once, so that a number of c is read and
    written for four products instead of one.
    """
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for left in range(0, b.shape[1], BLOCK_COLUMNS):
        right = min(left + BLOCK_COLUMNS, b.shape[1])
        for top in range(0, a.shape[1], BLOCK_ROWS):
            bottom = min(top + BLOCK_ROWS, a.shape[1])
            fours = bottom - (bottom - top) % 4
            for i in range(a.shape[0]):
                row = c[i, left:right]
                for k in range(top, fours, 4):
                    p, q, r, s = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
                    of_p, of_q = b[k, left:right], b[k + 1, left:right]
                    of_r, of_s = b[k + 2, left:right], b[k + 3, left:right]
                    for j in range(row.size):
                        row[j] += (p * of_p[j] + q * of_q[j]) + (r * of_r[j] + s * of_s[j])
                for k in range(fours, bottom):
                    p, of_p = a[i, k], b[k, left:right]
                    for j in range(row.size):
                        row[j] += p * of_p[j]
    return c


def vectorised(a: Array, b: Array) -> Array:
    """Block by block, and within a block a tile of c at a time, which stays in the registers.

    A tile of 6 rows and some vectors is neither read nor written while its products are added up.
    In each step one row of b and six numbers of a are read for up to 24 products of vectors, so the
    multipliers wait for nothing. For that, b is first copied into panels as wide as a tile.
    """
    c = np.zeros((len(a), b.shape[1]), a.dtype)
    _multiply(0, len(a), a, _panels(b), c)
    return c


def parallel(a: Array, b: Array) -> Array:
    """The same on all threads, each with rows of its own.

    No thread writes what another one reads, so none waits for another. They share the panels of b.
    """
    c = np.zeros((len(a), b.shape[1]), a.dtype)
    run_in_parts(_multiply, len(a), 8 * ROWS, a, _panels(b), c)
    return c


def blas(a: Array, b: Array) -> Array:
    """What NumPy calls: the same ideas in assembly, tuned for each kind of processor by hand.

    It also copies blocks of a, and fetches the next ones while it multiplies, which pays for
    matrices that are larger than the cache.
    """
    c: Array = a.dot(b)
    return c


RUNGS = (in_python, triple_loop, reordered, blocked, vectorised, parallel, blas)
"""From the slowest to the fastest."""


def _panels(b: Array) -> Array:
    """Copy b into panels as wide as a tile, shape (panels, inner, width), with zeros at the end."""
    width = _WIDEST * lanes(b.dtype)
    count = -(-b.shape[1] // width)
    padded = np.zeros((len(b), count * width), b.dtype)
    padded[:, : b.shape[1]] = b
    return np.ascontiguousarray(padded.reshape(len(b), count, width).swapaxes(0, 1))


@compiled
def _multiply(first: int, last: int, a: Any, panels: Any, c: Any) -> None:
    """Some rows of c, in tiles; a tile at the edge begins earlier, and only its new rows count."""
    inner, width = panels.shape[1], panels.shape[2]
    starts = np.arange(max(ROWS, last - first)) % (last - first) * inner
    numbers = a[first:last].reshape(-1)
    tile = np.empty(ROWS * width, a.dtype)
    for panel in range(panels.shape[0]):
        of_b = panels[panel].reshape(-1)
        for k in range(0, inner, _INNER):
            places = np.full(1, k)
            for start in range(0, last - first, ROWS):
                top = max(0, min(start, last - first - ROWS))
                multiply_tile(
                    _WIDEST,
                    tile,
                    numbers,
                    starts,
                    top,
                    places,
                    1,
                    of_b,
                    places * width,
                    width,
                    min(_INNER, inner - k),
                )
                for m in range(start - top, min(ROWS, last - first)):
                    row = c[first + top + m, panel * width : (panel + 1) * width]
                    for j in range(row.size):
                        row[j] += tile[m * width + j]
