"""The arrays for which loops are compiled: for others every loop would be compiled once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels.rows import COMPILED_DTYPES

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def plain(array: Array) -> Array:
    """The array itself if it is contiguous, aligned, writeable and no subclass; else a copy."""
    if array.flags.carray and type(array) is np.ndarray:
        return array
    return np.array(array, order="C", subok=False)


def all_alike(*arrays: Any) -> bool:
    """Whether these are arrays of one dtype, float32 or float64, and none is empty.

    What is not so is the NumPy twin's to compute, or to refuse.
    """
    return all(
        isinstance(one, np.ndarray)
        and one.dtype in COMPILED_DTYPES
        and one.dtype == arrays[0].dtype
        and one.size > 0
        for one in arrays
    )
