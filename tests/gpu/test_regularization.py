"""Dropout on the GPU, to the bit, and with the masks that NumPy and Numba make."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch

import nnscratch_kernels.numba_kernels.regularization as compiled
import nnscratch_kernels.numpy_kernels.regularization as reference
from nnscratch_kernels.numpy_kernels import philox

DTYPES = [np.float32, np.float64]
RATES = [0.0, 2**-33, 0.1, 0.5, 0.9, 1.0]
# Around blocks of 4 words, and what the threads of a block and of two blocks make.
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 1023, 1024, 1025, 2047, 2049, 5000]
LARGEST = (2**64 - 1, 2**64 - 1)


@pytest.fixture
def kernels(cupy: Any) -> Any:
    """The kernels of the GPU, which import `cupy`."""
    from nnscratch_kernels.cupy_kernels import regularization

    return regularization


def numbers(shape: Any, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def test_signatures_are_those_of_the_twins(kernels):
    for name in ("dropout", "dropout_mask", "seeded_dropout"):
        assert signature(getattr(kernels, name)) == signature(getattr(reference, name))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seeds", [(0, 0), (2**63 + 1, 2**32 + 7), LARGEST])
def test_the_same_mask_on_every_machine(cupy, kernels, rate, seeds):
    for shape in [(), (0,), (3, 0, 2), (2, 3, 4), (257,), (4, 1025)]:
        mask = kernels.dropout_mask(shape, rate, *seeds)
        assert isinstance(mask, cupy.ndarray)
        assert (mask.shape, mask.dtype) == (shape, np.bool_)
        np.testing.assert_array_equal(mask.get(), reference.dropout_mask(shape, rate, *seeds))
        np.testing.assert_array_equal(mask.get(), compiled.dropout_mask(shape, rate, *seeds))


def test_an_element_is_kept_from_its_own_word_on(cupy, kernels):
    words = philox.random_words(71, 5, 6).tolist()
    x = cupy.ones(len(words), np.float32)
    for place in (0, 1, 2, 3, 64, 65, 66, 67, 68, 69, 70):
        for above, kept in ((0, True), (1, False)):
            rate = (words[place] + above) / 2**32
            assert kernels.dropout_mask(x.shape, rate, 5, 6).get()[place] == kept
            assert (kernels.seeded_dropout(x, rate, 5, 6).get()[place] != 0) == kept


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_the_same_bits_on_every_machine(cupy, kernels, size, dtype):
    x = numbers(size, dtype)
    there = cupy.asarray(x)
    for rate in (0.3, 1.0):
        y = kernels.seeded_dropout(there, rate, 1, 2)
        assert isinstance(y, cupy.ndarray)
        assert y.dtype == dtype
        assert y.get().tobytes() == reference.seeded_dropout(x, rate, 1, 2).tobytes()
        assert y.get().tobytes() == compiled.seeded_dropout(x, rate, 1, 2).tobytes()
        kept = kernels.dropout_mask((size,), rate, 1, 2)
        assert kernels.dropout(there, kept, rate).get().tobytes() == y.get().tobytes()
    np.testing.assert_array_equal(there.get(), x)


def test_counters_above_32_bits(cupy, kernels):
    """Elements from the 2³⁴th on have their own words: their blocks are counted in 64 bits."""
    from nnscratch_kernels.cupy_kernels.launch import cuda_source

    source = (
        cuda_source("nnscratch_kernels.cupy_kernels", "regularization")
        + """
extern "C" __global__ void words(
    unsigned int* made, unsigned long long n, unsigned long long seed, unsigned long long offset) {
    Four<unsigned int> four = random_words(n, seed, offset);
    for (int k = 0; k < 4; ++k) made[k] = four.of[k];
}
"""
    )
    module = cupy.RawModule(code=source, options=("-std=c++17", "-DREAL=float"))
    made = cupy.zeros(4, np.uint32)
    counter, seed, offset = 5 << 32 | 3, 7 << 32 | 1, 9 << 32 | 2
    module.get_function("words")((1,), (1,), (made, *map(np.uint64, (counter, seed, offset))))
    expected = philox.philox_4x32(np.array([[3, 5, 2, 9]], np.uint32), (1, 7))[0]
    np.testing.assert_array_equal(made.get(), expected)


def test_a_grid_that_is_smaller_than_the_array(cupy, kernels, monkeypatch):
    """Each thread then makes words several times."""
    from nnscratch_kernels.cupy_kernels import launch

    monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
    x = numbers(7001)
    np.testing.assert_array_equal(
        kernels.seeded_dropout(cupy.asarray(x), 0.3, 8).get(), reference.seeded_dropout(x, 0.3, 8)
    )
    mask = kernels.dropout_mask(x.shape, 0.3, 8).get()
    np.testing.assert_array_equal(mask, reference.dropout_mask(x.shape, 0.3, 8))


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
def test_layouts(cupy, kernels, dtype):
    """The mask belongs to the elements as they are numbered, not to where they are in memory."""
    plain = numbers((6, 10), dtype)
    kept = reference.dropout_mask(plain.shape, 0.4, 3)
    expected = plain * kept * dtype(1 / 0.6)
    x = cupy.asarray(plain)
    strided = cupy.repeat(cupy.repeat(x, 2, 0), 2, 1)[::2, ::2]
    backwards = cupy.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    shifted = cupy.empty(61, dtype)[1:].reshape(6, 10)
    shifted[...] = x
    for one in (x, cupy.asfortranarray(x), strided, backwards, shifted):
        y = kernels.seeded_dropout(one, 0.4, 3)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.get(), expected)
        there = cupy.asfortranarray(cupy.asarray(kept))
        np.testing.assert_array_equal(kernels.dropout(one, there, 0.4).get(), expected)
        np.testing.assert_array_equal(one.get(), plain)
    number = kernels.seeded_dropout(cupy.asarray(np.array(2, dtype)), 0.4, 3)
    assert number.shape == ()
    assert number.get() == 2 * reference.dropout_mask((), 0.4, 3) * dtype(1 / 0.6)


def test_a_mask_that_must_be_broadcast_is_the_twins(cupy, kernels):
    x, kept = numbers((4, 5), np.float32), np.array([True, False, True, True, False])
    y = kernels.dropout(cupy.asarray(x), cupy.asarray(kept), 0.4)
    np.testing.assert_array_equal(y.get(), reference.dropout(x, kept, 0.4))


def test_all_is_dropped_whatever_the_mask_says(cupy, kernels):
    y = kernels.dropout(cupy.ones(5), cupy.ones(5, np.bool_), 1)
    np.testing.assert_array_equal(y.get(), np.zeros(5))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_is_not_hidden(cupy, kernels, dtype):
    """An infinite input that is dropped is 0 · ∞, as in PyTorch."""
    x = np.array([np.inf, -np.inf, np.nan, 2e-38, 3e38, -1] * 4, dtype)
    mask = reference.dropout_mask(x.shape, 0.5, 9)
    assert mask.any()
    assert not mask.all()
    expected = (torch.from_numpy(x) * (torch.from_numpy(mask.astype(dtype)) * 2)).numpy()
    there = cupy.asarray(x)
    np.testing.assert_array_equal(kernels.seeded_dropout(there, 0.5, 9).get(), expected)
    np.testing.assert_array_equal(kernels.dropout(there, cupy.asarray(mask), 0.5).get(), expected)


def test_it_is_its_own_gradient(cupy, kernels):
    x, g = np.random.default_rng(1).normal(size=(2, 1001))
    gradient = kernels.seeded_dropout(cupy.asarray(g), 0.3, 4, 1).get()
    kept = kernels.dropout_mask(x.shape, 0.3, 4, 1).get()
    leaf = torch.from_numpy(x).requires_grad_()
    (leaf * torch.from_numpy(kept) / 0.7).backward(torch.from_numpy(g))
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.5, 0), "from 0 to 1, got rate=1.5"),
        ((0.5, -1), "seed of random numbers"),
        ((0.5, 0, 2**64), "offset of random numbers"),
    ],
)
def test_numbers_out_of_range(cupy, kernels, arguments, message):
    with pytest.raises(ValueError, match=message):
        kernels.dropout_mask((3,), *arguments)
    with pytest.raises(ValueError, match=message):
        kernels.seeded_dropout(cupy.ones(3), *arguments)


def test_nothing_goes_to_the_host(cupy, kernels, host_copies):
    x = cupy.ones((3, 50), np.float32)
    with host_copies() as counted:
        kernels.dropout(x, kernels.dropout_mask(x.shape, 0.3, 1), 0.3)
        kernels.seeded_dropout(x, 0.3, 1)
    assert counted == type(counted)()  # neither copies nor waits
