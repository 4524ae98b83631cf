"""Arrays as matrices whose rows or columns the threads of a GPU share: see `cuda/matrix.cuh`.

This is no kernel, so this module is no subject.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import compiled_for, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Axis = int | tuple[int, ...] | None

WARP = 32
BLOCK = 256
"""Threads of a block, where it may have so many or few."""

MOST_THREADS = 512
"""Of a block."""

MEMBER_ELEMENTS = 4
"""Elements of a row for each thread of the team that works on it, up to the largest team."""

MOST_PARTS = 512
"""Parts of the rows whose sums are added up at the end: some blocks for each multiprocessor."""


class Rows:
    """How an array becomes a matrix with the elements along some axes as rows, and back.

    Attributes:
        count: how many rows there are.
        length: how many elements a row has.
    """

    def __init__(self, shape: tuple[int, ...], axis: Axis) -> None:
        """Choose the axes of the rows.

        Args:
            shape: of the array, which has at least one axis.
            axis: the axis or axes of a row; None means all.
        """
        axes: tuple[int, ...] = np.lib.array_utils.normalize_axis_tuple(
            range(len(shape)) if axis is None else axis, len(shape)
        )
        self._others = tuple(i for i in range(len(shape)) if i not in axes)
        self._order = (*self._others, *sorted(axes))
        self._shape = shape
        self.are_last = self._order == tuple(range(len(shape)))
        self.count = prod(shape[i] for i in self._others)
        self.length = prod(shape[i] for i in axes)

    def of(self, array: Any, dtype: Any) -> Any:
        """The elements of an array of this shape, row after row: a copy unless they lie so."""
        return plain(array if self.are_last else array.transpose(self._order), dtype)

    def back(self, matrix: Any) -> Any:
        """A matrix of these rows as an array of this shape, which is C-contiguous."""
        if self.are_last:
            return matrix.reshape(self._shape)
        moved = matrix.reshape([self._shape[i] for i in self._order])
        return plain(moved.transpose(sorted(range(len(self._order)), key=self._order.__getitem__)))

    def reduced(self, numbers: Any, keepdims: bool = False) -> Any:
        """One number for each row as an array without the axes of a row, or with length 1 there."""
        kept = [
            self._shape[i] if i in self._others else 1
            for i in range(len(self._shape))
            if keepdims or i in self._others
        ]
        return numbers.reshape(kept)


def team_of(columns: int) -> tuple[int, int]:
    """The threads of a team for rows of so many elements, and the teams of a block."""
    members = 1
    while members < MOST_THREADS and members * MEMBER_ELEMENTS < columns:
        members *= 2
    return members, BLOCK // members if members <= WARP else 1


def over_teams(kernel: Callable[..., None], rows: int, columns: int, *arguments: Any) -> None:
    """Launch a kernel with a team of threads for each row; nothing for no rows.

    The kernel's first parameters are the numbers of rows and columns, `long long`; `arguments`
    follow.
    """
    if rows:
        members, teams = team_of(columns)
        blocks = min(-(-rows // teams), 2**31 - 1)
        kernel((blocks,), (members, teams), (np.int64(rows), np.int64(columns), *arguments))


class Columns:
    """How blocks of (columns, lanes) threads share a matrix, with its rows in parts.

    Attributes:
        part_rows: rows of a part, `long long` for a kernel.
        parts: how many parts there are.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._columns = columns
        self._width = 1
        while self._width < min(columns, WARP):
            self._width *= 2
        lanes = BLOCK // self._width
        length = max(8 * lanes, -(-rows // MOST_PARTS))
        self.part_rows = np.int64(length)
        self.parts = -(-rows // length)

    def over_parts(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Launch a block for each part of the rows and each group of columns."""
        kernel((self._groups, self.parts), (self._width, BLOCK // self._width), arguments)

    def over_columns(self, kernel: Callable[..., None], matrices: int, *arguments: Any) -> None:
        """Launch a block for each group of columns of some matrices, to add up all their rows."""
        kernel((self._groups, matrices), (self._width, MOST_THREADS // self._width), arguments)

    @property
    def _groups(self) -> int:
        return -(-self._columns // self._width)


def rows_for(x: Any, gamma: Any, beta: Any, axis: int | tuple[int, ...]) -> Rows | None:
    """The samples as rows, if a kernel can take them and their weights; else None."""
    if not compiled_for(x) or not x.size or not x.ndim:
        return None
    rows = Rows(x.shape, axis)
    can = rows.are_last and all(_fits(weights, x.shape, rows.length) for weights in (gamma, beta))
    return rows if can else None


def channels_fit(x: Any, *vectors: Any, axis: int) -> bool:
    """Whether a kernel can take `x`, and vectors with a number for each channel, or None."""
    return (
        compiled_for(x)
        and x.size > 0
        and x.ndim > 0
        and all(one is None or one.shape == (x.shape[axis],) for one in vectors)
    )


def weights_of(weights: Any, default: float, length: int, dtype: Any) -> Any:
    """γ or β as a vector."""
    return cupy.full(length, default, dtype) if weights is None else plain(weights, dtype)


def _fits(weights: Any, shape: tuple[int, ...], length: int) -> bool:
    """Whether γ or β has one number for each of the last `length` elements of such an array."""
    return weights is None or (
        isinstance(weights, cupy.ndarray)
        and weights.size == length
        and weights.shape == shape[len(shape) - weights.ndim :]
    )
