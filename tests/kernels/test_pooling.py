"""NumPy's poolings against Keras and PyTorch, whose gradients PyTorch finds."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import pooling as kernels
from nnscratch_kernels.windows import window_axes
from tests.kernels.array_layouts import layouts, unchanged
from tests.kernels.convolution_cases import POOLINGS

generator = np.random.default_rng(0)
TOLERANCE = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 1e-14}


def gradient(y, x, g):
    (found,) = torch.autograd.grad(y, x, torch.tensor(g).double())
    return found.numpy()


@pytest.mark.usefixtures("keras_in_double_precision")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", POOLINGS, ids=str)
def test_maxima_are_kerass(case, dtype):
    shape, *options = case
    count = int(np.prod(shape))
    x = (generator.permutation(count) - count / 2).reshape(shape).astype(dtype)  # no ties
    tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    expected = keras.ops.max_pool(tensor, *options, "channels_last")
    y = unchanged(kernels.max_pool2d, x, *options)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected.detach().numpy())
    g = generator.normal(size=y.shape).astype(dtype)
    of_x = unchanged(kernels.max_pool2d_gradient, g, x, *options)
    assert of_x.dtype == dtype
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(of_x, gradient(expected, tensor, g), atol=4 * tolerance)


@pytest.mark.usefixtures("keras_in_double_precision")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", POOLINGS, ids=str)
def test_means_are_those_of_the_image_alone(case, dtype):
    """With padding, PyTorch's sums over what the window has of the image, and its size there."""
    shape, size, strides, padding = case
    x = generator.normal(size=shape).astype(dtype)
    tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    rows, columns = window_axes("test", shape, size, strides or size, padding)
    margins = (0, 0, columns.before, columns.after, rows.before, rows.after)

    def sums(images):
        padded = torch.nn.functional.pad(images, margins).permute(0, 3, 1, 2)
        steps = (rows.stride, columns.stride)
        window = (rows.size, columns.size)
        sums = torch.nn.functional.avg_pool2d(padded, window, steps, divisor_override=1)
        return sums.permute(0, 2, 3, 1)

    expected = sums(tensor) / sums(torch.ones_like(tensor))
    if len(set(margins)) == 1 or padding == "valid":
        by_keras = keras.ops.average_pool(tensor, size, strides, padding, "channels_last")
        torch.testing.assert_close(expected, by_keras)
    tolerance = TOLERANCE[dtype]
    y = unchanged(kernels.average_pool2d, x, size, strides, padding)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=4 * tolerance)
    g = generator.normal(size=y.shape).astype(dtype)
    of_x = unchanged(kernels.average_pool2d_gradient, g, shape, size, strides, padding)
    assert of_x.dtype == dtype
    np.testing.assert_allclose(of_x, gradient(expected, tensor, g), atol=4 * tolerance)


def test_of_equal_elements_the_first_gets_the_gradient_and_nan_before_all():
    x = generator.integers(0, 3, size=(4, 7, 7, 3)).astype(np.float64)
    x[0, ::3, ::2], x[1] = np.nan, -np.inf
    x[2, ::2, ::2] = np.inf
    tensor = torch.tensor(x).permute(0, 3, 1, 2).requires_grad_()
    for stride, padding in ((1, "valid"), (2, "valid"), (1, "same")):
        y = torch.nn.functional.max_pool2d(tensor, 3, stride, padding=int(padding == "same"))
        found = kernels.max_pool2d(x, 3, stride, padding)
        np.testing.assert_array_equal(found, y.detach().permute(0, 2, 3, 1).numpy())
        g = generator.integers(1, 9, size=found.shape).astype(np.float64)
        of_x = gradient(y, tensor, g.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(kernels.max_pool2d_gradient(g, x, 3, stride, padding), of_x)


@pytest.mark.parametrize(
    "which", range(6), ids=["C", "F", "strided", "flipped", "fixed", "swapped"]
)
def test_layouts(which):
    shape, *options = POOLINGS[3]
    x = generator.normal(size=shape)
    g = generator.normal(size=kernels.max_pool2d(x, *options).shape)
    a, c = layouts(x)[which], layouts(g)[which]
    for found, expected in (
        (unchanged(kernels.max_pool2d, a, *options), kernels.max_pool2d(x, *options)),
        (unchanged(kernels.average_pool2d, a, *options), kernels.average_pool2d(x, *options)),
        (
            unchanged(kernels.max_pool2d_gradient, c, a, *options),
            kernels.max_pool2d_gradient(g, x, *options),
        ),
        (
            unchanged(kernels.average_pool2d_gradient, c, shape, *options),
            kernels.average_pool2d_gradient(g, shape, *options),
        ),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (2, 4, 4, 0)], ids=str)
def test_nothing(shape):
    x = np.zeros(shape, np.float32)
    y = kernels.max_pool2d(x)
    assert (y.shape, y.dtype) == ((shape[0], 2, 2, shape[3]), np.float32)
    assert kernels.average_pool2d(x).shape == y.shape
    assert kernels.max_pool2d_gradient(y, x).shape == shape
    assert kernels.average_pool2d_gradient(y, shape).shape == shape


def test_the_result_is_an_array_of_its_own():
    x = np.zeros((1, 2, 2, 1))
    kernels.max_pool2d(x, 1)[:] = 1
    kernels.average_pool2d(x, 1)[:] = 1
    assert not x.any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: kernels.max_pool2d(x[0]), "max_pool2d takes images of shape .*: give 4 axes"),
        (
            lambda x: kernels.average_pool2d(x, 5),
            r"window of \(5, 5\) .* in which it does not fit",
        ),
        (lambda x: kernels.max_pool2d(x, padding="SAME"), "\"same\", got 'SAME'"),
        (lambda x: kernels.max_pool2d_gradient(x, x), "max_pool2d_gradient takes an array of the"),
        (lambda x: kernels.average_pool2d_gradient(x, x.shape), "average_pool2d_gradient takes an"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.zeros((1, 4, 4, 3)))
