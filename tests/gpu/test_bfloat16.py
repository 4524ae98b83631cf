"""bfloat16 on the GPU, against the NumPy twin and PyTorch, on every number and those between."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import bfloat16 as reference

UPPER = np.arange(1 << 16, dtype=np.uint32) << 16
BETWEEN = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
FLOATS = (UPPER[:, None] | BETWEEN).view(np.float32)
BITS = np.arange(1 << 16, dtype=np.uint16)


@pytest.fixture
def kernels(cupy: Any) -> Any:
    """The kernels of the GPU, which import `cupy`."""
    from nnscratch_kernels.cupy_kernels import bfloat16

    return bfloat16


def test_signatures_are_those_of_the_twins(kernels):
    for name in ("to_bfloat16", "from_bfloat16"):
        assert signature(getattr(kernels, name)) == signature(getattr(reference, name))


def test_to_bfloat16(cupy, kernels):
    found = kernels.to_bfloat16(cupy.asarray(FLOATS))
    assert isinstance(found, cupy.ndarray)
    assert (found.shape, found.dtype) == (FLOATS.shape, np.uint16)
    np.testing.assert_array_equal(found.get(), reference.to_bfloat16(FLOATS))
    numbers = ~np.isnan(FLOATS)
    expected = torch.tensor(FLOATS).to(torch.bfloat16).view(torch.uint16).numpy()
    np.testing.assert_array_equal(found.get()[numbers], expected[numbers])


def test_from_bfloat16(cupy, kernels):
    found = kernels.from_bfloat16(cupy.asarray(BITS))
    assert isinstance(found, cupy.ndarray)
    assert (found.shape, found.dtype) == (BITS.shape, np.float32)
    expected = reference.from_bfloat16(BITS).view(np.uint32)
    np.testing.assert_array_equal(found.view(np.uint32).get(), expected)
    theirs = torch.tensor(BITS).view(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(found.get(), theirs)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 1023, 5000])
def test_sizes(cupy, kernels, size):
    x = np.random.default_rng(size).normal(size=size).astype(np.float32)
    there = cupy.asarray(x)
    bits = kernels.to_bfloat16(there)
    np.testing.assert_array_equal(bits.get(), reference.to_bfloat16(x))
    np.testing.assert_array_equal(
        kernels.from_bfloat16(bits).get(), reference.from_bfloat16(bits.get())
    )
    np.testing.assert_array_equal(there.get(), x)


@pytest.mark.parametrize("shape", [(), (3, 5), (2, 3, 4)], ids=str)
def test_shapes_and_layouts(cupy, kernels, shape):
    x = cupy.asarray(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    expected = reference.to_bfloat16(x.get())
    shifted = cupy.empty(x.size + 1, np.float32)[1:].reshape(shape)
    shifted[...] = x
    turned = [cupy.asfortranarray(x), cupy.repeat(x, 2, -1)[..., ::2]] if shape else []
    for one in (x, shifted, *turned):
        bits = kernels.to_bfloat16(one)
        assert bits.shape == shape
        np.testing.assert_array_equal(bits.get(), expected)
        widened = kernels.from_bfloat16(cupy.asfortranarray(bits) if shape else bits)
        np.testing.assert_array_equal(widened.get(), reference.from_bfloat16(expected))


def test_refused(cupy, kernels):
    with pytest.raises(TypeError, match="to_bfloat16 takes float32, got float64: conv"):
        kernels.to_bfloat16(cupy.zeros(2))
    with pytest.raises(TypeError, match="from_bfloat16 takes uint16, got int64"):
        kernels.from_bfloat16(cupy.zeros(2, np.int64))
