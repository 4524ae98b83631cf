"""NumPy's convolutions against Keras and PyTorch, and im2col against PyTorch's unfold."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import convolution as kernels
from tests.kernels.array_layouts import layouts, unchanged
from tests.kernels.convolution_cases import CONVOLUTIONS

generator = np.random.default_rng(0)
TOLERANCE = {np.float16: 3e-2, np.float32: 1e-5, np.float64: 1e-12}


def by_keras(x, kernel, g, strides, padding, dilation):
    """The result in double precision, and the gradients that PyTorch finds of it."""
    x, kernel = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (x, kernel))
    y = keras.ops.conv(x, kernel, strides, padding, "channels_last", dilation)
    return [y.detach().numpy(), *torch.autograd.grad(y, (x, kernel), torch.tensor(g).double())]


def arrays(shape, kernel_shape, strides, padding, dilation, dtype):
    x = generator.normal(size=shape).astype(dtype)
    kernel = generator.normal(size=kernel_shape).astype(dtype)
    g = generator.normal(size=kernels.conv2d(x, kernel, strides, padding, dilation).shape)
    return x, kernel, g.astype(dtype)


@pytest.mark.usefixtures("keras_in_double_precision")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_values_and_gradients_are_kerass(case, dtype):
    shape, kernel_shape, *options = case
    x, kernel, g = arrays(*case, dtype)
    found = [
        unchanged(kernels.conv2d, x, kernel, *options),
        unchanged(kernels.conv2d_gradient_x, g, kernel, shape, *options),
        unchanged(kernels.conv2d_gradient_kernel, g, x, kernel_shape[:2], *options),
    ]
    for one, other in zip(found, by_keras(x, kernel, g, *options), strict=True):
        assert one.dtype == dtype
        assert one.flags.c_contiguous
        np.testing.assert_allclose(one, other, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize(
    "which", range(6), ids=["C", "F", "strided", "flipped", "fixed", "swapped"]
)
def test_layouts(which):
    shape, _, *options = CONVOLUTIONS[1]
    x, kernel, g = arrays(*CONVOLUTIONS[1], np.float32)
    a, b, c = (layouts(one)[which] for one in (x, kernel, g))
    for found, expected in (
        (unchanged(kernels.conv2d, a, b, *options), kernels.conv2d(x, kernel, *options)),
        (
            unchanged(kernels.conv2d_gradient_x, c, b, shape, *options),
            kernels.conv2d_gradient_x(g, kernel, shape, *options),
        ),
        (
            unchanged(kernels.conv2d_gradient_kernel, c, a, 3, *options),
            kernels.conv2d_gradient_kernel(g, x, 3, *options),
        ),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_batch_that_is_taken_in_several_parts():
    shape, kernel_shape = (9, 64, 64, 8), (3, 3, 8, 2)
    assert 64 * 64 * 72 * 9 > kernels._MOST_COLUMNS > 64 * 64 * 72
    x, kernel, g = arrays(shape, kernel_shape, 1, "same", 1, np.float64)
    each = [(x[i : i + 1], g[i : i + 1]) for i in range(9)]
    y = [kernels.conv2d(one, kernel, 1, "same") for one, _ in each]
    of_x = [kernels.conv2d_gradient_x(g_, kernel, one.shape, 1, "same") for one, g_ in each]
    of_kernel = sum(kernels.conv2d_gradient_kernel(g_, one, 3, 1, "same") for one, g_ in each)
    same = np.testing.assert_allclose
    same(kernels.conv2d(x, kernel, 1, "same"), np.concatenate(y), atol=1e-12)
    same(kernels.conv2d_gradient_x(g, kernel, shape, 1, "same"), np.concatenate(of_x), atol=1e-12)
    same(kernels.conv2d_gradient_kernel(g, x, 3, 1, "same"), of_kernel, atol=1e-10)


@pytest.mark.parametrize("case", [it for it in CONVOLUTIONS if it[3] == "valid"], ids=str)
def test_im2col_is_pytorchs_unfold(case):
    shape, (height, width, channels, _), strides, _, dilation = case
    x = generator.normal(size=shape)
    found = unchanged(kernels.im2col, x, (height, width), strides, "valid", dilation)
    rows = torch.nn.functional.unfold(
        torch.tensor(x).permute(0, 3, 1, 2), (height, width), dilation, 0, strides
    )
    rows = rows.reshape(shape[0], channels, height * width, *found.shape[1:3])
    expected = rows.permute(0, 3, 4, 2, 1).reshape(found.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_col2im_is_the_adjoint_of_im2col(case):
    """⟨im2col(x), c⟩ = ⟨x, col2im(c)⟩ for all x and c."""
    shape, kernel_shape, *options = case
    x = generator.normal(size=shape)
    seen = kernels.im2col(x, kernel_shape[:2], *options)
    columns = generator.normal(size=seen.shape)
    images = unchanged(kernels.col2im, columns, shape, kernel_shape[:2], *options)
    assert images.shape == shape
    np.testing.assert_allclose(np.vdot(seen, columns), np.vdot(x, images), rtol=1e-10)


def test_im2col_gives_an_array_of_its_own():
    x = np.zeros((1, 2, 2, 1))
    kernels.im2col(x, 1)[:] = 1
    assert not x.any()


@pytest.mark.parametrize("shape", [(0, 5, 5, 3), (2, 5, 5, 0)], ids=str)
@pytest.mark.parametrize("outputs", [0, 4])
def test_nothing(shape, outputs):
    x, kernel = np.zeros(shape, np.float32), np.zeros((3, 3, shape[3], outputs), np.float32)
    y = kernels.conv2d(x, kernel)
    assert (y.shape, y.dtype) == ((shape[0], 3, 3, outputs), np.float32)
    assert not y.any()
    assert kernels.conv2d_gradient_x(y, kernel, shape).shape == shape
    gradient = kernels.conv2d_gradient_kernel(y, x, 3)
    assert gradient.shape == kernel.shape
    assert not gradient.any()


def test_what_is_not_finite_goes_where_its_windows_are():
    x, kernel = np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 2))
    x[0, 0, 0, 0], x[0, 4, 4, 0] = np.nan, np.inf
    y = kernels.conv2d(x, kernel)
    expected = np.full((1, 3, 3, 2), 9.0)
    expected[0, 0, 0], expected[0, 2, 2] = np.nan, np.inf
    np.testing.assert_array_equal(y, expected)


IMAGE, KERNEL = np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 3, 2))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kernels.conv2d(IMAGE[0], KERNEL), "conv2d takes images of shape .*give 4 axes"),
        (lambda: kernels.conv2d(IMAGE, KERNEL[:, :, :2]), r"kernels of shape .*, got \(3, 3, 2, 2"),
        (lambda: kernels.conv2d(IMAGE, KERNEL[0]), r"kernels of shape .*, got \(3, 3, 2\)"),
        (lambda: kernels.conv2d(IMAGE, KERNEL, padding="full"), '"valid" or "same", got \'full\''),
        (lambda: kernels.conv2d(IMAGE, KERNEL, strides=0), "strides and dilations of 1 and more"),
        (lambda: kernels.conv2d(IMAGE, KERNEL, dilation_rate=2), "in which it does not fit"),
        (lambda: kernels.conv2d_gradient_x(IMAGE, KERNEL, (1, 4, 4, 3)), "gradient_x takes .* of"),
        (lambda: kernels.conv2d_gradient_kernel(IMAGE, IMAGE, 3), "gradient_kernel takes .*shape"),
        (lambda: kernels.col2im(IMAGE, (1, 4, 4, 3), 3), "col2im takes an array of the shape"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
