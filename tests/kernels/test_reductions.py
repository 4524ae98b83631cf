"""Sums of rows and columns and the norm of many arrays, on NumPy and on Numba."""

from __future__ import annotations

from math import fsum, inf, isnan, nan, sqrt

import numpy as np
import pytest
import torch

import nnscratch_kernels.numba_kernels.reductions as compiled
import nnscratch_kernels.numpy_kernels.products as products
import nnscratch_kernels.numpy_kernels.reductions as reference
from nnscratch_kernels import set_thread_count, thread_count

generator = np.random.default_rng(0)

DTYPES = [np.float32, np.float64]

# Around vectors, rows that are added several at a time, pieces, tiles and the parts for threads.
SHAPES = [
    (1, 1), (1, 7), (7, 1), (2, 4), (31, 5), (32, 5), (33, 5), (64, 16), (9, 47), (10, 48),
    (11, 49), (100, 1023), (41, 1025), (1, 4095), (2, 4096), (3, 4097), (3, 8193), (257, 300),
    (256, 1024), (40, 8191), (40, 8193), (265, 1031), (5001, 3), (1, 300_000), (300_000, 1),
    (2000, 301),
]  # fmt: skip

SUMS = [
    (reference.row_sums, 1),
    (compiled.row_sums, 1),
    (products.column_sums, 0),
    (compiled.column_sums, 0),
]


def exact(rows, axis):
    return rows.astype(np.longdouble).sum(axis=axis)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sums", "axis"), SUMS)
def test_sums(shape, dtype, sums, axis):
    rows = generator.normal(size=shape).astype(dtype)
    before = rows.copy()
    result = sums(rows)
    expected = exact(rows, axis)
    assert result.dtype == dtype
    assert result.shape == expected.shape
    error = abs(result - expected) / (np.abs(rows).sum(axis=axis) * np.finfo(dtype).eps)
    # NumPy adds columns one after the other, and its error grows with the root of their length.
    bound = 2 if sums.__module__ == compiled.__name__ else 2 + sqrt(shape[axis])
    assert error.max() < bound
    np.testing.assert_array_equal(rows, before)
    torch_sums = torch.from_numpy(rows).sum(axis).numpy()
    np.testing.assert_allclose(result, torch_sums, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sums", "axis"), SUMS)
def test_layouts(dtype, sums, axis):
    rows = generator.normal(size=(70, 90)).astype(dtype)
    expected = exact(rows, axis)
    strided = np.repeat(np.repeat(rows, 2, 0), 3, 1)[::2, ::3]
    for array in (np.asfortranarray(rows), strided, rows[::-1, ::-1].copy()[::-1, ::-1]):
        np.testing.assert_allclose(sums(array), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize(("sums", "axis"), SUMS)
def test_sums_of_nothing_are_zero(shape, sums, axis):
    result = sums(np.zeros(shape, np.float32))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.zeros(shape[1 - axis]))


@pytest.mark.parametrize("sums", [compiled.row_sums, compiled.column_sums])
def test_half_precision_is_numpys(sums):
    rows = generator.normal(size=(50, 60)).astype(np.float16)
    twin = {"row_sums": reference.row_sums, "column_sums": products.column_sums}[sums.__name__]
    result = sums(rows)
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result, twin(rows))


@pytest.mark.parametrize(("sums", "axis"), SUMS)
def test_sums_of_what_is_not_finite(sums, axis):
    rows = np.ones((50, 50), np.float32)
    rows[1, 1], rows[2, 2], rows[3, 3], rows[4, 4], rows[5, 4] = nan, inf, -inf, inf, -inf
    rows[4, 5] = -inf
    with np.errstate(all="ignore"):
        result = sums(rows)
    assert np.isnan(result[[1, 4]]).all()
    assert result[2:4].tolist() == [inf, -inf]
    np.testing.assert_array_equal(np.delete(result, [1, 2, 3, 4, 5]), np.full(45, 50))


def test_long_sums_keep_their_precision():
    """Single precision alone would be wrong in the third digit."""
    ones = np.full((1, 20_000_000), 0.1, np.float32)
    expected = float(np.float32(0.1)) * ones.size
    assert abs(compiled.row_sums(ones)[0] / expected - 1) < 1e-6
    assert abs(compiled.column_sums(ones.T)[0] / expected - 1) < 1e-6
    assert abs(compiled.column_sums(ones.reshape(-1, 5))[0] / (expected / 5) - 1) < 1e-6


NORMS = [reference, compiled]


@pytest.mark.parametrize("kernels", NORMS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_global_norm(kernels, dtype):
    shapes = [(), (0,), (1,), (3, 4), (8192,), (8193,), (2, 262_145)]
    arrays = [generator.normal(size=shape).astype(dtype) for shape in shapes]
    arrays.append(np.asfortranarray(generator.normal(size=(30, 40)).astype(dtype)))
    arrays.append(generator.normal(size=(30, 40)).astype(dtype)[::-2, ::3])
    expected = sqrt(fsum(float(x) ** 2 for array in arrays for x in array.ravel()))
    norm = kernels.global_norm(arrays)
    assert isinstance(norm, float)
    np.testing.assert_allclose(norm, expected, rtol=1e-13)
    leaves = [torch.from_numpy(np.ascontiguousarray(array)).double() for array in arrays]
    of_torch = torch.nn.utils.get_total_norm(leaves).item()
    np.testing.assert_allclose(norm, of_torch, rtol=1e-12)


@pytest.mark.parametrize("kernels", NORMS)
def test_global_norm_of_edge_values(kernels):
    assert kernels.global_norm([]) == 0
    assert kernels.global_norm([np.zeros(3, np.float32)]) == 0
    huge = np.full(4, 3e38, np.float32)
    np.testing.assert_allclose(kernels.global_norm([huge]), 2 * float(huge[0]), rtol=1e-14)
    tiny = np.full(4, 1e-45, np.float32)
    np.testing.assert_allclose(kernels.global_norm([tiny]), 2 * float(tiny[0]), rtol=1e-14)
    assert kernels.global_norm([huge, np.array([-inf])]) == inf
    assert isnan(kernels.global_norm([huge, np.array([nan])]))


@pytest.mark.parametrize("kernels", NORMS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clip_by_global_norm(kernels, dtype, limit):
    arrays = [
        generator.normal(size=shape).astype(dtype)
        for shape in [(), (0,), (5,), (40, 30), (300_001,)]
    ]
    arrays.append(np.asfortranarray(arrays[3]))
    arrays.append(arrays[3][::2, ::-1])
    before = [array.copy() for array in arrays]
    clipped, norm = kernels.clip_by_global_norm(arrays, limit)
    leaves = [torch.from_numpy(array.copy()).requires_grad_() for array in before]
    for leaf in leaves:
        leaf.grad = leaf.detach().clone()
    of_torch = torch.nn.utils.clip_grad_norm_(leaves, limit)
    np.testing.assert_allclose(norm, of_torch.item(), rtol=1e-5)
    for array, leaf, own, old in zip(clipped, leaves, arrays, before, strict=True):
        assert array.dtype == dtype
        assert array is not own
        np.testing.assert_allclose(array, leaf.grad.numpy(), rtol=1e-4)
        np.testing.assert_array_equal(own, old)
    if limit == 1e6:
        for array, old in zip(clipped, before, strict=True):
            np.testing.assert_array_equal(array, old)
    else:
        np.testing.assert_allclose(kernels.global_norm(clipped), limit, rtol=1e-6)


@pytest.mark.parametrize("kernels", NORMS)
@pytest.mark.parametrize("bad", [nan, inf])
def test_no_direction_is_no_number(kernels, bad):
    clipped, norm = kernels.clip_by_global_norm([np.array([1.0, bad]), np.ones(3)], 1.0)
    assert np.isnan(norm) or norm == inf
    assert all(np.isnan(array).all() for array in clipped)


def test_threads_change_nothing():
    rows = generator.normal(size=(1500, 900)).astype(np.float32)
    before = thread_count()
    results = set()
    try:
        for count in (1, 2, 3):
            set_thread_count(count)
            sums = compiled.row_sums(rows).tobytes(), compiled.column_sums(rows).tobytes()
            results.add((*sums, compiled.global_norm([rows])))
    finally:
        set_thread_count(before)
    assert len(results) == 1
