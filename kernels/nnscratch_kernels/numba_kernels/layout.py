"""The arrays for which loops are compiled: for others every loop would be compiled once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


COMPILED_DTYPES = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def plain(array: Array, dtype: Any = None) -> Array:
    """The array itself if it is contiguous, aligned, writeable and no subclass; else a copy.

    Args:
        array: any.
        dtype: what it shall have, by default its own.
    """
    if array.flags.carray and type(array) is np.ndarray and (dtype is None or array.dtype == dtype):
        return array
    return np.array(array, dtype, order="C", subok=False)


def all_alike(*arrays: Any) -> bool:
    """Whether these are arrays of one dtype, float32 or float64, and none is empty.

    What is not so is the NumPy twin's to compute, or to refuse.
    """
    first = arrays[0]
    if not isinstance(first, np.ndarray) or first.dtype not in COMPILED_DTYPES:
        return False
    for one in arrays:  # a generator would take twice as long, which small arrays notice
        if not isinstance(one, np.ndarray) or one.dtype != first.dtype or not one.size:
            return False
    return True
