"""bfloat16: the upper half of a float32, with its range and three digits (Wang, Kanwar 2019).

NumPy has no such dtype, so its numbers are carried as the 16 bits of a uint16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_ABOVE_INFINITY = 0x7F800000  # without their sign, the bits of every NaN are larger than these
_QUIET = 0x0040  # what makes it a quiet NaN, and keeps it one when its lower bits are cut off


def to_bfloat16(x: Array) -> Array:
    """Round float32 to the nearest bfloat16, halves to the even one.

    Beyond the largest bfloat16 this gives infinity. NaN stays NaN, with its sign and upper bits.

    Args:
        x: float32, any shape.

    Returns:
        The bits, uint16 of the shape of `x`; 4 bytes read and 2 written for each element.

    Raises:
        TypeError: another dtype.
    """
    _check_dtype("to_bfloat16", x.dtype, np.float32)
    bits = x.view(np.uint32)
    is_nan = (bits & 0x7FFFFFFF) > _ABOVE_INFINITY
    upper = bits >> 16
    rounded = ((bits & 0x7FFFFFFF) + 0x7FFF + (upper & 1)) >> 16 | (upper & 0x8000)
    return np.where(is_nan, upper | _QUIET, rounded).astype(np.uint16)


def from_bfloat16(bits: Array) -> Array:
    """The float32 numbers that these bfloat16 numbers are, which is exact.

    Args:
        bits: uint16, any shape.

    Returns:
        float32 of the shape of `bits`; 2 bytes read and 4 written for each element.

    Raises:
        TypeError: another dtype.
    """
    _check_dtype("from_bfloat16", bits.dtype, np.uint16)
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _check_dtype(kernel: str, dtype: np.dtype[Any], expected: type[np.generic]) -> None:
    """Refuse what is not of this dtype.

    Raises:
        TypeError: another dtype.
    """
    if dtype != expected:
        name = np.dtype(expected).name
        raise TypeError(f"{kernel} takes {name}, got {dtype}: convert it with .astype({name!r}).")
