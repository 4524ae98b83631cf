"""Any layout, size and dtype on the way into a compiled loop and back, shown on three kernels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import nnscratch_kernels.numba_kernels.elementwise as elementwise
from nnscratch_kernels import set_thread_count, thread_count
from tests.kernels.numba.elementwise_checks import PART_SIZES, SIZES, assert_close, both, layouts

DTYPES = [np.float32, np.float64]


@pytest.fixture
def usual_number_of_threads():
    before = thread_count()
    yield
    set_thread_count(before)


def numbers(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_of_one_array(dtype):
    kernel, twin = both("silu")
    x = numbers((3, 4, 5), dtype)
    expected = twin(x)
    for array in layouts(x):
        before = array.copy()
        y = kernel(array)
        assert y.dtype == dtype
        assert y.flags.writeable
        assert_close(y, expected)
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_of_three_arrays(dtype):
    """Each argument in each layout, so that elements would be mixed up by a ravel of one."""
    kernel, twin = both("squareplus_gradient")
    g, x, y = (numbers((3, 4, 5), dtype, seed) for seed in range(3))
    expected = twin(g, x, y)
    for arguments in product(layouts(g), layouts(x), layouts(y)):
        assert_close(kernel(*arguments), expected)


def test_fortran_order_stays():
    kernel, _ = both("silu")
    assert kernel(np.asfortranarray(numbers((3, 4)))).flags.f_contiguous
    assert kernel(numbers((3, 4))).flags.c_contiguous


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES + PART_SIZES)
def test_sizes(size, dtype):
    kernel, twin = both("silu")
    x = numbers(size, dtype)
    assert_close(kernel(x), twin(x))


@pytest.mark.parametrize("size", PART_SIZES)
def test_the_same_bits_with_any_number_of_threads(usual_number_of_threads, size):
    kernel, _ = both("silu")
    x = numbers(size, np.float32)
    results = []
    for count in (1, 2, 5):
        set_thread_count(count)
        results.append(kernel(x))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_numbers():
    """A 0-dimensional array gives a number, as NumPy's functions do; a number goes to NumPy."""
    kernel, twin = both("silu")
    x = np.float32(0.7)
    for argument in (np.array(x), x):
        y = kernel(argument)
        assert isinstance(y, np.float32)
        np.testing.assert_allclose(y, twin(x), rtol=1e-6)
    assert kernel(0.7) == twin(0.7)


def test_empty():
    kernel, _ = both("silu")
    assert kernel(np.zeros((3, 0, 2), np.float32)).shape == (3, 0, 2)


@pytest.mark.parametrize("dtype", [np.float16, ">f4", ">f8", np.int64])
def test_other_dtypes_are_for_numpy(dtype):
    kernel, twin = both("silu")
    x = (4 * numbers(20)).astype(dtype)
    y, expected = kernel(x), twin(x)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)


def test_shapes_that_must_be_broadcast_are_for_numpy():
    kernel, twin = both("silu_gradient")
    g, x = numbers((4, 1)), numbers(3)
    np.testing.assert_array_equal(kernel(g, x, None), twin(g, x, None))
    np.testing.assert_array_equal(
        kernel(g.astype(np.float32), g, None), twin(g.astype(np.float32), g, None)
    )


def test_a_broadcast_array_and_a_subclass():
    kernel, twin = both("silu")
    wide = np.broadcast_to(numbers((4, 1)), (4, 3))
    assert_close(kernel(wide), twin(wide))

    class Named(np.ndarray):
        pass

    assert_close(np.asarray(kernel(numbers(5).view(Named))), twin(numbers(5)))


def test_arrays_that_loops_take():
    x = numbers((2, 3))
    assert elementwise.can_compile(x)
    assert elementwise.can_compile(x, x)
    assert not elementwise.can_compile(x, x.astype(np.float32))
    assert not elementwise.can_compile(x, x[0])
    assert not elementwise.can_compile(x, None)
    assert not elementwise.can_compile(1.0)
    assert not elementwise.can_compile(x.astype(np.float16))
