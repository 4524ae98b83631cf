"""bfloat16 numbers on the GPU, to and from float32, in one pass over the memory."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.elementwise import over_tiles
from nnscratch_kernels.cupy_kernels.launch import cuda_kernel, plain
from nnscratch_kernels.numpy_kernels import bfloat16 as reference

Array = Any


def to_bfloat16(x: Array) -> Array:
    """As `numpy_kernels.to_bfloat16`, to the bit. One pass."""
    if x.dtype != np.float32:
        return reference.to_bfloat16(x)  # which refuses it
    return _mapped("to_bfloat16", x, np.uint32, np.uint16)


def from_bfloat16(bits: Array) -> Array:
    """As `numpy_kernels.from_bfloat16`, to the bit. One pass."""
    if bits.dtype != np.uint16:
        return reference.from_bfloat16(bits)  # which refuses it
    return _mapped("from_bfloat16", bits, np.uint16, np.uint32).view(np.float32)


def _mapped(kernel: str, x: Array, read: Any, written: Any) -> Array:
    """The result of a kernel that reads and writes bits of these dtypes."""
    y = cupy.empty(x.shape, written)
    run = cuda_kernel("bfloat16", kernel, np.float32)
    over_tiles(run, x.size, y, plain(x).view(read))
    return y
