"""Random numbers from a counter: Philox 4x32-10 of Salmon et al. 2011.

"Parallel random numbers: as easy as 1, 2, 3" (SC'11; the constants are those of its authors'
library, Random123). Each block of four words is a scrambled counter, so any of them can be computed
at any time, in any order, on any machine, and nothing need be stored. These functions serve the
kernels that draw random numbers; they are no kernels, so this module is no subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
WORD = 0xFFFFFFFF

_BLOCKS_AT_A_TIME = 1 << 13  # six arrays of 64 KiB stay in the second-level cache
_MULTIPLIER_0, _MULTIPLIER_1 = (np.array(number, np.uint64) for number in MULTIPLIERS)
_32_BITS, _LOW_BITS = np.array(32, np.uint64), np.array(WORD, np.uint64)


def halves(number: int, name: str) -> tuple[int, int]:
    """The lower and the upper 32 bits of a 64-bit number.

    Args:
        number: an integer from 0 to 2⁶⁴ - 1.
        name: what it is, for the message.

    Raises:
        ValueError: another integer.
    """
    if not 0 <= number < 1 << 64:
        raise ValueError(
            f"The {name} of random numbers is an integer from 0 to 2**64 - 1, got {number}."
        )
    return int(number) & WORD, int(number) >> 32


def dropout_threshold(rate: float) -> int:
    """The word from which on an element is kept: 2³² · rate, so that a share `rate` is dropped.

    Args:
        rate: in [0, 1]; it is met to 2⁻³³.

    Raises:
        ValueError: a rate outside [0, 1].
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"Dropout needs the share that it drops, from 0 to 1, got rate={rate}.")
    return round(rate * (WORD + 1))


def philox_4x32(counters: Array, key: tuple[int, int]) -> Array:
    """Scramble counters in ten rounds of multiplications.

    Args:
        counters: shape (n, 4), uint32.
        key: two words.

    Returns:
        Shape (n, 4), uint32: random words, other ones for each key; about 25 operations a word.
    """
    return np.stack(_scrambled(key, *counters.T.astype(np.uint64)), axis=1).astype(np.uint32)


def random_words(count: int, seed: int, offset: int) -> Array:
    """The first words of a sequence that is chosen by two numbers.

    The words 4 i to 4 i + 3 are Philox 4x32-10 of the counter i + 2⁶⁴ · offset under the key `seed`
    (the lower words of each number first), so sequences of different offsets never overlap.

    Args:
        count: how many.
        seed: from 0 to 2⁶⁴ - 1.
        offset: from 0 to 2⁶⁴ - 1.

    Returns:
        Shape (count,), uint32.

    Raises:
        ValueError: a seed or an offset out of range.
    """
    key, upper = halves(seed, "seed"), halves(offset, "offset")
    blocks = -(-count // 4)
    words = np.empty((blocks, 4), np.uint32)
    for start in range(0, blocks, _BLOCKS_AT_A_TIME):
        part = words[start : start + _BLOCKS_AT_A_TIME]
        numbers = np.arange(start, start + len(part), dtype=np.uint64)
        counters = (
            numbers & _LOW_BITS,
            numbers >> _32_BITS,
            *map(np.full_like, [numbers] * 2, upper),
        )
        for place, word in enumerate(_scrambled(key, *counters)):
            part[:, place] = word
    return words.reshape(-1)[:count]


def _scrambled(
    key: tuple[int, int], word_0: Array, word_1: Array, word_2: Array, word_3: Array
) -> tuple[Array, ...]:
    """Four random words of each counter, whose words, shape (n,), uint64, are overwritten."""
    key_0, key_1 = key
    product_0, product_1 = np.empty_like(word_0), np.empty_like(word_0)
    for _ in range(ROUNDS):
        np.multiply(word_0, _MULTIPLIER_0, product_0)
        np.multiply(word_2, _MULTIPLIER_1, product_1)
        np.right_shift(product_1, _32_BITS, word_0)
        word_0 ^= word_1
        word_0 ^= np.uint64(key_0)
        np.bitwise_and(product_1, _LOW_BITS, word_1)
        np.right_shift(product_0, _32_BITS, word_2)
        word_2 ^= word_3
        word_2 ^= np.uint64(key_1)
        np.bitwise_and(product_0, _LOW_BITS, word_3)
        key_0 = (key_0 + KEY_INCREMENTS[0]) & WORD
        key_1 = (key_1 + KEY_INCREMENTS[1]) & WORD
    return word_0, word_1, word_2, word_3
