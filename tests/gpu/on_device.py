"""Running a kernel on arrays of the GPU, and the same numbers laid out there in every way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def run(cupy: Any, kernel: Any, *arguments: Any, **options: Any) -> Any:
    """What a kernel gives for arrays, copied to the host.

    Arrays of NumPy are copied to the GPU. The results must be there too, be the same bits in a
    second run, and the arguments must stay as they are.
    """
    given = map_arrays(arguments, cupy.asarray, np.ndarray)
    before = [array.get() for array in arrays_of(given, cupy.ndarray)]
    results, again = (map_results(cupy, kernel(*given, **options)) for _ in range(2))
    for array, copy in zip(arrays_of(given, cupy.ndarray), before, strict=True):
        np.testing.assert_array_equal(array.get(), copy)
    for one, other in zip(arrays_of(results), arrays_of(again), strict=True):
        assert one.tobytes() == other.tobytes()
    return results


def map_results(cupy: Any, results: Any) -> Any:
    """Results on the host; it is an error if one of them was there before."""
    assert not list(arrays_of(results, np.ndarray | np.generic | float))
    return map_arrays(results, lambda array: array.get(), cupy.ndarray)


def map_arrays(nested: Any, function: Any, kind: Any) -> Any:
    """Nested tuples and lists with every array of a kind replaced."""
    if isinstance(nested, tuple | list):
        return type(nested)(map_arrays(one, function, kind) for one in nested)
    return function(nested) if isinstance(nested, kind) else nested


def arrays_of(nested: Any, kind: Any = np.ndarray) -> Iterator[Any]:
    """Every array of a kind in nested tuples and lists."""
    if isinstance(nested, tuple | list):
        for one in nested:
            yield from arrays_of(one, kind)
    elif isinstance(nested, kind):
        yield nested


def layouts(cupy: Any, array: Any) -> list[Any]:
    """The same numbers on the GPU: C, Fortran, with strides, backwards."""
    there = cupy.asarray(array)
    backwards = cupy.ascontiguousarray(cupy.flip(there))
    wide = cupy.repeat(there, 2, axis=-1)[..., ::2]
    return [there, cupy.asfortranarray(there), wide, cupy.flip(backwards)]


def as_seen(array: Any) -> Any:
    """What kernels make of numbers: CuPy has subnormal float32 count as 0."""
    if array.dtype != np.float32:
        return array
    return np.where(abs(array) < np.finfo(np.float32).tiny, np.copysign(0, array), array)


def assert_near(found: Any, expected: Any, tolerance: float) -> None:
    """Equal to float64 numbers but for a rounding, relative to the largest where sums cancel.

    A subnormal float32 may be 0.
    """
    found, expected = (one if isinstance(one, tuple) else (one,) for one in (found, expected))
    for one, other in zip(found, expected, strict=True):
        if other is None:
            assert one is None
            continue
        assert one.shape == np.shape(other)
        largest = np.abs(other[np.isfinite(other)]).max(initial=0)
        flushed = np.finfo(np.float32).tiny if one.dtype == np.float32 else 0
        least = max(tolerance * largest, flushed)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=least)
