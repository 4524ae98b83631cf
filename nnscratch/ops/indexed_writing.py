"""What indexing writes: elements set or added at an index, also where it stands several times.

An index is cut into rows of the array that it selects, so that duplicates are equal numbers.
"""

from __future__ import annotations

from math import prod
from types import EllipsisType
from typing import Any

import numpy as np

from nnscratch.autograd.placement import array_module, beside
from nnscratch.autograd.tensor import plain_index
from nnscratch.ops.arguments import as_array
from nnscratch_kernels import auto as kernels
from nnscratch_kernels.devices import is_on_gpu

_BASIC = int | np.integer | slice | None | EllipsisType


def _parts(index: Any) -> tuple[Any, ...]:
    """What an index selects along one axis after another; lists as arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(part if isinstance(part, _BASIC) else as_array(part) for part in parts)


def may_repeat(index: Any) -> bool:
    """Whether an element may be selected twice: only arrays of integers can do so."""
    arrays = (part for part in _parts(index) if not isinstance(part, _BASIC))
    return any(array.dtype.kind in "iu" and array.size > 1 for array in arrays)


def _rows(shape: tuple[int, ...], index: Any) -> tuple[Any, int, int]:
    """Which rows of an array `index` selects, if that is cut along its first axes into rows.

    Slices and masks cut it into single elements.

    Returns:
        Numbers of rows, with one axis, where the index is; how many rows there are; their length.
    """
    parts = _parts(index)
    make = array_module(next(filter(is_on_gpu, parts), None))
    if all(map(_is_whole, parts)):
        rows: Any = 0
        count = 1
        for part, length in zip(parts, shape, strict=False):
            place = part if isinstance(part, int | np.integer) else make.asarray(part, np.intp)
            rows = rows * length + place % length
            count *= length
        return rows.reshape(-1), count, prod(shape[len(parts) :])
    elements = make.arange(prod(shape)).reshape(shape)
    return elements[index].reshape(-1), prod(shape), 1


def _is_whole(part: Any) -> bool:
    """Whether a part of an index is an integer or an array of integers."""
    if isinstance(part, _BASIC):
        return isinstance(part, int | np.integer) and not isinstance(part, bool)
    return as_array(part).dtype.kind in "iu"


def add_into(result: Any, values: Any, index: Any) -> None:
    """`result[index] += values` with duplicates added up; `values` has the selected shape."""
    if not may_repeat(index):
        result[index] += values
    elif is_on_gpu(result):
        result += _sums_on_gpu(values, result.shape, index)
    else:  # element by element, for which NumPy has a quicker loop than for rows
        rows, _, width = _rows(result.shape, index)
        positions = np.add.outer(rows * width, np.arange(width))
        np.add.at(result.reshape(-1), positions.reshape(-1), np.ravel(values))


def _sums_on_gpu(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `values` added at `index`, in the same order in every run."""
    rows, count, width = _rows(shape, index)
    make = array_module(values)
    dtype = np.result_type(values.dtype, np.float32 if values.dtype.kind == "f" else np.int64)
    summands = values.reshape(rows.size, width).astype(dtype, copy=False)
    if dtype.kind == "f":
        sums = kernels.embedding_scatter_add(summands, make.asarray(rows), count)
    else:  # exact in any order
        sums = make.zeros((count, width), dtype)
        np.add.at(sums, make.asarray(rows), summands)
    return sums.reshape(shape).astype(values.dtype, copy=False)


def _last_writers(rows: Any, count: int) -> Any:
    """For each of `count` rows the place in `rows` where it stands last; -1 for those not there."""
    turns = array_module(rows).arange(rows.size)
    last = np.full_like(turns, -1, shape=(count,))
    if is_on_gpu(rows):  # which would store any of them
        np.maximum.at(last, rows, turns)
    else:
        last[rows] = turns
    return last


def written(gradient: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zero for the values that `set_at` overwrote by later ones of the same index."""
    index = plain_index(index)
    if not may_repeat(index):
        return gradient
    rows, count, width = _rows(shape, index)
    stays = _last_writers(rows, count)[rows] == array_module(rows).arange(rows.size)
    stays = array_module(gradient).asarray(stays)
    by_row = np.reshape(gradient, (rows.size, width))
    return np.reshape(np.where(stays[:, None], by_row, 0), gradient.shape)


def set_on_gpu(a: Any, value: Any, index: Any) -> Any:
    """`set_at` for an index that may stand there several times."""
    rows, count, width = _rows(a.shape, index)
    make = array_module(a)
    last = _last_writers(make.asarray(rows), count)
    taken = value.reshape(rows.size, width)[np.maximum(last, 0)]
    return np.where(last[:, None] >= 0, taken, a.reshape(count, width)).reshape(a.shape)


def fitted(verb: str, value: Any, array: Any, index: Any) -> Any:
    """`value` broadcast to what `index` selects, in the dtype of `array`."""
    value = beside(value, array, f"What t.at[index].{verb} was given")
    if not np.can_cast(value.dtype, array.dtype, "same_kind"):
        raise TypeError(
            f"t.at[index].{verb} got values of dtype {value.dtype} for a tensor of dtype "
            f"{array.dtype}: convert the tensor first with t.astype({value.dtype})."
        )
    selected = array[index].shape
    try:
        return np.broadcast_to(value.astype(array.dtype, copy=False), selected)
    except ValueError:
        raise ValueError(
            f"t.at[index].{verb} got values of shape {value.shape} for selected elements of shape "
            f"{selected}: give a value that broadcasts to them."
        ) from None
