"""The reference kernels against PyTorch, on every dtype and layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import products as kernels

DTYPES = [np.float32, np.float64]
generator = np.random.default_rng(0)


def unchanged(function: Any, *arrays: Any, **options: Any) -> Any:
    """The result, once the inputs are seen to be as they were."""
    copies = [array.copy() for array in arrays]
    result = function(*arrays, **options)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    return result


def layouts(array: Any) -> list[Any]:
    """The same numbers: C, Fortran, with strides, backwards, read-only."""
    fixed = array.copy()
    fixed.flags.writeable = False
    wide = np.repeat(array, 2, axis=-1)[..., ::2]
    return [array, np.asfortranarray(array), wide, array[::-1].copy()[::-1], fixed]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (0, 3)], ids=str)
def test_dense(dtype, activation, shape):
    x = generator.normal(size=shape).astype(dtype)
    kernel = generator.normal(size=(3, 4)).astype(dtype)
    bias = generator.normal(size=4).astype(dtype)
    expected = torch.nn.functional.linear(*map(torch.from_numpy, (x, kernel.T.copy(), bias)))
    if activation == "relu":
        expected = torch.relu(expected)
    for x_ in layouts(x):
        for kernel_ in layouts(kernel):
            y = unchanged(kernels.dense, x_, kernel_, bias, activation=activation)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, expected.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_dense_lets_nan_through(activation):
    y = kernels.dense(np.array([[np.nan, 1.0]]), np.ones((2, 1)), np.zeros(1), activation)
    assert np.isnan(y).all()


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (128, 64), (129, 64), (3, 0)], ids=str)
def test_column_sums(dtype, shape):
    """Sizes around the bound at which it changes its way."""
    for rows in layouts(generator.normal(size=shape).astype(dtype)):
        sums = unchanged(kernels.column_sums, rows)
        exact = torch.tensor(rows.astype(np.float64)).sum(0).numpy()
        assert (sums.shape, sums.dtype) == (exact.shape, rows.dtype)
        most = len(rows) * np.finfo(dtype).eps * np.abs(rows.astype(np.float64)).sum(axis=0)
        assert np.all(np.abs(sums - exact) <= most)


@pytest.mark.parametrize("rows", [4, 9000])
def test_column_sums_of_what_is_not_finite(rows):
    a = np.ones((rows, 3))
    a[1] = np.nan, np.inf, -np.inf
    a[2, 2] = np.inf
    with np.errstate(invalid="ignore"):
        sums = kernels.column_sums(a)
    np.testing.assert_array_equal(sums, [np.nan, np.inf, np.nan])
