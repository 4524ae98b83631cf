"""What several subjects ask of their arrays. These are no kernels, so this module is no subject."""

from __future__ import annotations

from typing import Any

import numpy as np


def working_values(x: Any) -> tuple[Any, Any]:
    """`x` in float32 or wider, and the dtype that the result shall have."""
    array = x if hasattr(x, "dtype") else np.asarray(x)
    if array.dtype.kind != "f":
        return array.astype(np.float64), np.float64
    return array.astype(np.result_type(array.dtype, np.float32), copy=False), array.dtype


def row_starts(shape: tuple[int, ...]) -> Any:
    """Where each row of the last axis starts in the flattened array, shape without that axis."""
    classes = shape[-1]
    rows = 1
    for length in shape[:-1]:
        rows *= length
    starts = np.arange(0, rows * classes, classes)
    return starts if len(shape) == 2 else starts.reshape(shape[:-1])


def mean_over(x: Any, axis: int | tuple[int, ...]) -> Any:
    """The mean over `axis`, which stays with length 1; 0 where there is nothing."""
    total = np.add.reduce(x, axis=axis, keepdims=True)
    return total / (x.size / total.size if total.size else 1)


def summed_to(values: Any, shape: tuple[int, ...]) -> Any:
    """The sum of `values` over what broadcasting an array of `shape` to them repeats."""
    added = values.ndim - len(shape)
    repeated = tuple(i for i, n in enumerate(shape, added) if n == 1 and values.shape[i] != 1)
    total = np.add.reduce(values, axis=(*range(added), *repeated))
    return total.reshape(shape)


def check_indices(kernel: str, indices: Any, count: int) -> None:
    """Make sure that every index is the number of one of `count` rows.

    Raises:
        TypeError: indices that are no integers.
        IndexError: an index out of range; negative ones do not count from the end.
    """
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{kernel} takes integers as indices, got {indices.dtype}: convert them.")
    if indices.size and not (indices.min() >= 0 and indices.max() < count):
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise IndexError(f"{kernel} takes indices from 0 to {count - 1}, got {wrong}.")
