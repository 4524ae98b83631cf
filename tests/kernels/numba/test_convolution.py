"""Numba's convolutions against NumPy's in double precision, and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import threads
from nnscratch_kernels.numba_kernels import convolution as kernels
from nnscratch_kernels.numba_kernels.register_tiles import ROWS, VECTORS, lanes
from nnscratch_kernels.numpy_kernels import convolution as reference
from tests.kernels.array_layouts import layouts, unchanged
from tests.kernels.convolution_cases import CONVOLUTIONS

generator = np.random.default_rng(0)
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}
WIDEST = VECTORS[-1] * lanes(np.dtype(np.float32))


def arrays(shape, kernel_shape, strides, padding, dilation, dtype):
    x = generator.normal(size=shape)
    kernel = generator.normal(size=kernel_shape)
    g = generator.normal(size=reference.conv2d(x, kernel, strides, padding, dilation).shape)
    return x.astype(dtype), kernel.astype(dtype), g.astype(dtype)


def all_three(module, x, kernel, g, shape, size, options):
    return (
        unchanged(module.conv2d, x, kernel, *options),
        unchanged(module.conv2d_gradient_x, g, kernel, shape, *options),
        unchanged(module.conv2d_gradient_kernel, g, x, size, *options),
    )


def assert_as_numpy(case, dtype, *, change=lambda array: array):
    shape, kernel_shape, *options = case
    given = arrays(*case, dtype)
    found = all_three(kernels, *map(change, given), shape, kernel_shape[:2], options)
    exact = (array.astype(np.float64) for array in given)
    expected = all_three(reference, *exact, shape, kernel_shape[:2], options)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype.newbyteorder("=") == dtype
        assert one.flags.c_contiguous
        assert one.flags.writeable
        scale = np.abs(other).max(initial=0)
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_values_and_gradients_are_numpys(case, dtype):
    assert_as_numpy(case, dtype)


@pytest.mark.parametrize("outputs", [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 130])
def test_channels_around_the_widths_of_a_tile(outputs):
    assert_as_numpy(((2, 4, 5, 3), (3, 2, 3, outputs), 1, "same", 1), np.float32)
    assert_as_numpy(((2, 4, 5, outputs), (3, 2, outputs, 3), 1, "same", 1), np.float32)


@pytest.mark.parametrize("width", [1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 1])
def test_windows_around_the_rows_of_a_tile(width):
    assert_as_numpy(((2, 1, width, 2), (1, 1, 2, 3), 1, "valid", 1), np.float32)


@pytest.mark.parametrize("taps", [1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 1])
def test_weights_around_the_rows_of_a_tile(taps):
    assert_as_numpy(((2, 1, 15, 1), (1, taps, 1, 3), 1, "same", 1), np.float32)


def test_a_batch_in_parts_is_the_same_with_any_number_of_threads():
    shape, kernel_shape = (67, 8, 8, 32), (3, 3, 32, 40)
    x, kernel, g = arrays(shape, kernel_shape, 1, "same", 1, np.float32)
    operations = 2 * 8 * 8 * 9 * 32 * 40
    assert kernels._grain(operations) < 67 // 4  # so there are several parts
    before = threads.thread_count()
    results = []
    try:
        for count in (1, 2, 3):
            threads.set_thread_count(count)
            results.append(all_three(kernels, x, kernel, g, shape, (3, 3), (1, "same")))
    finally:
        threads.set_thread_count(before)
    exact = (array.astype(np.float64) for array in (x, kernel, g))
    expected = all_three(reference, *exact, shape, (3, 3), (1, "same"))
    for first, second, third, other in zip(*results, expected, strict=True):
        np.testing.assert_array_equal(second, first)
        np.testing.assert_array_equal(third, first)
        np.testing.assert_allclose(first, other, atol=2e-6 * np.abs(other).max())


@pytest.mark.parametrize("which", range(6), ids=["C", "F", "strided", "flipped", "fixed", "other"])
def test_layouts(which):
    assert_as_numpy(CONVOLUTIONS[1], np.float64, change=lambda array: layouts(array)[which])


def test_arrays_that_are_not_aligned():
    def shifted(array):
        memory = np.empty(array.nbytes + 1, np.uint8)
        copy = memory[1:].view(array.dtype).reshape(array.shape)
        copy[...] = array
        assert not copy.flags.aligned
        return copy

    assert_as_numpy(CONVOLUTIONS[0], np.float64, change=shifted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_as_in_training_are_pytorchs(dtype):
    x, kernel, g = arrays((4, 16, 16, 24), (3, 3, 24, 48), 2, "same", 1, dtype)
    tensors = [torch.tensor(one).double() for one in (x, kernel, g)]
    image, weights = (one.requires_grad_() for one in tensors[:2])
    padded = torch.nn.functional.pad(image.permute(0, 3, 1, 2), (0, 1, 0, 1))
    y = torch.nn.functional.conv2d(padded, weights.permute(3, 2, 0, 1), stride=2)
    y = y.permute(0, 2, 3, 1)
    expected = (y.detach(), *torch.autograd.grad(y, (image, weights), tensors[2]))
    found = all_three(kernels, x, kernel, g, x.shape, 3, (2, "same"))
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max())
        np.testing.assert_allclose(one, other.numpy(), atol=TOLERANCE[dtype] * scale)


def test_what_is_not_finite_goes_where_its_windows_are():
    x, kernel = np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 2))
    x[0, 0, 0, 0], x[0, 4, 4, 0] = np.nan, np.inf
    y = kernels.conv2d(x, kernel)
    np.testing.assert_array_equal(y, reference.conv2d(x, kernel))
    g = np.ones(y.shape)
    g[0, 0, 0, 0], g[0, 2, 2, 1] = np.nan, -np.inf
    for name, other, extent in (
        ("conv2d_gradient_x", kernel, x.shape),
        ("conv2d_gradient_kernel", np.ones(x.shape), 3),
    ):
        found = getattr(kernels, name)(g, other, extent)
        np.testing.assert_array_equal(found, getattr(reference, name)(g, other, extent))


def test_tiny_and_huge_numbers():
    x = np.array([1e-40, 1e-45, 3e38, 1.0], np.float32).reshape(1, 2, 2, 1)
    kernel = np.array([1.0, 2.0], np.float32).reshape(1, 1, 1, 2)
    with np.errstate(over="ignore"):
        expected = x * kernel[0, 0]
    np.testing.assert_array_equal(kernels.conv2d(x, kernel), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(0, 5, 5, 3), (2, 5, 5, 0), (2, 5, 5, 3)], ids=str)
@pytest.mark.parametrize("outputs", [0, 4])
def test_what_numpy_does(shape, outputs, dtype):
    """Nothing, and half precision."""
    x = generator.normal(size=shape).astype(dtype)
    kernel = generator.normal(size=(3, 3, shape[3], outputs)).astype(dtype)
    g = generator.normal(size=(shape[0], 3, 3, outputs)).astype(dtype)
    found = all_three(kernels, x, kernel, g, shape, 3, ())
    for one, other in zip(found, all_three(reference, x, kernel, g, shape, 3, ()), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: kernels.conv2d(x, np.ones((3, 3, 2, 2))), "^conv2d takes kernels of shape"),
        (lambda x: kernels.conv2d(x, np.ones((5, 5, 3, 2))), "in which it does not fit"),
        (lambda x: kernels.conv2d_gradient_x(x, np.ones((3, 3, 3, 2)), x.shape), "^conv2d_gradie"),
        (lambda x: kernels.conv2d_gradient_kernel(x, x, 3), "^conv2d_gradient_kernel takes an"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.zeros((1, 4, 4, 3)))
