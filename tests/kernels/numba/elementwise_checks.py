"""What every elementwise kernel must hold, in any layout and size, against its NumPy twin."""

from __future__ import annotations

from typing import Any

import numpy as np

import nnscratch_kernels.numba_kernels.elementwise as elementwise
from nnscratch_kernels import numba_kernels, numpy_kernels

RELATIVE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 8e-15}


def both(name: str) -> tuple[Any, Any]:
    """The compiled kernel and its NumPy twin."""
    return getattr(numba_kernels, name), getattr(numpy_kernels, name)


def assert_close(found: Any, expected: Any, cancelled: Any = 0, *, steep: bool = False) -> None:
    """Equal but for rounding.

    `cancelled` is what was subtracted to get there. A `steep` function falls like exp(-x²), which
    magnifies the rounding of its argument in NumPy's version as well.
    """
    assert found.shape == expected.shape
    relative = RELATIVE[found.dtype]
    least = np.finfo(found.dtype).tiny
    with np.errstate(all="ignore"):
        error = np.abs(found - expected)
        condition = np.maximum(1, np.abs(np.log(np.abs(expected))) / 8) if steep else 1
        limit = relative * condition * np.abs(expected) + relative / 8 * np.abs(cancelled) + least
    alike = (error <= limit) | (found == expected) | (np.isnan(found) & np.isnan(expected))
    assert np.all(alike), (found[~alike], expected[~alike])


def edges(dtype: Any) -> Any:
    """Infinities, NaN, zeros, subnormal, tiny and huge numbers of both signs."""
    format = np.finfo(dtype)
    sizes = [0, format.smallest_subnormal, 9 * format.smallest_subnormal, format.tiny, 1e-9]
    sizes += [1, 100, 1e4, format.max / 4, format.max, np.inf, np.nan]
    return np.array([*sizes, *np.negative(sizes)], dtype)


def layouts(array: Any) -> list[Any]:
    """The same numbers, 3-dimensional: C, Fortran, strided, backwards, turned, read-only, odd."""
    fixed = array.copy()
    fixed.flags.writeable = False
    wide = np.repeat(array, 2, axis=-1)[..., ::2]
    unaligned = np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
    turned = np.ascontiguousarray(array.transpose(1, 2, 0)).transpose(2, 0, 1)
    backwards = array[::-1, :, ::-1].copy()[::-1, :, ::-1]
    return [array, np.asfortranarray(array), wide, backwards, turned, fixed, unaligned]


SIZES = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129]
PART_SIZES = [
    size
    for part in (elementwise.PART_OF_LONG_LOOPS // 8, elementwise.PART_OF_LONG_LOOPS // 4)
    for size in (part - 1, part, part + 1, 2 * part + 3)
]
"""Around the parts in which `silu` of float64 and of float32 is computed."""
