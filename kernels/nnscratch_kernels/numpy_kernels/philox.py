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

_BLOCKS_AT_A_TIME = 1 << 12  # five arrays of 64 KiB stay in the second-level cache
_COLUMN_OF_MULTIPLIERS = np.array(MULTIPLIERS, np.uint64)[:, None]
_32_BITS, _LOW_BITS = np.uint64(32), np.uint64(WORD)


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
    even = counters[:, 0::2].T.astype(np.uint64)
    odd = counters[:, 1::2].T.astype(np.uint64)
    even, odd = _scrambled(even, odd, key)
    return np.stack([even[0], odd[0], even[1], odd[1]], axis=1).astype(np.uint32)


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
    key, upper = halves(seed, "seed"), np.array(halves(offset, "offset"), np.uint64)
    blocks = -(-count // 4)
    words = np.empty((blocks, 2, 2), np.uint32)
    for start in range(0, blocks, _BLOCKS_AT_A_TIME):
        part = words[start : start + _BLOCKS_AT_A_TIME]
        lower = np.arange(start, start + len(part), dtype=np.uint64)
        even, odd = np.empty((2, 2, len(part)), np.uint64)
        np.bitwise_and(lower, _LOW_BITS, even[0])
        np.right_shift(lower, _32_BITS, odd[0])
        even[1], odd[1] = upper
        even, odd = _scrambled(even, odd, key)
        part[:, :, 0] = even.T
        part[:, :, 1] = odd.T
    return words.reshape(-1)[:count]


def _scrambled(even: Array, odd: Array, key: tuple[int, int]) -> tuple[Array, Array]:
    """Words 0 and 2, and words 1 and 3 of each counter: shapes (2, n), uint64, overwritten."""
    keys = np.array(key, np.uint64)[:, None]
    increments = np.array(KEY_INCREMENTS, np.uint64)[:, None]
    product = np.empty_like(even)
    for _ in range(ROUNDS):
        np.multiply(even, _COLUMN_OF_MULTIPLIERS, product)
        crossed = product[::-1]  # each half is mixed into the other
        np.right_shift(crossed, _32_BITS, even)
        even ^= odd
        even ^= keys
        np.bitwise_and(crossed, _LOW_BITS, odd)
        keys = (keys + increments) & _LOW_BITS
    return even, odd
