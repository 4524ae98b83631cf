"""Gathering rows of a table and its gradient, on NumPy and on Numba."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import nnscratch_kernels.numba_kernels.embedding as compiled
import nnscratch_kernels.numpy_kernels.embedding as reference
from nnscratch_kernels import set_thread_count, thread_count

generator = np.random.default_rng(0)

SCATTERS = [reference.embedding_scatter_add, compiled.embedding_scatter_add]
DTYPES = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3)])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.uint64])
def test_gather(dtype, shape, kind):
    table = generator.normal(size=(7, 4)).astype(dtype)
    indices = generator.integers(0, 7, shape).astype(kind)
    rows = reference.embedding_gather(table, indices)
    assert rows.dtype == dtype
    expected = torch.nn.functional.embedding(
        torch.from_numpy(indices.astype(np.int64)), torch.from_numpy(table)
    )
    np.testing.assert_array_equal(rows, expected.numpy())
    np.testing.assert_array_equal(
        reference.embedding_gather(np.asfortranarray(table), indices), rows
    )


@pytest.mark.parametrize("scatter_add", SCATTERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, 3, 16, 63, 64, 65, 129])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (50,), (3, 40), (5000,)])
def test_scatter_add(scatter_add, dtype, length, shape):
    """Fifty or five thousand indices into ten rows: most of them come again."""
    indices = generator.integers(0, 10, shape)
    gradient = generator.normal(size=(*shape, length)).astype(dtype)
    before = gradient.copy(), indices.copy()
    table = scatter_add(gradient, indices, 10)
    assert table.dtype == dtype
    assert table.shape == (10, length)
    expected = np.zeros((10, length), dtype)
    for index, row in zip(indices.ravel(), gradient.reshape(-1, length), strict=True):
        expected[index] += row
    np.testing.assert_array_equal(table, expected)  # in the order of the indices, so to the bit
    np.testing.assert_array_equal(gradient, before[0])
    np.testing.assert_array_equal(indices, before[1])


@pytest.mark.parametrize("scatter_add", SCATTERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_gradient_of_the_gather(scatter_add, dtype):
    indices = generator.integers(0, 300, (20, 30))
    gradient = generator.normal(size=(20, 30, 24)).astype(dtype)
    table = torch.zeros((300, 24), dtype=torch.from_numpy(gradient).dtype, requires_grad=True)
    gathered = torch.nn.functional.embedding(torch.from_numpy(indices), table)
    gathered.backward(torch.from_numpy(gradient))
    np.testing.assert_allclose(
        scatter_add(gradient, indices, 300), table.grad.numpy(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("scatter_add", SCATTERS)
@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.uint64])
def test_layouts(scatter_add, kind):
    indices = generator.integers(0, 9, (30, 20)).astype(kind)
    gradient = generator.normal(size=(30, 20, 40))
    expected = reference.embedding_scatter_add(gradient, indices.astype(np.intp), 9)
    for g in (
        np.asfortranarray(gradient),
        np.repeat(gradient, 2, 2)[..., ::2],
        gradient[::-1, :, ::-1].copy()[::-1, :, ::-1],
    ):
        for i in (indices, np.asfortranarray(indices), np.repeat(indices, 2, 1)[:, ::2]):
            np.testing.assert_array_equal(scatter_add(g, i, 9), expected)


@pytest.mark.parametrize("scatter_add", SCATTERS)
def test_what_is_not_finite_stays_in_its_row(scatter_add):
    gradient = np.ones((4, 3), np.float32)
    gradient[1], gradient[2, 0] = np.nan, np.inf
    table = scatter_add(gradient, np.array([2, 0, 1, 1]), 4)
    assert np.isnan(table[0]).all()
    assert table[1:].tolist() == [[np.inf, 2, 2], [1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ([0, 5], IndexError, "takes indices from 0 to 4, got 5"),
        ([-1, 3], IndexError, "takes indices from 0 to 4, got -1"),
        ([0.0, 1.0], TypeError, "takes integers as indices, got float64"),
    ],
)
def test_wrong_indices(wrong, error, message):
    indices = np.array(wrong)
    with pytest.raises(error, match=f"embedding_gather {message}"):
        reference.embedding_gather(np.ones((5, 2)), indices)
    for scatter_add in SCATTERS:
        with pytest.raises(error, match=f"embedding_scatter_add {message}"):
            scatter_add(np.ones((2, 2)), indices, 5)


def test_threads_change_nothing():
    indices = generator.integers(0, 50, 4000)
    gradient = generator.normal(size=(4000, 384)).astype(np.float32)
    before = thread_count()
    results = set()
    try:
        for count in (1, 2, 3):
            set_thread_count(count)
            results.add(compiled.embedding_scatter_add(gradient, indices, 50).tobytes())
    finally:
        set_thread_count(before)
    assert len(results) == 1
