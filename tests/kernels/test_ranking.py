"""The largest elements of rows, on NumPy and on Numba."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
import torch

import nnscratch_kernels.numba_kernels.ranking as compiled
import nnscratch_kernels.numpy_kernels.ranking as reference
from nnscratch_kernels import set_thread_count, thread_count

generator = np.random.default_rng(0)

KERNELS = [reference, compiled]
DTYPES = [np.float32, np.float64]

# Around the stretches of a row, and the parts for threads.
SHAPES = [
    (1,), (9,), (3, 1), (4, 7), (2, 3, 17), (3, 127), (3, 128), (3, 129), (2, 2047), (2, 2048),
    (2, 2049), (3, 5000), (1, 300_000), (6000, 50),
]  # fmt: skip


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("values", [None, 3, 1], ids=["distinct", "many-ties", "all-equal"])
def test_argmax(kernels, dtype, shape, values):
    a = generator.normal(size=shape) if values is None else generator.integers(0, values, shape)
    a = a.astype(dtype)
    before = a.copy()
    places = kernels.argmax(a)
    expected = np.argmax(a, axis=-1)
    assert np.asarray(places).dtype == np.intp
    assert np.shape(places) == shape[:-1]
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(a, before)
    if values is None:
        np.testing.assert_array_equal(places, torch.from_numpy(a).argmax(-1).numpy())


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_argmax_finds_every_place(kernels, dtype):
    a = np.zeros((4200, 4200), dtype) - 1
    places = np.arange(4200)
    a[places, places] = generator.random(4200)
    np.testing.assert_array_equal(kernels.argmax(a), places)


# Rows in which the order of numbers is told by more than their bits.
EDGES = [
    [nan, 1, inf],
    [1, -nan, inf, nan],
    [-inf, -inf],
    [-inf, -1e300, -5],
    [-0.0, 0.0],
    [0.0, -0.0],
    [-0.0, -1e-320, -1],
    [5e-324, 0.0, -5e-324],
    [inf, nan],
    [3.4e38, 1.7e308, inf],
]


def edge_rows(dtype):
    with np.errstate(over="ignore"):
        rows = [np.array(row).astype(dtype) for row in EDGES]
    for row in rows[1:2]:
        row[1] = np.copysign(dtype(nan), dtype(-1))
    return rows


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_edge_values(kernels, dtype):
    for row in edge_rows(dtype):
        assert kernels.argmax(row) == np.argmax(row)
        padded = np.concatenate([row, np.full(200, -inf, dtype)])  # long enough for the heap
        for k in range(1, len(row) + 1):
            values, places = kernels.top_k(padded, k)
            expected = sorted(
                range(len(padded)), key=lambda i: (not np.isnan(padded[i]), -padded[i], i)
            )[:k]
            assert places.tolist() == expected
            np.testing.assert_array_equal(values, padded[expected])


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_top_k(kernels, dtype, shape):
    a = generator.normal(size=shape).astype(dtype)
    before = a.copy()
    columns = shape[-1]
    for k in {0, 1, 2, columns // 16, columns // 16 + 1, columns // 2, columns}:
        if k > columns or k > 400:
            continue
        values, places = kernels.top_k(a, k)
        assert values.dtype == dtype
        assert places.dtype == np.intp
        assert values.shape == places.shape == (*shape[:-1], k)
        of_torch = torch.topk(torch.from_numpy(a), k)
        np.testing.assert_array_equal(values, of_torch.values.numpy())
        np.testing.assert_array_equal(places, of_torch.indices.numpy())
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["random", "rising", "falling", "equal"])
def test_equal_elements_keep_their_order(kernels, dtype, order):
    a = generator.integers(0, 9, (5, 1000)).astype(dtype)
    if order != "random":
        a = {"rising": np.sort(a), "falling": -np.sort(-a), "equal": a * 0}[order]
    for k in (1, 3, 62, 200):
        _, places = kernels.top_k(a, k)
        for row, found in zip(a, places, strict=True):
            assert found.tolist() == sorted(range(1000), key=lambda i: (-row[i], i))[:k]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_layouts_and_other_dtypes(kernels, dtype):
    plain = (generator.normal(size=(40, 64)) * 100).astype(dtype)
    strided = np.repeat(np.repeat(plain, 2, 0), 2, 1)[::2, ::2]
    expected = np.argsort(-plain.astype(float), axis=1, kind="stable")[:, :4]
    for a in (plain, np.asfortranarray(plain), strided, plain[::-1, ::-1].copy()[::-1, ::-1]):
        np.testing.assert_array_equal(kernels.argmax(a), expected[:, 0])
        values, places = kernels.top_k(a, 4)
        assert values.dtype == dtype
        np.testing.assert_array_equal(places, expected)
        np.testing.assert_array_equal(values, np.take_along_axis(plain, expected, 1))


@pytest.mark.parametrize("kernels", KERNELS)
def test_of_nothing(kernels):
    assert kernels.argmax(np.zeros((0, 3), np.float32)).shape == (0,)
    with pytest.raises(ValueError, match="empty sequence"):
        kernels.argmax(np.zeros((3, 0), np.float32))
    for shape, k in (((0, 3), 2), ((3, 0), 0)):
        values, places = kernels.top_k(np.zeros(shape, np.float32), k)
        assert values.shape == places.shape == (shape[0], k)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("k", [-1, 11])
def test_more_than_there_are(kernels, k):
    with pytest.raises(ValueError, match=f"top_k takes from 0 to 10 of 10 columns, got k={k}"):
        kernels.top_k(np.zeros((3, 10)), k)


def test_threads_change_nothing():
    a = generator.integers(0, 1000, (900, 1000)).astype(np.float32)
    before = thread_count()
    results = set()
    try:
        for count in (1, 2, 3):
            set_thread_count(count)
            results.add((compiled.argmax(a).tobytes(), compiled.top_k(a, 5)[1].tobytes()))
    finally:
        set_thread_count(before)
    assert len(results) == 1
