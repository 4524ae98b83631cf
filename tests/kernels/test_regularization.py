"""Dropout whose mask is made of a seed, on NumPy and on Numba."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch

import nnscratch_kernels.numba_kernels.regularization as compiled
import nnscratch_kernels.numpy_kernels.regularization as reference
from nnscratch_kernels import set_thread_count, thread_count
from nnscratch_kernels.numpy_kernels import philox

generator = np.random.default_rng(0)

# Around blocks of 4, vectors of 8 and 16 blocks, and the parts that go to threads.
SIZES = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    129,
    262_143,
    262_144,
    262_145,
    600_001,
]
RATES = [0.0, 2**-33, 0.1, 0.5, 0.9, 1.0]


@pytest.mark.parametrize("rate", RATES)
def test_the_mask_is_made_of_the_words(rate):
    words = philox.random_words(24, 5, 6).reshape(2, 3, 4)
    kept = words >= rate * 2.0**32 if rate not in (2**-33,) else np.ones(words.shape, bool)
    for kernels in (reference, compiled):
        mask = kernels.dropout_mask((2, 3, 4), rate, 5, 6)
        assert mask.dtype == np.bool_
        np.testing.assert_array_equal(mask, kept)


@pytest.mark.parametrize("kernels", [reference, compiled])
def test_an_element_is_kept_from_its_own_word_on(kernels):
    words = philox.random_words(71, 5, 6).tolist()
    x = np.ones(len(words), np.float32)
    for place in (0, 1, 2, 3, 64, 65, 66, 67, 68, 69, 70):
        for above, kept in ((0, True), (1, False)):
            rate = (words[place] + above) / 2**32
            assert kernels.dropout_mask(x.shape, rate, 5, 6)[place] == kept
            assert (kernels.seeded_dropout(x, rate, 5, 6)[place] != 0) == kept


@pytest.mark.parametrize("size", SIZES)
def test_both_make_the_same_mask(size):
    expected = reference.dropout_mask((size,), 0.3, 2**63 + 1, 2**64 - 1)
    mask = compiled.dropout_mask((size,), 0.3, 2**63 + 1, 2**64 - 1)
    assert mask.dtype == expected.dtype
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_give_the_same_bits(size, dtype):
    x = generator.normal(size=size).astype(dtype)
    before = x.copy()
    expected = reference.seeded_dropout(x, 0.3, 1, 2)
    y = compiled.seeded_dropout(x, 0.3, 1, 2)
    assert y.dtype == expected.dtype == dtype
    assert y.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("kernels", [reference, compiled])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_layouts(kernels, dtype):
    """The mask belongs to the elements as they are numbered, not to where they are in memory."""
    plain = generator.normal(size=(6, 10)).astype(dtype)
    expected = plain * reference.dropout_mask(plain.shape, 0.4, 3) * dtype(1 / 0.6)
    strided = np.repeat(np.repeat(plain, 2, 0), 2, 1)[::2, ::2]
    for x in (plain, np.asfortranarray(plain), strided, plain[::-1, ::-1].copy()[::-1, ::-1]):
        y = kernels.seeded_dropout(x, 0.4, 3)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, expected)
    number = kernels.seeded_dropout(np.array(2, dtype), 0.4, 3)
    assert number.shape == ()
    assert number == 2 * reference.dropout_mask((), 0.4, 3) * dtype(1 / 0.6)
    assert kernels.seeded_dropout(np.zeros((0, 3), dtype), 0.4, 3).shape == (0, 3)


@pytest.mark.parametrize("kernels", [reference, compiled])
def test_what_is_not_finite_is_not_hidden(kernels):
    """An infinite input that is dropped is 0 · ∞, as in PyTorch."""
    x = np.array([np.inf, -np.inf, np.nan, np.float32(1e-45), 3e38, -1] * 4, np.float32)
    mask = reference.dropout_mask(x.shape, 0.5, 9)
    assert mask.any()
    assert not mask.all()
    factors = torch.from_numpy(mask.astype(np.float32)) * 2
    expected = (torch.from_numpy(x) * factors).numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        y = kernels.seeded_dropout(x, 0.5, 9)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("kernels", [reference, compiled])
def test_it_is_linear_and_its_own_adjoint(kernels):
    """Σ g · f(x) = Σ f(g) · x: the gradient is the function itself, of the same numbers."""
    x, g = generator.normal(size=(2, 1001))
    y, gradient = kernels.seeded_dropout(x, 0.3, 4, 1), kernels.seeded_dropout(g, 0.3, 4, 1)
    np.testing.assert_allclose(g @ y, gradient @ x, rtol=1e-13)
    kept = reference.dropout_mask(x.shape, 0.3, 4, 1)
    leaf = torch.from_numpy(x).requires_grad_()
    (leaf * torch.from_numpy(kept) / 0.7).backward(torch.from_numpy(g))
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-15)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.75])
def test_share_and_independence(rate):
    """Within five standard deviations, for each place in a block and from offset to offset."""
    count = 1 << 18
    masks = [
        reference.dropout_mask((count,), rate, *numbers) for numbers in ((1, 0), (1, 1), (2, 0))
    ]
    bound = 5 * sqrt(rate * (1 - rate))
    for mask in masks:
        for lane in range(4):
            assert abs(mask[lane::4].mean() - (1 - rate)) < bound / sqrt(count / 4)
        neighbours = (mask[1:] & mask[:-1]).mean()
        assert abs(neighbours - (1 - rate) ** 2) < bound / sqrt(count) * 2
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both = (masks[first] & masks[second]).mean()
        assert abs(both - (1 - rate) ** 2) < bound / sqrt(count)


@pytest.mark.parametrize("kernels", [reference, compiled])
def test_seed_and_offset_choose_the_mask(kernels):
    masks = [
        kernels.dropout_mask((256,), 0.5, *numbers).tobytes()
        for numbers in ((0, 0), (1, 0), (0, 1), (2**32, 0), (0, 2**32))
    ]
    assert len(set(masks)) == len(masks)
    assert kernels.dropout_mask((256,), 0.5, 0).tobytes() == masks[0]


def test_threads_change_nothing():
    x = generator.normal(size=1_000_001).astype(np.float32)
    before = thread_count()
    try:
        results = []
        for count in (1, 2, 3):
            set_thread_count(count)
            results.append(compiled.seeded_dropout(x, 0.2, 1).tobytes())
    finally:
        set_thread_count(before)
    assert len(set(results)) == 1


@pytest.mark.parametrize("kernels", [reference, compiled])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.5, 0), "from 0 to 1, got rate=1.5"),
        ((0.5, -1), "seed of random numbers"),
        ((0.5, 0, 2**64), "offset of random numbers"),
    ],
)
def test_numbers_out_of_range(kernels, arguments, message):
    with pytest.raises(ValueError, match=message):
        kernels.dropout_mask((3,), *arguments)
    with pytest.raises(ValueError, match=message):
        kernels.seeded_dropout(np.ones(3), *arguments)
