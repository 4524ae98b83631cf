"""The same numbers laid out in memory in every way, and a check that a kernel leaves them alone."""

from __future__ import annotations

from typing import Any

import numpy as np


def layouts(array: Any) -> list[Any]:
    """The same numbers: C, Fortran, with strides, backwards, read-only, in the other byte order."""
    fixed = array.copy()
    fixed.flags.writeable = False
    wide = np.repeat(array, 2, axis=-1)[..., ::2]
    backwards = np.flip(array).copy()
    swapped = array.astype(array.dtype.newbyteorder())
    return [array, np.asfortranarray(array), wide, np.flip(backwards), fixed, swapped]


def unchanged(function: Any, *arrays: Any, **options: Any) -> Any:
    """The result, once the inputs are seen to be as they were."""
    copies = [np.copy(array) for array in arrays]
    result = function(*arrays, **options)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    return result


def as_tuple(results: Any) -> tuple[Any, ...]:
    """The results of a kernel that may have one or several."""
    return results if isinstance(results, tuple) else (results,)


def assert_near(found: Any, expected: Any, dtype: Any, least: float = 0) -> None:
    """Of `dtype` in either byte order, and equal to float64 numbers but for its rounding.

    That is relative to the largest number, or to `least` where larger ones cancelled.
    """
    tolerance = {np.float16: 2e-3, np.float32: 2e-6, np.float64: 2e-14}[dtype]
    for one, other in zip(as_tuple(found), as_tuple(expected), strict=True):
        if other is None:
            assert one is None
            continue
        assert one.dtype.newbyteorder("=") == dtype
        assert np.shape(one) == np.shape(other)
        finite = np.abs(other)[np.isfinite(other)]
        scale = tolerance * finite.max(initial=least)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=scale)
