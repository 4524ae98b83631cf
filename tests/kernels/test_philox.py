"""Philox 4x32-10 against what its authors publish, and against itself one block at a time."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch_kernels.numpy_kernels import philox

# Counter, key and result: the three lines "philox4x32 10" of the file tests/kat_vectors of
# Random123 (D. E. Shaw Research), the library of the authors of Salmon et al. 2011.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers(counter, key, expected):
    low, high = words(key)
    result = philox.philox_4x32(np.array([words(counter)], np.uint32), (low, high))
    assert result.dtype == np.uint32
    assert result.tolist() == [words(expected)]


# Multipliers and increments of the key by the number of bits in a word (Salmon et al. 2011).
CONSTANTS = {
    32: (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85),
    64: (0xD2E7470EE14C6C93, 0xCA5A826395121157, 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B),
}


def split(number: int, bits: int, count: int) -> list[int]:
    return [number >> bits * i & (1 << bits) - 1 for i in range(count)]


def one_block(counter: int, key: int, bits: int) -> list[int]:
    """Philox 4x32-10 or 4x64-10 of one counter, in Python's integers."""
    *multipliers, increment_0, increment_1 = CONSTANTS[bits]
    (a, b, c, d), (k, l) = split(counter, bits, 4), split(key, bits, 2)
    for _ in range(10):
        (low_0, high_0), (low_1, high_1) = (
            split(factor * word, bits, 2) for factor, word in zip(multipliers, (a, c), strict=True)
        )
        a, b, c, d = high_1 ^ b ^ k, low_1, high_0 ^ d ^ l, low_0
        k, l = (k + increment_0) % (1 << bits), (l + increment_1) % (1 << bits)
    return [a, b, c, d]


NUMBERS = [0, 1, 2**31, 2**32 - 1, 2**32, 2**63 + 5, 2**64 - 1, 0x0123456789ABCDEF]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_block_in_pythons_integers_is_numpys(number):
    """With words of 64 bits it is NumPy's generator, which counts before its first block."""
    generator = np.random.Philox(counter=number << 64, key=number << 32)
    assert generator.random_raw(4).tolist() == one_block((number << 64) + 1, number << 32, 64)


@pytest.mark.parametrize("seed", NUMBERS)
@pytest.mark.parametrize("offset", NUMBERS)
def test_random_words_are_the_blocks_one_after_the_other(seed, offset):
    expected = [word for i in range(3) for word in one_block(i + (offset << 64), seed, 32)]
    for count in range(len(expected) + 1):
        drawn = philox.random_words(count, seed, offset)
        assert drawn.dtype == np.uint32
        assert drawn.tolist() == expected[:count]


def test_words_do_not_depend_on_how_many_are_drawn():
    """More blocks than are scrambled at a time."""
    long = philox.random_words(100_003, 7, 8)
    for block in (1, 8191, 8192, 8193, 16384, 25_000):
        assert (
            long[4 * block : 4 * block + 4].tolist()
            == (one_block(block + (8 << 64), 7, 32)[: len(long) - 4 * block])
        )


@pytest.mark.parametrize("number", [-1, 2**64])
def test_numbers_out_of_range(number):
    with pytest.raises(ValueError, match="seed of random numbers is an integer from 0 to"):
        philox.random_words(1, number, 0)
    with pytest.raises(ValueError, match="offset of random numbers is an integer from 0 to"):
        philox.random_words(1, 0, number)


@pytest.mark.parametrize(("rate", "threshold"), [(0, 0), (0.5, 2**31), (1, 2**32), (2**-32, 1)])
def test_threshold(rate, threshold):
    assert philox.dropout_threshold(rate) == threshold


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_out_of_range(rate):
    with pytest.raises(ValueError, match="from 0 to 1, got rate"):
        philox.dropout_threshold(rate)
