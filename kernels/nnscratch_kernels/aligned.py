"""Large arrays in host memory that begin where a cache line does.

NumPy's begin 16 bytes behind one, as a rule. Then every other vector of 32 bytes and each of 64
lies in two lines, and loops over several arrays in the caches take up to half as long again.
(PyTorch's memory begins at a line.)
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[Any]

LINE = 64
"""Bytes of a cache line of x86 and of most ARM processors."""

LARGE = 1 << 20
"""Bytes from which on it is worth the 2 µs that it takes."""

LARGE_SUMS = 1 << 12
"""Bytes from which on it is worth them for sums, which are read and written for every row."""


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """As `np.empty`; a large array begins at a cache line."""
    return _made(np.empty, shape, dtype)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """As `np.zeros`; a large array begins at a cache line."""
    return _made(np.zeros, shape, dtype)


def sums(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros that a loop adds to again and again: even a few of them begin at a cache line."""
    return _made(np.zeros, shape, dtype, LARGE_SUMS)


def empty_like(array: Any) -> Any:
    """A plain array of this shape and dtype in C's order, on its device.

    A large one in host memory begins at a cache line.
    """
    if isinstance(array, np.ndarray):
        return empty(array.shape, array.dtype)
    return np.empty_like(array, order="C")


def full_like(array: Any, numbers: Any) -> Any:
    """As `empty_like`, with these numbers: one for all, or an array of them."""
    made = empty_like(array)
    made[...] = numbers
    return made


def _made(
    make: Callable[..., Array], shape: tuple[int, ...], dtype: np.dtype[Any], large: int = LARGE
) -> Array:
    size = prod(shape) * dtype.itemsize
    if size < large:
        return make(shape, dtype)
    memory = make(size + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return np.ndarray(shape, dtype, memory, start)
