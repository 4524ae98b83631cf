"""Convolution, im2col and col2im on the GPU against NumPy's in float64, and against PyTorch."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import convolution as reference
from nnscratch_kernels.windows import window_axes
from tests.gpu.on_device import assert_near, layouts, run
from tests.kernels.convolution_cases import CONVOLUTIONS

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float16: 2e-2, np.float32: 4e-6, np.float64: 1e-14}
CASES = [
    *CONVOLUTIONS,
    ((1, 5, 6, 130), (3, 3, 130, 3), 1, "same", 1),  # a window for several blocks of threads
    ((3, 17, 33, 1), (3, 3, 1, 17), 1, "same", 1),
    ((2, 17, 15, 3), (3, 3, 3, 2), (4, 6), "same", (2, 4)),  # taps that share no factor, and do
    ((2, 17, 15, 3), (3, 4, 3, 2), (2, 3), "valid", (3, 2)),
    ((5, 9, 2, 3), (1, 1, 3, 4), 3, "same", 2),
]
generator = np.random.default_rng(0)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def kernels(cupy):
    return importlib.import_module("nnscratch_kernels.cupy_kernels.convolution")


@pytest.fixture
def without_reference(kernels, monkeypatch):
    """Nothing is left to the NumPy twin."""
    monkeypatch.setattr(kernels, "numpy_twin", None)


def arrays(shape, kernel_shape, strides, padding, dilation, dtype):
    """Images, a kernel, and a gradient of the result."""
    rows, columns = window_axes("test", shape, kernel_shape[:2], strides, padding, dilation)
    of_g = shape[0], rows.positions, columns.positions, kernel_shape[3]
    return [generator.normal(size=one).astype(dtype) for one in (shape, kernel_shape, of_g)]


def all_three(convolve, x, kernel, g, *options):
    """A convolution and its gradients, by the functions of a module."""
    return (
        convolve.conv2d(x, kernel, *options),
        convolve.conv2d_gradient_x(g, kernel, x.shape, *options),
        convolve.conv2d_gradient_kernel(g, x, kernel.shape[:2], *options),
    )


def by_pytorch(x, kernel, g, strides, padding, dilation):
    """The same in double precision."""
    rows, columns = window_axes("test", x.shape, kernel.shape[:2], strides, padding, dilation)
    x, kernel = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (x, kernel))
    margins = (0, 0, columns.before, columns.after, rows.before, rows.after)
    images = torch.nn.functional.pad(x, margins).permute(0, 3, 1, 2)
    steps = {"stride": strides, "dilation": dilation}
    y = torch.nn.functional.conv2d(images, kernel.permute(3, 2, 0, 1), **steps)
    y = y.permute(0, 2, 3, 1)
    gradients = torch.autograd.grad(y, (x, kernel), torch.tensor(g).double())
    return y.detach().numpy(), *(one.numpy() for one in gradients)


@pytest.mark.usefixtures("without_reference")
@every_dtype
@every_case
def test_values_and_gradients(cupy, kernels, case, dtype):
    given = arrays(*case, dtype)
    found = run(cupy, lambda *those: all_three(kernels, *those, *case[2:]), *given)
    assert all(one.dtype == dtype for one in found)
    expected = all_three(reference, *(one.astype(float) for one in given), *case[2:])
    assert_near(found, expected, TOLERANCE[dtype])
    assert_near(found, by_pytorch(*given, *case[2:]), TOLERANCE[dtype])


@every_dtype
@every_case
def test_im2col_and_col2im_are_the_references_bit_by_bit(cupy, kernels, case, dtype):
    shape, (*size, _, _), *options = case
    x = generator.normal(size=shape).astype(dtype)
    columns = run(cupy, kernels.im2col, x, size, *options)
    np.testing.assert_array_equal(columns, reference.im2col(x, size, *options))
    columns = generator.normal(size=columns.shape).astype(dtype)
    images = run(cupy, kernels.col2im, columns, shape, size, *options)
    np.testing.assert_array_equal(images, reference.col2im(columns, shape, size, *options))
    assert images.dtype == columns.dtype == dtype


@pytest.mark.parametrize("case", [CASES[3], CASES[8], CASES[-2]], ids=str)
def test_layouts(cupy, kernels, case):
    given = arrays(*case, np.float64)
    expected = all_three(reference, *given, *case[2:])
    size = case[1][:2]
    columns = reference.im2col(given[0], size, *case[2:])
    for those in zip(*(layouts(cupy, one) for one in given), strict=True):
        found = run(cupy, lambda *those: all_three(kernels, *those, *case[2:]), *those)
        assert_near(found, expected, 1e-13)
        seen = run(cupy, kernels.im2col, those[0], size, *case[2:])
        np.testing.assert_array_equal(seen, columns)
    images = reference.col2im(columns, case[0], size, *case[2:])
    for those in layouts(cupy, columns):
        found = run(cupy, kernels.col2im, those, case[0], size, *case[2:])
        np.testing.assert_array_equal(found, images)


@every_case
def test_a_small_grid_gives_the_same_bits(cupy, kernels, case, monkeypatch):
    """Few threads, each of which goes from place to place."""
    from nnscratch_kernels.cupy_kernels import sliding

    shape, (*size, _, _), *options = case
    x = generator.normal(size=(4, *shape[1:])).astype(np.float32)
    columns = run(cupy, kernels.im2col, x, size, *options)
    images = run(cupy, kernels.col2im, columns, x.shape, size, *options)
    monkeypatch.setattr(sliding, "MOST_BLOCKS", 1)
    np.testing.assert_array_equal(run(cupy, kernels.im2col, x, size, *options), columns)
    again = run(cupy, kernels.col2im, columns, x.shape, size, *options)
    np.testing.assert_array_equal(again, images)


@pytest.mark.parametrize("most", [1, 700, 1 << 26])
def test_a_batch_that_is_taken_in_several_parts(cupy, kernels, most, monkeypatch):
    case = ((5, 4, 6, 3), (3, 2, 3, 4), 1, "same", 1)
    given = arrays(*case, np.float64)
    monkeypatch.setattr(kernels, "MOST_COLUMNS", most)
    found = run(cupy, lambda *those: all_three(kernels, *those, *case[2:]), *given)
    assert_near(found, all_three(reference, *given, *case[2:]), 1e-14)


def test_im2col_gives_an_array_of_its_own(cupy, kernels):
    x = cupy.zeros((1, 2, 2, 1))
    kernels.im2col(x, 1)[:] = 1
    assert not x.get().any()


@pytest.mark.parametrize("shape", [(0, 5, 5, 3), (2, 5, 5, 0)], ids=str)
@pytest.mark.parametrize("outputs", [0, 4])
@pytest.mark.parametrize("size", [1, 3])
def test_nothing(cupy, kernels, shape, outputs, size):
    case = (shape, (size, size, shape[3], outputs), 1, "valid", 1)
    given = arrays(*case, np.float32)
    found = run(cupy, lambda *those: all_three(kernels, *those, *case[2:]), *given)
    for one, other in zip(found, all_three(reference, *given, *case[2:]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_finite_goes_where_its_windows_are(cupy, kernels):
    x, kernel = np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 2))
    x[0, 0, 0, 0], x[0, 4, 4, 0] = np.nan, np.inf
    expected = np.full((1, 3, 3, 2), 9.0)
    expected[0, 0, 0], expected[0, 2, 2] = np.nan, np.inf
    np.testing.assert_array_equal(run(cupy, kernels.conv2d, x, kernel), expected)


def test_float16_is_computed_by_the_reference(cupy, kernels):
    case = CASES[3]
    given = arrays(*case, np.float16)
    found = run(cupy, lambda *those: all_three(kernels, *those, *case[2:]), *given)
    assert all(one.dtype == np.float16 for one in found)
    assert_near(found, by_pytorch(*given, *case[2:]), TOLERANCE[np.float16])
    size, x = case[1][:2], given[0]
    columns = run(cupy, kernels.im2col, x, size, *case[2:])
    np.testing.assert_array_equal(columns, reference.im2col(x, size, *case[2:]))
    images = run(cupy, kernels.col2im, columns, x.shape, size, *case[2:])
    assert_near(images, reference.col2im(columns, x.shape, size, *case[2:]), 2e-3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda it, x, k: it.conv2d(x[0], k), "conv2d takes images of shape .*give 4 axes"),
        (lambda it, x, k: it.conv2d(x, k[:, :, :2]), r"kernels of shape .*, got \(3, 3, 2, 2"),
        (lambda it, x, k: it.conv2d(x, k, padding="full"), '"valid" or "same", got \'full\''),
        (lambda it, x, k: it.conv2d(x, k, dilation_rate=2), "in which it does not fit"),
        (lambda it, x, k: it.conv2d_gradient_x(x, k, x.shape), "gradient_x takes .* of"),
        (lambda it, x, k: it.conv2d_gradient_kernel(x, x, 3), "gradient_kernel takes .*shape"),
        (lambda it, x, k: it.col2im(x, x.shape, 3), "col2im takes an array of the shape"),
        (
            lambda it, x, k: it.im2col(x, 3, 1, "same", 1 << 30),
            r"im2col on a GPU takes images and windows of less than 2\*\*31",
        ),
    ],
)
def test_refused(cupy, kernels, call, words):
    with pytest.raises(ValueError, match=words):
        call(kernels, cupy.zeros((1, 4, 4, 3)), cupy.zeros((3, 3, 3, 2)))
