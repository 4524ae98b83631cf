"""Dropout in one pass: the random words are made where they are used, and never stored.

Each word passes through ten rounds of Philox in a vector register, four of eight counters at a
time, which takes less time than reading a stored mask from memory would.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES
from nnscratch_kernels.numpy_kernels import philox
from nnscratch_kernels.numpy_kernels import regularization as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_GRAIN = 1 << 16  # blocks of four elements, about 80 µs

_MULTIPLIER_0, _MULTIPLIER_1 = map(np.uint64, philox.MULTIPLIERS)
_INCREMENT_0, _INCREMENT_1 = map(np.uint64, philox.KEY_INCREMENTS)
_ROUNDS = philox.ROUNDS
_LOW_BITS = np.uint64(philox.WORD)
_32_BITS = np.uint64(32)
_UNSIGNED = np.uint64


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int, offset: int = 0) -> Array:
    """As `numpy_kernels.dropout_mask`, to the bit: one write of a byte an element."""
    mask = np.empty(shape, np.bool_)
    arguments = _sequence(rate, seed, offset)
    run_in_parts(_mask, -(-prod(shape) // 4), _GRAIN, mask.reshape(-1), *arguments)
    return mask


def seeded_dropout(x: Array, rate: float, seed: int, offset: int = 0) -> Array:
    """As `numpy_kernels.seeded_dropout`, to the bit: one read and one write of an element."""
    if x.dtype not in COMPILED_DTYPES or x.ndim == 0:
        return reference.seeded_dropout(x, rate, seed, offset)
    flat = np.ascontiguousarray(x).reshape(-1)
    y = aligned.empty(flat.shape, flat.dtype)
    scale = 0.0 if rate == 1 else 1 / (1 - rate)
    arguments = _sequence(rate, seed, offset)
    run_in_parts(_dropout, -(-flat.size // 4), _GRAIN, flat, y, scale, *arguments)
    return y.reshape(x.shape)


def _sequence(rate: float, seed: int, offset: int) -> tuple[np.uint64, ...]:
    """The threshold, the key and the upper words of the counters."""
    words = (*philox.halves(seed, "seed"), *philox.halves(offset, "offset"))
    return tuple(map(np.uint64, (philox.dropout_threshold(rate), *words)))


@compiled(inline=True)
def _philox(word_0: Any, word_1: Any, word_2: Any, word_3: Any, key_0: Any, key_1: Any) -> Any:
    """Four random words of a counter; all are 64 bits wide, as the products are."""
    for _ in range(_ROUNDS):
        product_0, product_1 = word_0 * _MULTIPLIER_0, word_2 * _MULTIPLIER_1
        word_0 = (product_1 >> _32_BITS) ^ word_1 ^ key_0
        word_1 = product_1 & _LOW_BITS
        word_2 = (product_0 >> _32_BITS) ^ word_3 ^ key_1
        word_3 = product_0 & _LOW_BITS
        key_0 = (key_0 + _INCREMENT_0) & _LOW_BITS
        key_1 = (key_1 + _INCREMENT_1) & _LOW_BITS
    return word_0, word_1, word_2, word_3


@compiled
def _mask(
    first: int,
    last: int,
    mask: Array,
    threshold: Any,
    seed_0: Any,
    seed_1: Any,
    offset_0: Any,
    offset_1: Any,
) -> None:
    """Write elements 4 · first to 4 · last of a mask, or to its end."""
    mask = mask[4 * first : 4 * last]
    counter = _UNSIGNED(first)
    whole = mask.size // 4
    for block in range(whole):
        n = counter + _UNSIGNED(block)
        words = _philox(n & _LOW_BITS, n >> _32_BITS, offset_0, offset_1, seed_0, seed_1)
        mask[4 * block] = words[0] >= threshold
        mask[4 * block + 1] = words[1] >= threshold
        mask[4 * block + 2] = words[2] >= threshold
        mask[4 * block + 3] = words[3] >= threshold
    n = counter + _UNSIGNED(whole)
    words = _philox(n & _LOW_BITS, n >> _32_BITS, offset_0, offset_1, seed_0, seed_1)
    for place in range(4 * whole, mask.size):
        mask[place] = words[place % 4] >= threshold


@compiled
def _dropout(
    first: int,
    last: int,
    x: Array,
    y: Array,
    scale: float,
    threshold: Any,
    seed_0: Any,
    seed_1: Any,
    offset_0: Any,
    offset_1: Any,
) -> None:
    """Write elements 4 · first to 4 · last of y, or to its end.

    A dropped element is multiplied by 0, not replaced by it: NaN stays NaN.
    """
    x, y = x[4 * first : 4 * last], y[4 * first : 4 * last]
    kept, dropped = x.dtype.type(scale), x.dtype.type(0)
    counter = _UNSIGNED(first)
    whole = x.size // 4
    for block in range(whole):
        n = counter + _UNSIGNED(block)
        words = _philox(n & _LOW_BITS, n >> _32_BITS, offset_0, offset_1, seed_0, seed_1)
        y[4 * block] = x[4 * block] * (kept if words[0] >= threshold else dropped)
        y[4 * block + 1] = x[4 * block + 1] * (kept if words[1] >= threshold else dropped)
        y[4 * block + 2] = x[4 * block + 2] * (kept if words[2] >= threshold else dropped)
        y[4 * block + 3] = x[4 * block + 3] * (kept if words[3] >= threshold else dropped)
    n = counter + _UNSIGNED(whole)
    words = _philox(n & _LOW_BITS, n >> _32_BITS, offset_0, offset_1, seed_0, seed_1)
    for place in range(4 * whole, x.size):
        y[place] = x[place] * (kept if words[place % 4] >= threshold else dropped)
