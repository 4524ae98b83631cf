"""Pooling on the GPU against NumPy's in float64, and against PyTorch."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import pooling as reference
from nnscratch_kernels.windows import window_axes
from tests.gpu.on_device import assert_near, layouts, run
from tests.kernels.convolution_cases import POOLINGS

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 1e-14}
CASES = [
    *POOLINGS,
    ((3, 17, 33, 1), 2, None, "same"),
    ((3, 17, 9, 17), 3, 2, "same"),
    ((1, 3, 4, 130), 3, 1, "same"),
    ((2, 9, 8, 3), (7, 5), (2, 1), "same"),
    ((2, 8, 9, 33), (8, 9), None, "valid"),
    ((2, 13, 11, 2), (2, 3), (5, 4), "same"),
]
generator = np.random.default_rng(0)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def kernels(cupy):
    return importlib.import_module("nnscratch_kernels.cupy_kernels.pooling")


@pytest.fixture
def without_reference(kernels, monkeypatch):
    """Nothing is left to the NumPy twin."""
    monkeypatch.setattr(kernels, "numpy_twin", None)


def arrays(shape, size, strides, padding, dtype):
    """Images and a gradient of the result."""
    rows, columns = window_axes("test", shape, size, strides or size, padding)
    of_g = shape[0], rows.positions, columns.positions, shape[3]
    return [generator.normal(size=one).astype(dtype) for one in (shape, of_g)]


def all_four(pool, x, g, *options):
    """Both poolings and their gradients, by the functions of a module."""
    return (
        pool.max_pool2d(x, *options),
        pool.max_pool2d_gradient(g, x, *options),
        pool.average_pool2d(x, *options),
        pool.average_pool2d_gradient(g, x.shape, *options),
    )


def by_pytorch(x, g, size, strides, padding):
    """The same in double precision; a mean is a sum over the image by the size of the window."""
    rows, columns = window_axes("test", x.shape, size, strides or size, padding)
    window, steps = (rows.size, columns.size), (rows.stride, columns.stride)
    margins = (columns.before, columns.after, rows.before, rows.after)
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    g = torch.tensor(g, dtype=torch.float64)

    def slid(pool, images, fill, **options):
        padded = torch.nn.functional.pad(images.permute(0, 3, 1, 2), margins, value=fill)
        return pool(padded, window, steps, **options).permute(0, 2, 3, 1)

    def sums(images):
        return slid(torch.nn.functional.avg_pool2d, images, 0.0, divisor_override=1)

    results = []
    for y in (
        slid(torch.nn.functional.max_pool2d, x, -np.inf),
        sums(x) / sums(torch.ones_like(x)),
    ):
        results += [y.detach().numpy(), torch.autograd.grad(y, x, g)[0].numpy()]
    return tuple(results)


@pytest.mark.usefixtures("without_reference")
@every_dtype
@every_case
def test_values_and_gradients(cupy, kernels, case, dtype):
    given = arrays(*case, dtype)
    found = run(cupy, lambda *those: all_four(kernels, *those, *case[1:]), *given)
    assert all(one.dtype == dtype for one in found)
    expected = all_four(reference, *(one.astype(float) for one in given), *case[1:])
    np.testing.assert_array_equal(found[0], expected[0])
    assert_near(found, expected, TOLERANCE[dtype])
    assert_near(found, by_pytorch(*given, *case[1:]), TOLERANCE[dtype])


@every_case
def test_of_equal_elements_the_first_gets_the_gradient_and_nan_before_all(cupy, kernels, case):
    x, g = arrays(*case, np.float64)
    x, g = np.round(x), np.round(8 * g)  # sums of integers are exact
    x[0, ::3, ::2], x[-1, ::2] = np.nan, -np.inf
    x[:, -1, -1] = np.inf
    found = run(cupy, kernels.max_pool2d, x, *case[1:])
    np.testing.assert_array_equal(found, reference.max_pool2d(x, *case[1:]))
    gradient = run(cupy, kernels.max_pool2d_gradient, g, x, *case[1:])
    np.testing.assert_array_equal(gradient, reference.max_pool2d_gradient(g, x, *case[1:]))


def test_a_gradient_that_is_not_finite_goes_to_the_largest_alone(cupy, kernels):
    x, g = np.arange(16.0).reshape(1, 4, 4, 1), np.ones((1, 2, 2, 1))
    g[0, 0, 0], g[0, 1, 1] = np.nan, np.inf
    expected = np.zeros((4, 4))
    expected[1, 1], expected[1, 3], expected[3, 1], expected[3, 3] = np.nan, 1, 1, np.inf
    found = run(cupy, kernels.max_pool2d_gradient, g, x)
    np.testing.assert_array_equal(found[0, :, :, 0], expected)


@every_case
def test_a_small_grid_gives_the_same_bits(cupy, kernels, case, monkeypatch):
    """Few threads, each of which goes from place to place."""
    from nnscratch_kernels.cupy_kernels import sliding

    given = arrays((5, *case[0][1:]), *case[1:], np.float32)
    every = run(cupy, lambda *those: all_four(kernels, *those, *case[1:]), *given)
    monkeypatch.setattr(sliding, "MOST_BLOCKS", 1)
    again = run(cupy, lambda *those: all_four(kernels, *those, *case[1:]), *given)
    for one, other in zip(every, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", [CASES[3], CASES[5]], ids=str)
def test_layouts(cupy, kernels, case):
    given = arrays(*case, np.float64)
    expected = all_four(reference, *given, *case[1:])
    for those in zip(*(layouts(cupy, one) for one in given), strict=True):
        found = run(cupy, lambda *those: all_four(kernels, *those, *case[1:]), *those)
        assert_near(found, expected, 1e-14)


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (2, 4, 4, 0)], ids=str)
def test_nothing(cupy, kernels, shape):
    given = arrays(shape, 2, None, "valid", np.float32)
    found = run(cupy, lambda *those: all_four(kernels, *those), *given)
    assert [one.shape for one in found] == [given[1].shape, shape, given[1].shape, shape]


def test_the_result_is_an_array_of_its_own(cupy, kernels):
    x = cupy.zeros((1, 2, 2, 1))
    kernels.max_pool2d(x, 1)[:] = 1
    kernels.average_pool2d(x, 1)[:] = 1
    assert not x.get().any()


def test_float16_is_computed_by_the_reference(cupy, kernels):
    case = CASES[3]
    given = arrays(*case, np.float16)
    found = run(cupy, lambda *those: all_four(kernels, *those, *case[1:]), *given)
    assert all(one.dtype == np.float16 for one in found)
    assert_near(found, by_pytorch(*given, *case[1:]), TOLERANCE[np.float16])


def test_a_window_with_too_many_taps_is_left_to_the_reference(cupy, kernels, monkeypatch):
    x, g = arrays(*CASES[3], np.float64)
    expected = reference.max_pool2d_gradient(g, x, *CASES[3][1:])
    for most in (8, 9):  # the window has nine
        monkeypatch.setattr(kernels, "MOST_TAPS", most)
        assert_near(run(cupy, kernels.max_pool2d_gradient, g, x, *CASES[3][1:]), expected, 1e-14)


def test_the_last_tap_of_the_largest_window(cupy, kernels):
    x, g = np.zeros((1, 256, 256, 1), np.float32), np.ones((1, 1, 1, 1), np.float32)
    x[0, -1, -1] = 1
    assert x.size == kernels.MOST_TAPS
    np.testing.assert_array_equal(run(cupy, kernels.max_pool2d_gradient, g, x, 256), x)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda it, x: it.max_pool2d(x[0]), "max_pool2d takes images of shape .*: give 4 axes"),
        (lambda it, x: it.average_pool2d(x, 5), r"window of \(5, 5\) .* in which it does not fit"),
        (lambda it, x: it.max_pool2d(x, padding="SAME"), "\"same\", got 'SAME'"),
        (lambda it, x: it.max_pool2d_gradient(x, x), "max_pool2d_gradient takes an array of the"),
        (lambda it, x: it.average_pool2d_gradient(x, x.shape), "average_pool2d_gradient takes an"),
    ],
)
def test_refused(cupy, kernels, call, words):
    with pytest.raises(ValueError, match=words):
        call(kernels, cupy.zeros((1, 4, 4, 3)))
