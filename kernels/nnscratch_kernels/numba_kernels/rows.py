"""How arrays become rows for compiled loops, and what loops over a row have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES, plain
from nnscratch_kernels.numba_kernels.vector_math import (
    bits_of,
    constants,
    exp_of_nonpositive,
    float_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_instruction: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic

SHORT_ROW = 96
"""The exponentials of shorter rows are computed for many rows at once."""

PART = 1 << 19
"""Elements that one thread takes at a time: some 50 to 200 µs of work."""

BLOCK = 4096
"""Elements of one running sum: its rounding stays small, and sums of blocks are float64."""


def row_length(x: Any, axis: int | tuple[int, ...] | None) -> int:
    """The product of the lengths of `axis`, if a loop can take `x` as rows of that many elements.

    Returns:
        0 if it cannot: for another dtype, axes that are not the last ones, or an empty array.
    """
    if not isinstance(x, np.ndarray) or x.dtype not in COMPILED_DTYPES or not x.size:
        return 0
    if not x.ndim:
        return 0
    if axis == -1:  # nearly always
        return int(x.shape[-1])
    ndim = x.ndim
    if axis is None:
        axis = tuple(range(ndim))
    elif not isinstance(axis, tuple):
        axis = (axis,)
    if sorted(i + ndim if i < 0 else i for i in axis) != list(range(ndim - len(axis), ndim)):
        return 0
    return math.prod(x.shape[i] for i in axis) if axis else 0


def as_rows(x: Any, length: int, dtype: Any) -> Any:
    """`x` as a matrix with rows of `length` elements, for a loop."""
    return plain(x, dtype).reshape(-1, length)


def flat(x: Any, dtype: Any) -> Any:
    """`x` as a vector, for a loop."""
    return plain(x, dtype).reshape(-1)


def rows_of_part(length: int) -> int:
    """How many rows of that many elements one thread takes at a time."""
    return max(1, PART // length)


def rows_of_block(length: int) -> int:
    """Rows that are summed in the dtype of the array: few enough to keep the digits and the cache.

    The sums of the blocks are added in float64.
    """
    return max(16, min(128, (1 << 16) // length))


def blocks_of_part(length: int, rows: int) -> int:
    """How many blocks of that many rows one thread takes at a time."""
    return max(1, rows_of_part(length) // rows)


def added_rows(sums: Any) -> Any:
    """The sum of the rows of a matrix, in double precision and rounded once."""
    if len(sums) == 1:
        return sums[0]
    total = np.empty(sums.shape[1], sums.dtype)
    _add_rows(sums, total)
    return total


@_instruction
def choice(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    """`a` if the condition holds, else `b`, of which LLVM cannot make a branch.

    A branch, which it makes of two `a if condition else b` in a row, keeps a loop from vectors.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, a), generate


@compiled(inline=True)
def largest(row: Any) -> Any:
    """The largest element of a row; among NaN and numbers, one of them.

    Integers are compared, since the compiler vectorises the maximum of those only. The bits of
    floats are in the order of their values, but for negative ones, whose magnitude must be flipped.
    """
    mask = constants(row[0]).magnitude_mask
    bits = bits_of(row[0])
    best = bits if bits >= 0 else bits ^ mask
    for j in range(row.size):
        bits = bits_of(row[j])
        best = max(best, bits if bits >= 0 else bits ^ mask)
    return float_of(best if best >= 0 else best ^ mask, row[0])


@compiled(inline=True)
def shift_rows(x: Any, y: Any) -> None:
    """Write every row of `x` less its largest element to `y`."""
    for i in range(len(x)):
        row, out = x[i], y[i]
        shift = largest(row)
        for j in range(row.size):
            out[j] = row[j] - shift


@compiled(inline=True)
def exponentiate(x: Any) -> None:
    """Replace all elements x ≤ 0 of a matrix by exp(x)."""
    x = x.reshape(-1)  # read and written under one name, it is seen not to overlap itself
    for j in range(x.size):
        x[j] = exp_of_nonpositive(x[j])


@compiled(inline=True)
def total_of(row: Any) -> Any:
    """Σ row in float64."""
    total = 0.0
    for start in range(0, row.size, BLOCK):
        block = row[start : start + BLOCK]
        part = constants(row[0]).zero
        for j in range(block.size):
            part += block[j]
        total += part
    return total


@compiled
def _add_rows(rows: Any, total: Any) -> None:
    exact = np.zeros(total.size)
    for i in range(len(rows)):
        row = rows[i]
        for j in range(row.size):
            exact[j] += row[j]
    for j in range(total.size):
        total[j] = exact[j]
