"""Softmax, log-softmax and their gradients in Numba: NumPy's results in float64, for every size."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from nnscratch_kernels import numba_kernels, numpy_kernels, set_thread_count, thread_count
from nnscratch_kernels.numba_kernels.rows import BLOCK, PART, SHORT_ROW
from nnscratch_kernels.numba_kernels.softmax_functions import VERY_SHORT_ROW
from tests.kernels.array_layouts import assert_near, layouts, unchanged

generator = np.random.default_rng(0)
NAMES = ["softmax", "log_softmax"]
DTYPES = [np.float32, np.float64]
LENGTHS = [
    1,
    2,
    3,
    10,
    15,
    16,
    17,
    31,
    64,
    65,
    1000,
    2 * BLOCK,
    3 * BLOCK + 5,
    BLOCK - 1,
    BLOCK + 1,
]
LENGTHS += [edge + i for edge in (VERY_SHORT_ROW, SHORT_ROW) for i in (-1, 0, 1)]


@pytest.fixture
def three_threads():
    before = thread_count()
    set_thread_count(3)
    yield
    set_thread_count(before)


def both(name, x, *axis):
    """Numba's result, and NumPy's in float64."""
    reference = getattr(numpy_kernels, name)(np.asarray(x, float), *axis)
    return getattr(numba_kernels, name)(x, *axis), reference


def both_gradients(name, g, x, *axis):
    """Numba's cotangent of x, and NumPy's in float64 of the same y."""
    y = getattr(numpy_kernels, name)(x, *axis)
    gradient = f"{name}_gradient"
    reference = getattr(numpy_kernels, gradient)(g.astype(float), y.astype(float), *axis)
    return getattr(numba_kernels, gradient)(g, y, *axis), reference


@pytest.mark.parametrize("name", [*NAMES, "softmax_gradient", "log_softmax_gradient"])
def test_the_signature_is_that_of_the_reference(name):
    ours, reference = getattr(numba_kernels, name), getattr(numpy_kernels, name)
    assert inspect.signature(ours) == inspect.signature(reference)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_length_of_a_row(name, length, dtype):
    for rows in (1, 3, BLOCK // length + 1):
        x = (4 * generator.normal(size=(rows, length))).astype(dtype)
        g = generator.normal(size=x.shape).astype(dtype)
        assert_near(*both(name, x), dtype)
        assert_near(*both_gradients(name, g, x), dtype, least=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [9, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_parts_and_any_number_of_threads(name, length, dtype, three_threads):
    part = PART // length
    for rows in (part, part + 1, 2 * part + 7):
        x = generator.normal(size=(rows, length)).astype(dtype)
        g = generator.normal(size=x.shape).astype(dtype)
        found, expected = both(name, x)
        assert_near(found, expected, dtype)
        gradient, expected = both_gradients(name, g, x)
        assert_near(gradient, expected, dtype, least=1)
    set_thread_count(1)
    np.testing.assert_array_equal(both(name, x)[0], found)
    np.testing.assert_array_equal(both_gradients(name, g, x)[0], gradient)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2, (1, 2), (0, 2), (-1, -2), (0, 1, 2), (), None])
@pytest.mark.parametrize("name", NAMES)
def test_every_axis(name, axis):
    x, g = generator.normal(size=(2, 3, 4, 5))[0], generator.normal(size=(3, 4, 5))
    assert_near(*both(name, x, axis), np.float64)
    assert_near(*both_gradients(name, g, x, axis), np.float64, least=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name, dtype):
    x = generator.normal(size=(4, 5)).astype(dtype)
    g = generator.normal(size=x.shape).astype(dtype)
    expected, of_x = both(name, x)[1], both_gradients(name, g, x)[1]
    y = expected.astype(dtype)
    for one in layouts(x):
        assert_near(unchanged(getattr(numba_kernels, name), one), expected, dtype)
    for one, other in zip(layouts(g), layouts(y)[::-1], strict=True):
        found = unchanged(getattr(numba_kernels, f"{name}_gradient"), one, other)
        assert_near(found, of_x, dtype, least=1)


@pytest.mark.parametrize("value", [0, 1, 2.5, np.float16(3), True])
@pytest.mark.parametrize("name", NAMES)
def test_other_dtypes_and_no_axis(name, value):
    x = np.array([value, value])
    found, expected = getattr(numba_kernels, name)(x), getattr(numpy_kernels, name)(x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, 1e-14)
    zero_dimensional = getattr(numba_kernels, name)(np.float64(value) * np.ones(()), None)
    assert zero_dimensional == getattr(numpy_kernels, name)(1.0, None)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
@pytest.mark.parametrize("name", NAMES)
def test_nothing(name, shape):
    x = np.zeros(shape, np.float32)
    with np.errstate(divide="ignore"):  # the logarithm of an empty sum
        assert getattr(numba_kernels, name)(x).shape == shape
    assert getattr(numba_kernels, f"{name}_gradient")(x, x).shape == shape


EDGES = [-np.inf, -3e38, -200, -1e-40, -0.0, 0.0, 1e-40, 80, 3e38, np.inf, np.nan, -np.nan]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [5, SHORT_ROW + 5])
@pytest.mark.parametrize("name", NAMES)
def test_edge_values(name, length, dtype):
    x = np.zeros((len(EDGES) ** 2, length))
    x[:, 0], x[:, -1] = np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES))
    x = np.concatenate([x, np.full((1, length), -np.inf), np.full((1, length), -1e30)])
    x = x.astype(dtype)
    expected = getattr(torch, name)(torch.tensor(x), -1).numpy()
    tolerance = 2e-6 if dtype == np.float32 else 2e-14
    np.testing.assert_allclose(getattr(numba_kernels, name)(x), expected, tolerance, 1e-37)
    with np.errstate(all="ignore"):
        reference = getattr(numpy_kernels, name)(x)
    np.testing.assert_allclose(getattr(numba_kernels, name)(x), reference, tolerance, 1e-37)


@pytest.mark.parametrize("length", [3, 500])
def test_a_large_shift_costs_no_digits(length):
    x = np.full((4, length), 1000, np.float32)  # whose neighbours are 6e-5 away
    x[:, 1] += [20, 16, 12, 8]
    expected = numpy_kernels.log_softmax(x.astype(float))
    np.testing.assert_allclose(numba_kernels.log_softmax(x)[:, 1], expected[:, 1], 1e-6, 1e-6)
