"""Gathering rows of a table and its gradient on the GPU, against NumPy and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import embedding as reference
from tests.gpu.on_device import layouts, run
from tests.gpu.row_cases import (
    DTYPES,
    LENGTHS,
    generator,
    normal,
)

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
shapes = pytest.mark.parametrize("shape", [(), (0,), (1,), (50,), (3, 40), (2, 0, 3)], ids=str)
kinds = pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.uint64])


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels.cupy_kernels import embedding

    return embedding


def numbers_below(count, shape, kind=np.int64):
    return np.asarray(generator.integers(0, count, shape), kind)


@every_dtype
@shapes
@kinds
def test_gather(cupy, kernels, shape, kind, dtype):
    table, indices = normal((7, 40), dtype), numbers_below(7, shape, kind)
    expected = reference.embedding_gather(table, indices)
    for there in layouts(cupy, table):
        rows = run(cupy, kernels.embedding_gather, there, indices)
        assert rows.dtype == dtype
        np.testing.assert_array_equal(rows, expected)
        assert rows.shape == (*shape, 40)


@every_dtype
@shapes
@kinds
def test_scatter_add(cupy, kernels, shape, kind, dtype):
    """Into ten rows: most indices come again, and what they bring is added in their order."""
    gradient, indices = normal((*shape, 24), dtype), numbers_below(10, shape, kind)
    expected = reference.embedding_scatter_add(gradient, indices, 10)
    for there in layouts(cupy, gradient):
        table = run(cupy, kernels.embedding_scatter_add, there, indices, 10)
        assert table.dtype == dtype
        np.testing.assert_array_equal(table, expected)  # to the bit


@every_dtype
@pytest.mark.parametrize("length", [0, *LENGTHS])
def test_lengths(cupy, kernels, length, dtype):
    table, indices = normal((5, length), dtype), numbers_below(5, (9,))
    rows = run(cupy, kernels.embedding_gather, table, indices)
    np.testing.assert_array_equal(rows, table[indices])
    found = run(cupy, kernels.embedding_scatter_add, rows, indices, 6)
    expected = reference.embedding_scatter_add(rows, indices, 6)
    np.testing.assert_array_equal(found, expected)


@every_dtype
@pytest.mark.parametrize("vocabulary", [1, 3, 1000, 100_000])
def test_many_indices(cupy, kernels, vocabulary, dtype):
    """One row gets all, or hardly one gets two."""
    gradient, indices = normal((5000, 3), dtype), numbers_below(vocabulary, 5000)
    found = run(cupy, kernels.embedding_scatter_add, gradient, indices, vocabulary)
    expected = reference.embedding_scatter_add(gradient, indices, vocabulary)
    np.testing.assert_array_equal(found, expected)


def test_the_order_of_equal_indices(cupy, kernels):
    """Another order would give another sum."""
    gradient = np.array([[1e8], [1.0], [-1e8], [1.0]], np.float32)
    found = run(cupy, kernels.embedding_scatter_add, gradient, np.array([1, 1, 1, 1]), 2)
    np.testing.assert_array_equal(found, [[0], [1]])


@every_dtype
@pytest.mark.parametrize("length", [3, 300])
def test_indices_out_of_range(cupy, kernels, length, dtype):
    """They read and write nothing: a row of NaN comes from them, and nothing goes back."""
    indices = np.array([0, 5, -1, 4, 2**40, -(2**63), 4])
    table = normal((5, length), dtype)
    rows = run(cupy, kernels.embedding_gather, table, indices)
    np.testing.assert_array_equal(rows[[0, 3, 6]], table[[0, 4, 4]])
    assert np.isnan(rows[[1, 2, 4, 5]]).all()
    gradient = normal((7, length), dtype)
    found = run(cupy, kernels.embedding_scatter_add, gradient, indices, 5)
    known = [0, 3, 6]
    expected = reference.embedding_scatter_add(gradient[known], indices[known], 5)
    np.testing.assert_array_equal(found, expected)
    wrong = np.array([2**64 - 1, 3], np.uint64)
    rows = run(cupy, kernels.embedding_gather, table, wrong)
    np.testing.assert_array_equal(np.isnan(rows).all(-1), [True, False])


def test_no_finite_gradients(cupy, kernels):
    gradient = np.array([[np.inf, np.nan], [-np.inf, 1.0], [2.0, 3.0]])
    found = run(cupy, kernels.embedding_scatter_add, gradient, np.array([1, 1, 0]), 2)
    np.testing.assert_array_equal(found, [[2.0, 3.0], [np.nan, np.nan]])


def test_what_is_refused(cupy, kernels):
    table, indices = cupy.ones((5, 3)), cupy.zeros(4, np.int64)
    with pytest.raises(TypeError, match="takes integers as indices, got float64"):
        kernels.embedding_gather(table, indices.astype(float))
    with pytest.raises(TypeError, match="takes integers as indices, got float64"):
        kernels.embedding_scatter_add(cupy.ones((4, 3)), indices.astype(float), 5)
    with pytest.raises(ValueError, match=r"rows of shape \(3, 3\) for indices of shape \(4,\)"):
        kernels.embedding_scatter_add(cupy.ones((3, 3)), indices, 5)


def test_half_precision(cupy, kernels):
    table, indices = normal((5, 6), np.float16), numbers_below(5, (4, 3))
    rows = run(cupy, kernels.embedding_gather, table, indices)
    np.testing.assert_array_equal(rows, table[indices])
    found = run(cupy, kernels.embedding_scatter_add, rows, indices, 5)
    assert found.dtype == np.float16
    expected = reference.embedding_scatter_add(rows.astype(float), indices, 5)
    np.testing.assert_allclose(found, expected, 1e-3)


@every_dtype
def test_against_pytorch(cupy, kernels, dtype):
    indices, gradient = numbers_below(300, (20, 30)), normal((20, 30, 24), dtype)
    values = normal((300, 24), dtype)
    table = torch.tensor(values, requires_grad=True)
    gathered = torch.nn.functional.embedding(torch.tensor(indices), table)
    found = run(cupy, kernels.embedding_gather, values, indices)
    np.testing.assert_array_equal(found, gathered.detach().numpy())
    gathered.backward(torch.tensor(gradient))
    found = run(cupy, kernels.embedding_scatter_add, gradient, indices, 300)
    torch.testing.assert_close(torch.tensor(found), table.grad)


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    table, indices = cupy.ones((9, 40)), cupy.asarray(numbers_below(9, (4, 5)))
    with host_copies() as counted:
        rows = kernels.embedding_gather(table, indices)
        kernels.embedding_scatter_add(rows, indices, 9)
    assert not counted.copies + counted.synchronizations + counted.uploads
