"""bfloat16 against PyTorch, on every number that it has and on those between."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import bfloat16 as kernels
from tests.kernels.array_layouts import layouts, unchanged

UPPER = np.arange(1 << 16, dtype=np.uint32) << 16
BETWEEN = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
FLOATS = (UPPER[:, None] | BETWEEN).view(np.float32)


def test_to_bfloat16_is_pytorchs():
    found = unchanged(kernels.to_bfloat16, FLOATS)
    assert (found.shape, found.dtype) == (FLOATS.shape, np.uint16)
    expected = torch.tensor(FLOATS).to(torch.bfloat16).view(torch.uint16).numpy()
    numbers = ~np.isnan(FLOATS)
    np.testing.assert_array_equal(found[numbers], expected[numbers])


def test_nan_stays_nan_with_its_sign():
    is_nan = np.isnan(FLOATS)
    found = kernels.from_bfloat16(kernels.to_bfloat16(FLOATS))
    np.testing.assert_array_equal(np.isnan(found), is_nan)
    np.testing.assert_array_equal(np.signbit(found[is_nan]), np.signbit(FLOATS[is_nan]))


def test_from_bfloat16_is_pytorchs_and_exact():
    bits = np.arange(1 << 16, dtype=np.uint16)
    found = unchanged(kernels.from_bfloat16, bits)
    assert found.dtype == np.float32
    expected = torch.tensor(bits).view(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(found, expected)
    numbers = ~np.isnan(found)
    np.testing.assert_array_equal(kernels.to_bfloat16(found)[numbers], bits[numbers])


def test_halves_go_to_the_even_one():
    step = 2.0**-7  # from 1 to the next bfloat16
    x = np.array([1 + step / 2, 1 + 3 * step / 2, -1 - step / 2, 3.4e38, 1e-45], np.float32)
    found = kernels.from_bfloat16(kernels.to_bfloat16(x))
    np.testing.assert_array_equal(found, [1, 1 + 2 * step, -1, np.inf, 0])


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (2, 3, 4)], ids=str)
def test_shapes_and_layouts(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = torch.tensor(x).to(torch.bfloat16)
    for one in layouts(x)[:5] if x.ndim else [x]:
        bits = unchanged(kernels.to_bfloat16, one)
        assert bits.shape == shape
        np.testing.assert_array_equal(bits, expected.view(torch.uint16).numpy())
        np.testing.assert_array_equal(kernels.from_bfloat16(bits), expected.float().numpy())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kernels.to_bfloat16(np.zeros(2)), "to_bfloat16 takes float32, got float64: conv"),
        (lambda: kernels.to_bfloat16(np.zeros(2, ">f4")), "to_bfloat16 takes float32, got >f4: co"),
        (lambda: kernels.from_bfloat16(np.zeros(2, int)), "from_bfloat16 takes uint16, got int64"),
    ],
)
def test_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call()
