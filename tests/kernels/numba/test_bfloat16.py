"""Numba's bfloat16 is NumPy's, to the bit, for every number that it has and for those between."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import threads
from nnscratch_kernels.numba_kernels import bfloat16 as kernels
from nnscratch_kernels.numpy_kernels import bfloat16 as reference
from tests.kernels.array_layouts import layouts, unchanged

UPPER = np.arange(1 << 16, dtype=np.uint32) << 16
BETWEEN = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
FLOATS = (UPPER[:, None] | BETWEEN).view(np.float32)


def test_every_number():
    found = unchanged(kernels.to_bfloat16, FLOATS)
    assert (found.shape, found.dtype) == (FLOATS.shape, np.uint16)
    np.testing.assert_array_equal(found, reference.to_bfloat16(FLOATS))
    numbers = ~np.isnan(FLOATS)
    by_torch = torch.tensor(FLOATS).to(torch.bfloat16).view(torch.uint16).numpy()
    np.testing.assert_array_equal(found[numbers], by_torch[numbers])
    bits = np.arange(1 << 16, dtype=np.uint16)
    widened = unchanged(kernels.from_bfloat16, bits)
    assert widened.dtype == np.float32
    np.testing.assert_array_equal(widened.view(np.uint32), UPPER)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (15,), (33,), (3, 5), (2, 3, 4)], ids=str)
def test_shapes_and_layouts(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for one in layouts(x)[:5] if x.ndim else [x]:
        bits = unchanged(kernels.to_bfloat16, one)
        assert bits.shape == shape
        np.testing.assert_array_equal(bits, reference.to_bfloat16(x))
        for other in layouts(bits)[:5] if x.ndim else [bits]:
            np.testing.assert_array_equal(
                unchanged(kernels.from_bfloat16, other), reference.from_bfloat16(bits)
            )


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_parts_and_threads(extra):
    x = np.random.default_rng(0).normal(size=2 * kernels._PART + extra).astype(np.float32)
    before = threads.thread_count()
    try:
        for count in (1, 2):
            threads.set_thread_count(count)
            bits = kernels.to_bfloat16(x)
            np.testing.assert_array_equal(bits, reference.to_bfloat16(x))
            np.testing.assert_array_equal(
                kernels.from_bfloat16(bits), reference.from_bfloat16(bits)
            )
    finally:
        threads.set_thread_count(before)


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
