"""Sums of rows and norms on the GPU against NumPy's in float64, and PyTorch."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import reductions as reference
from tests.gpu.on_device import assert_near, layouts, run
from tests.gpu.row_cases import (
    DTYPES,
    SHAPES,
    TOLERANCE,
    exactly,
    normal,
)

SIZES = [[1], [0], [0, 3, 0], [255, 256, 257], [5000, 1, 33], [1 << 14, (1 << 14) + 1], [100_000]]

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels.cupy_kernels import reductions

    return reductions


@every_dtype
@pytest.mark.parametrize(
    "shape", [*SHAPES, (3, 0), (2, 65_536), (2, 65_537), (1, 200_000)], ids=str
)
def test_row_sums(cupy, kernels, shape, dtype):
    rows = normal(shape, dtype)
    found = run(cupy, kernels.row_sums, rows)
    assert found.dtype == dtype
    # Sums near 0 of numbers near 1 have lost what the numbers had.
    sizes = np.abs(rows.astype(float)).sum(-1)
    error = np.abs(found - exactly("row_sums", rows))
    assert (error <= TOLERANCE[dtype] * sizes).all()


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
def test_layouts_of_rows(cupy, kernels, dtype):
    rows = normal((7, 40), dtype)
    for there in layouts(cupy, rows):
        found = run(cupy, kernels.row_sums, there)
        assert_near(found, exactly("row_sums", rows), 2 * TOLERANCE[dtype])


@every_dtype
def test_edges_of_rows(cupy, kernels, dtype):
    rows = normal((6, 300), dtype)
    rows[1, 7], rows[2, 299], rows[3, 0], rows[4, 5], rows[4, 6] = inf, nan, -inf, inf, -inf
    with np.errstate(invalid="ignore"):
        expected = reference.row_sums(rows)
    assert_near(run(cupy, kernels.row_sums, rows), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_global_norm(cupy, kernels, sizes, dtype):
    arrays = [normal((size,), dtype) for size in sizes]
    norm = run(cupy, kernels.global_norm, arrays)
    assert norm.shape == ()
    assert norm.dtype == np.float64
    np.testing.assert_allclose(norm, reference.global_norm(arrays), 1e-14)


def test_global_norm_of_numbers_whose_squares_overflow(cupy, kernels):
    arrays = [np.full(5, 1e30, np.float32), np.full((2, 3), 1e-30, np.float32)]
    np.testing.assert_allclose(run(cupy, kernels.global_norm, arrays), 1e30 * 5**0.5, 1e-6)


@every_dtype
def test_layouts_of_gradients(cupy, kernels, dtype):
    array = normal((30, 40), dtype)
    expected = reference.global_norm([array, array])
    for one, other in zip(layouts(cupy, array), reversed(layouts(cupy, array)), strict=True):
        np.testing.assert_allclose(run(cupy, kernels.global_norm, [one, other]), expected, 1e-14)
        clipped, _ = run(cupy, kernels.clip_by_global_norm, [one, other], 1.0)
        for result in clipped:
            assert_near(result, array.astype(float) / expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("limit", [0.1, 3.0, 1e6])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_clip_by_global_norm(cupy, kernels, sizes, limit, dtype):
    arrays = [normal((size,), dtype) for size in sizes]
    clipped, norm = run(cupy, kernels.clip_by_global_norm, arrays, limit)
    expected, expected_norm = exactly("clip_by_global_norm", arrays, limit)
    np.testing.assert_allclose(norm, expected_norm, 1e-14)
    assert [one.dtype for one in clipped] == [dtype] * len(sizes)
    for one, other in zip(clipped, expected, strict=True):
        assert_near(one, other, TOLERANCE[dtype])


@pytest.mark.parametrize("bad", [inf, -inf, nan])
def test_no_finite_norm_makes_all_nan(cupy, kernels, bad):
    arrays = [np.ones(5), np.array([1.0, bad]), np.ones(3, np.float32)]
    clipped, norm = run(cupy, kernels.clip_by_global_norm, arrays, 1.0)
    assert np.isnan(norm) == np.isnan(bad)
    assert all(np.isnan(one).all() for one in clipped)


@pytest.mark.parametrize("norm", [0.0, 0.5, 2.0, 7.0, 1e300, inf, nan])
def test_clipping_factor(cupy, kernels, norm):
    found = run(cupy, kernels.clipping_factor, np.array(norm), 2.0)
    assert found.shape == ()
    np.testing.assert_array_equal(found, reference.clipping_factor(norm, 2.0))


def test_a_factor_in_place_keeps_the_dtype(cupy, kernels):
    gradient = cupy.ones(4, np.float32)
    gradient *= kernels.clipping_factor(kernels.global_norm([gradient]), 1.0)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient.get(), 0.5)


@every_dtype
def test_against_pytorch(cupy, kernels, dtype):
    arrays = [normal((30, 20), dtype), normal((700,), dtype)]
    there = [torch.tensor(one, requires_grad=True) for one in arrays]
    for one, array in zip(there, arrays, strict=True):
        one.grad = torch.tensor(array)
    expected = torch.nn.utils.clip_grad_norm_(there, 2.0)
    clipped, norm = run(cupy, kernels.clip_by_global_norm, arrays, 2.0)
    torch.testing.assert_close(torch.tensor(norm.astype(dtype)), expected)
    for one, tensor in zip(clipped, there, strict=True):
        torch.testing.assert_close(torch.tensor(one), tensor.grad, rtol=2e-6, atol=1e-5)


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    arrays = [cupy.ones((30, 20), np.float32), cupy.ones(700)]
    with host_copies() as counted:
        kernels.row_sums(arrays[0])
        _, norm = kernels.clip_by_global_norm(arrays, 1.0)
        kernels.clipping_factor(norm, 1.0)
    assert not counted.copies + counted.synchronizations + counted.uploads
