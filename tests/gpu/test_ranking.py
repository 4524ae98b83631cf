"""The largest elements of rows on the GPU, against NumPy and PyTorch."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import ranking as reference
from tests.gpu.on_device import as_seen, layouts, run
from tests.gpu.row_cases import (
    DTYPES,
    SHAPES,
    generator,
    normal,
)

EDGES = [
    [nan, 1, inf, 0],
    [1, -nan, inf, nan],
    [-inf, -inf, -inf, -inf],
    [-inf, -1e30, -5, -inf],
    [-0.0, 0.0, -0.0, 0.0],
    [inf, -inf, inf, nan],
    [nan, nan, nan, nan],
    [3, 3, 3, 3],
    [1e-40, 0.0, -1e-40, 1e-45],
]

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
many_or_few_values = pytest.mark.parametrize(
    "values", [None, 3, 1], ids=["distinct", "ties", "one"]
)


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels.cupy_kernels import ranking

    return ranking


def numbers(shape, dtype, values):
    """Normally distributed, or integers of which each comes often."""
    if values is None:
        return normal(shape, dtype)
    return generator.integers(0, values, shape).astype(dtype)


@every_dtype
@many_or_few_values
@pytest.mark.parametrize("shape", [*SHAPES, (9,), (2, 3, 17)], ids=str)
def test_argmax(cupy, kernels, shape, dtype, values):
    a = numbers(shape, dtype, values)
    places = run(cupy, kernels.argmax, a)
    assert places.dtype == np.intp
    np.testing.assert_array_equal(places, np.argmax(a, axis=-1))
    assert places.shape == shape[:-1]


@every_dtype
@many_or_few_values
@pytest.mark.parametrize("k", [0, 1, 2, 5, 64])
@pytest.mark.parametrize("shape", [*SHAPES, (90,), (2, 3, 17)], ids=str)
def test_top_k(cupy, kernels, shape, k, dtype, values):
    a = numbers(shape, dtype, values)
    k = min(k, shape[-1])
    best, places = run(cupy, kernels.top_k, a, k)
    assert best.dtype == dtype
    assert places.dtype == np.intp
    expected, expected_places = reference.top_k(a, k)
    np.testing.assert_array_equal(places, expected_places)
    np.testing.assert_array_equal(best, expected)
    assert best.shape == (*shape[:-1], k)


@every_dtype
@pytest.mark.parametrize("length", [4, 40, 700, 5000])
def test_edges(cupy, kernels, length, dtype):
    a = np.full((len(EDGES), length), -inf, dtype)
    a[:, :: -(-length // 4)][:, :4] = EDGES
    seen = as_seen(a)
    np.testing.assert_array_equal(run(cupy, kernels.argmax, a), reference.argmax(seen))
    for k in (1, 3, 4):
        values, places = run(cupy, kernels.top_k, a, k)
        np.testing.assert_array_equal(places, reference.top_k(seen, k)[1])
        expected = np.take_along_axis(a, places, axis=-1)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(np.signbit(values), np.signbit(expected))


@every_dtype
def test_layouts(cupy, kernels, dtype):
    a = numbers((4, 5, 60), dtype, 7)
    for there in layouts(cupy, a):
        np.testing.assert_array_equal(run(cupy, kernels.argmax, there), reference.argmax(a))
        for found, expected in zip(
            run(cupy, kernels.top_k, there, 9), reference.top_k(a, 9), strict=True
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.float32])
def test_what_goes_to_the_twin(cupy, kernels, dtype):
    """Other dtypes, and so many that sorting is quicker."""
    a = generator.integers(-50, 50, (4, 300)).astype(dtype)
    np.testing.assert_array_equal(run(cupy, kernels.argmax, a), reference.argmax(a))
    for found, expected in zip(
        run(cupy, kernels.top_k, a, 100), reference.top_k(a, 100), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_what_is_refused(cupy, kernels):
    a = cupy.ones((3, 4))
    for k in (-1, 5):
        with pytest.raises(ValueError, match=f"top_k takes from 0 to 4 of 4 columns, got k={k}"):
            kernels.top_k(a, k)
    with pytest.raises(ValueError, match="empty"):
        kernels.argmax(cupy.ones((3, 0)))


@every_dtype
def test_against_pytorch(cupy, kernels, dtype):
    a = normal((6, 500), dtype)
    there = torch.tensor(a)
    np.testing.assert_array_equal(run(cupy, kernels.argmax, a), there.argmax(-1))
    for found, expected in zip(run(cupy, kernels.top_k, a, 10), there.topk(10), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    a = cupy.asarray(normal((5, 400), np.float32))
    with host_copies() as counted:
        kernels.argmax(a)
        kernels.top_k(a, 5)
        kernels.top_k(a, 100)
    assert not counted.copies + counted.synchronizations + counted.uploads
