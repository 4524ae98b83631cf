"""bfloat16 numbers, to and from float32, in one pass over the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import plain
from nnscratch_kernels.numpy_kernels import bfloat16 as numpy_twin
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_PART = 1 << 19  # elements that one thread takes at a time


def to_bfloat16(x: Array) -> Array:
    """As `numpy_kernels.to_bfloat16`."""
    if x.dtype != np.float32:
        return numpy_twin.to_bfloat16(x)
    rounded = aligned.empty(x.shape, np.dtype(np.uint16))
    bits = plain(x).reshape(-1).view(np.uint32)
    run_in_parts(_round, x.size, _PART, bits, rounded.reshape(-1))
    return rounded


def from_bfloat16(bits: Array) -> Array:
    """As `numpy_kernels.from_bfloat16`."""
    if bits.dtype != np.uint16:
        return numpy_twin.from_bfloat16(bits)
    widened = aligned.empty(bits.shape, np.dtype(np.float32))
    flat = plain(bits).reshape(-1)
    run_in_parts(_widen, bits.size, _PART, flat, widened.reshape(-1).view(np.uint32))
    return widened


@compiled
def _round(first: Any, last: Any, bits: Any, rounded: Any) -> None:
    bits, rounded = bits[first:last], rounded[first:last]
    for i in range(bits.size):
        value = bits[i]
        upper = np.uint32(value >> np.uint32(16))
        half = np.uint32(np.uint32(0x7FFF) + (upper & np.uint32(1)))
        nearest = np.uint32(value + half) >> np.uint32(16)
        is_nan = (value & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
        rounded[i] = (upper | np.uint32(0x40)) if is_nan else nearest


@compiled
def _widen(first: Any, last: Any, bits: Any, widened: Any) -> None:
    bits, widened = bits[first:last], widened[first:last]
    for i in range(bits.size):
        widened[i] = np.uint32(bits[i]) << np.uint32(16)
