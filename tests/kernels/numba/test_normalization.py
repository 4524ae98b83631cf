"""Normalization and its gradients in Numba: NumPy's results in float64, for every size."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from nnscratch_kernels import numba_kernels, numpy_kernels, set_thread_count, thread_count
from nnscratch_kernels.numba_kernels.normalization_gradients import ROWS
from nnscratch_kernels.numba_kernels.normalized_rows import SOME
from nnscratch_kernels.numba_kernels.rows import BLOCK, PART
from tests.kernels.array_layouts import as_tuple, assert_near, layouts, unchanged

generator = np.random.default_rng(0)
DTYPES = [np.float32, np.float64]
LAYER = ["layer_normalization", "layer_normalization_gradient"]
RESIDUAL = ["residual_layer_normalization", "residual_layer_normalization_gradient"]
BATCH = ["batch_normalization", "batch_normalization_gradient"]
NAMES = [*LAYER, *RESIDUAL, *BATCH]
LENGTHS = [1, 2, 3, 10, 15, 16, 17, 31, 64, 65, 768, BLOCK - 1, BLOCK + 1, 2 * BLOCK + 5]


@pytest.fixture
def three_threads():
    before = thread_count()
    set_thread_count(3)
    yield
    set_thread_count(before)


def normal(shape, dtype):
    return (2 * generator.normal(size=shape) + 1).astype(dtype)


def arguments(name, shape, dtype, weights=(True, True)):
    """What the kernel takes before its axis."""
    gamma, beta = (normal(shape[-1], dtype) if is_there else None for is_there in weights)
    arrays = [normal(shape, dtype) for _ in range(2 if name not in (LAYER[0], BATCH[0]) else 1)]
    if name == BATCH[1]:
        x = arrays[1].reshape(-1, shape[-1])
        arrays += [x.mean(axis=0), x.var(axis=0)]
    return [arrays[0], *arrays[1:], gamma, beta] if name != RESIDUAL[1] else [*arrays, gamma, beta]


def expected_of(name, arrays, *options):
    """NumPy's result in float64."""
    wide = [None if a is None else np.asarray(a, float) for a in arrays]
    options = [o.astype(float) if isinstance(o, np.ndarray) else o for o in options]
    return getattr(numpy_kernels, name)(*wide, *options)


def assert_right(name, arrays, *options, least=1):
    found = getattr(numba_kernels, name)(*arrays, *options)
    dtype = arrays[0].dtype.newbyteorder("=").type
    assert_near(found, expected_of(name, arrays, *options), dtype, least)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_is_that_of_the_reference(name):
    ours, reference = getattr(numba_kernels, name), getattr(numpy_kernels, name)
    assert inspect.signature(ours) == inspect.signature(reference)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_length_of_a_row(name, length, dtype):
    for rows in (2, 3, 17):
        assert_right(name, arguments(name, (rows, length), dtype), -1, 0.1, least=10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, ROWS - 1, ROWS, ROWS + 1, 5 * ROWS + 3])
@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_rows(name, rows, dtype):
    assert_right(name, arguments(name, (rows, 20), dtype), -1, 0.1, least=10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [9, 768])
@pytest.mark.parametrize("name", NAMES)
def test_parts_and_any_number_of_threads(name, length, dtype, three_threads):
    for rows in (PART // length + 1, 2 * (PART // length) + 7):
        arrays = arguments(name, (rows, length), dtype)
        set_thread_count(3)
        found = assert_right(name, arrays, -1, 0.1, least=100)
        set_thread_count(1)
        again = getattr(numba_kernels, name)(*arrays, -1, 0.1)
        for one, other in zip(as_tuple(found), as_tuple(again), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [10, 1e4, 1e18])
@pytest.mark.parametrize("length", [129, 768, 1023, 1031, 2 * BLOCK + 5])
@pytest.mark.parametrize("name", LAYER)
def test_a_row_that_begins_unlike_its_rest(name, length, step, dtype):
    *others, gamma, beta = arguments(name, (3, length), dtype)
    others[-1][:, SOME:] += dtype(step)
    assert_right(name, [*others, gamma, beta], -1, 0.1)


@pytest.mark.parametrize("weights", [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("name", NAMES)
def test_without_gamma_or_beta(name, weights):
    assert_right(name, arguments(name, (5, 7), np.float32, weights))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RESIDUAL[1:])
def test_a_sum_that_goes_on(name, dtype):
    shape = (ROWS + 3, 33)
    assert_right(name, arguments(name, shape, dtype), -1, 0.1, normal(shape, dtype), least=10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [-1, 1])
def test_statistics_of_the_batch_that_something_used(axis, dtype):
    arrays = arguments(BATCH[1], (40, 33), dtype)
    used = normal(33, dtype), normal(33, dtype)
    assert_right(BATCH[1], arrays, axis, 0.1, *used, least=10)
    assert_right(BATCH[1], arrays, axis, 0.1, None, used[1], least=10)


@pytest.mark.parametrize("name", [*LAYER, *RESIDUAL])
@pytest.mark.parametrize(
    ("axis", "gamma", "beta"),
    [
        ((1, 2), (3, 4), (3, 4)),
        ((-1, -2), (3, 4), None),
        ((0, 1, 2), (2, 3, 4), (2, 3, 4)),
        (2, (4,), (4,)),
        (2, (1, 1, 4), (1, 4)),
        (-1, (3, 4), (4,)),
        (-1, (), (1,)),
        (1, (3, 1), (3, 1)),
        ((0, 2), None, (4,)),
    ],
)
def test_every_axis(name, axis, gamma, beta):
    arrays = arguments(name, (2, 3, 4), np.float64)[:-2]
    weights = [None if shape is None else normal(shape, np.float64) for shape in (gamma, beta)]
    assert_right(name, [*arrays, *weights], axis)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4)])
@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_axes(name, shape):
    assert_right(name, arguments(name, shape, np.float64), -1, 0.1)
    assert_right(name, arguments(name, shape, np.float64), len(shape) - 1, 0.1)


@pytest.mark.parametrize("name", BATCH)
def test_channels_in_front(name):
    arrays = arguments(name, (3, 4, 3), np.float64)
    if name == BATCH[1]:
        arrays[2:4] = arrays[1].mean(axis=(1, 2)), arrays[1].var(axis=(1, 2))
    assert_right(name, arrays, 0)


@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name):
    arrays = arguments(name, (4, 5), np.float32)
    expected = expected_of(name, arrays)
    ways = [layouts(array) for array in arrays]
    ways[1:] = [way[::-1] for way in ways[1:]]
    for way in zip(*ways, strict=True):
        found = unchanged(getattr(numba_kernels, name), *way)
        assert_near(found, expected, np.float32, least=1)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_another_dtype(name):
    arrays = arguments(name, (4, 5), np.float32)
    arrays[-2:] = [weights.astype(np.float64) for weights in arrays[-2:]]
    assert_right(name, arrays)


@pytest.mark.parametrize("name", NAMES)
def test_float16_is_numpys(name):
    arrays = arguments(name, (4, 5), np.float16)
    found, expected = getattr(numba_kernels, name)(*arrays), getattr(numpy_kernels, name)(*arrays)
    for one, other in zip(as_tuple(found), as_tuple(expected), strict=True):
        assert one.dtype == np.float16
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_no_samples(name):
    empty, weights = np.zeros((0, 3), np.float32), np.ones(3, np.float32)
    arrays = (empty,) if name in (LAYER[0], BATCH[0]) else (empty, empty)
    statistics = (weights, weights) if name == BATCH[1] else ()
    with np.errstate(invalid="ignore"):  # the mean of nothing
        found = getattr(numba_kernels, name)(*arrays, *statistics, weights, weights)
    assert (found if name == LAYER[0] else found[0]).shape == (0, 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_large_mean_leaves_the_variance_exact(dtype):
    small = generator.normal(size=(300, 20)).astype(dtype)
    x = (small + 1000).astype(dtype)
    expected = expected_of("batch_normalization", [x])
    _, mean, variance = numba_kernels.batch_normalization(x)
    tolerance = 1e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(mean, expected[1], tolerance / 10)
    np.testing.assert_allclose(variance, expected[2], tolerance)
    offset = 1e-4 if dtype == np.float32 else 3e-11  # of the mean, rounded
    y = numba_kernels.layer_normalization(x)
    np.testing.assert_allclose(y, expected_of("layer_normalization", [x]), 0, offset)
    g, weights = (np.flip(small) + 100).astype(dtype), np.ones(20, dtype)
    found = numba_kernels.layer_normalization_gradient(g, x, weights)
    expected = expected_of("layer_normalization_gradient", [g, x, weights])
    np.testing.assert_allclose(found[0], expected[0], 0, 10 * offset)
    np.testing.assert_allclose(found[1], expected[1], 0, 100 * 300**0.5 * offset)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38, 1e-40])
@pytest.mark.parametrize("name", ["layer_normalization", "batch_normalization"])
def test_edge_values(name, value):
    x = np.tile(np.arange(20, dtype=np.float32), (20, 1))
    x[3, 5] = value
    found = getattr(numba_kernels, name)(x)
    with np.errstate(all="ignore"):
        expected = getattr(numpy_kernels, name)(x)
    for one, other in zip(as_tuple(found), as_tuple(expected), strict=True):
        np.testing.assert_allclose(one, other, 2e-6, 2e-6)
