"""Reading the arguments of a call: which axes it means, and arrays out of whatever was given."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from nnscratch.autograd import Tensor


def as_array(value: Any) -> Any:
    """A tensor or an array as it is; a number or nested lists of numbers as an array."""
    return value if hasattr(value, "shape") else np.asarray(value)


def numbers(value: Any) -> Any:
    """The same as a plain array, for what steers an op and takes no gradient (an index, a mask)."""
    return value.data if isinstance(value, Tensor) else as_array(value)


def normalized_axis(axis: int, ndim: int) -> int:
    """Count `axis` from the front.

    Raises:
        numpy.exceptions.AxisError: the array has no such axis.
    """
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def reduced_axes(ndim: int, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes that a reduction with this `axis` runs over, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    if ndim == 0:  # NumPy lets a number be reduced over axis 0 and -1
        return ()
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(normalized_axis(one, ndim) for one in axes)


def kept_shape(shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of a reduction's result with `keepdims=True`."""
    reduced = reduced_axes(len(shape), axis)
    return tuple(1 if i in reduced else length for i, length in enumerate(shape))


def reduced_count(shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> int:
    """How many elements go into each element of a reduction's result."""
    return prod(shape[i] for i in reduced_axes(len(shape), axis))


def reduced_rows(a: Any, axis: int | tuple[int, ...] | None) -> Any:
    """`a` with the axes that a reduction runs over flattened into one, the last."""
    reduced = reduced_axes(a.ndim, axis)
    kept = tuple(i for i in range(a.ndim) if i not in reduced)
    lengths = tuple(a.shape[i] for i in kept)
    return np.reshape(np.transpose(a, kept + reduced), (*lengths, reduced_count(a.shape, axis)))


def rows_restored(rows: Any, shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> Any:
    """Undo `reduced_rows` for an array that had this `shape`."""
    reduced = reduced_axes(len(shape), axis)
    order = tuple(i for i in range(len(shape)) if i not in reduced) + reduced
    moved = np.reshape(rows, tuple(shape[i] for i in order))
    return np.transpose(moved, tuple(order.index(i) for i in range(len(shape))))
