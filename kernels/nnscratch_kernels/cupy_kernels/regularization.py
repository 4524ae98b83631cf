"""Dropout on the GPU in one pass: the random words are made where they are used, and never stored.

A thread makes four words at a time, in the order of `numpy_kernels.philox`, so that a seed gives
the same mask on every machine.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.elementwise import over_tiles
from nnscratch_kernels.cupy_kernels.launch import compiled_for, cuda_kernel, over_elements, plain
from nnscratch_kernels.numpy_kernels import philox
from nnscratch_kernels.numpy_kernels import regularization as reference

Array = Any

_SUBJECT = "regularization"


def dropout(x: Array, kept: Array, rate: float) -> Array:
    """As `numpy_kernels.dropout`, to the bit but for subnormal float32, which become 0.

    One pass, unless `kept` has to be broadcast.
    """
    if not compiled_for(x) or kept.shape != x.shape or kept.dtype != np.bool_:
        return reference.dropout(x, kept, rate)
    y = cupy.empty(x.shape, x.dtype)
    kernel = cuda_kernel(_SUBJECT, "dropout", x.dtype)
    over_tiles(kernel, x.size, y, plain(x), plain(kept), _scale(rate, x.dtype))
    return y


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int, offset: int = 0) -> Array:
    """As `numpy_kernels.dropout_mask`, to the bit, on the current GPU. One pass."""
    words = _sequence(rate, seed, offset)
    mask = cupy.empty(shape, np.bool_)
    kernel = cuda_kernel(_SUBJECT, "dropout_mask", np.float32)
    over_elements(kernel, -(-mask.size // 4), np.int64(mask.size), mask, *words)
    return mask


def seeded_dropout(x: Array, rate: float, seed: int, offset: int = 0) -> Array:
    """As `numpy_kernels.seeded_dropout`, to the bit but for subnormal float32. One pass."""
    if not compiled_for(x):
        return reference.dropout(x, dropout_mask(x.shape, rate, seed, offset), rate)
    words = _sequence(rate, seed, offset)
    y = cupy.empty(x.shape, x.dtype)
    kernel = cuda_kernel(_SUBJECT, "seeded_dropout", x.dtype)
    arguments = (y, plain(x), _scale(rate, x.dtype), *words)
    over_elements(kernel, -(-x.size // 4), np.int64(x.size), *arguments)
    return y


def _scale(rate: float, dtype: Any) -> Any:
    """What the elements that stay are multiplied by."""
    return dtype.type(0.0 if rate == 1 else 1 / (1 - rate))


def _sequence(rate: float, seed: int, offset: int) -> tuple[np.uint64, ...]:
    """The threshold, the seed and the offset, once they are seen to be in range."""
    philox.halves(seed, "seed")
    philox.halves(offset, "offset")
    return np.uint64(philox.dropout_threshold(rate)), np.uint64(seed), np.uint64(offset)
