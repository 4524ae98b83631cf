"""Numba's poolings against NumPy's, to the bit where nothing is rounded, and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import threads
from nnscratch_kernels.numba_kernels import pooling as kernels
from nnscratch_kernels.numpy_kernels import pooling as reference
from tests.kernels.array_layouts import layouts, unchanged
from tests.kernels.convolution_cases import POOLINGS

generator = np.random.default_rng(0)
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}


def all_four(module, x, g, options):
    return (
        unchanged(module.max_pool2d, x, *options),
        unchanged(module.max_pool2d_gradient, g, x, *options),
        unchanged(module.average_pool2d, x, *options),
        unchanged(module.average_pool2d_gradient, g, x.shape, *options),
    )


def arrays(shape, options, dtype):
    x = generator.integers(-2, 3, size=shape).astype(dtype)  # with ties
    g = generator.normal(size=reference.max_pool2d(x, *options).shape).astype(dtype)
    return x, g


def assert_as_numpy(x, g, options, dtype, *, change=lambda array: array):
    found = all_four(kernels, change(x), change(g), options)
    expected = all_four(reference, x.astype(np.float64), g.astype(np.float64), options)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype.newbyteorder("=") == dtype
        np.testing.assert_allclose(one, other, rtol=TOLERANCE[dtype], atol=4 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("channels", [1, 16, 17, 65])
@pytest.mark.parametrize("case", POOLINGS, ids=str)
def test_values_and_gradients_are_numpys(case, channels, dtype):
    shape, *options = case
    assert_as_numpy(*arrays((*shape[:3], channels), options, dtype), options, dtype)


@pytest.mark.parametrize("which", range(6), ids=["C", "F", "strided", "flipped", "fixed", "other"])
def test_layouts(which):
    shape, *options = POOLINGS[3]
    x, g = arrays(shape, options, np.float32)
    assert_as_numpy(x, g, options, np.float32, change=lambda array: layouts(array)[which])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_what_is_not_finite_and_what_is_tiny(dtype):
    x, g = arrays((4, 7, 7, 20), (3, 2, "same"), dtype)
    x[0, ::3, ::2], x[1], x[2, ::2, ::2] = np.nan, -np.inf, np.inf
    x[3] *= np.finfo(dtype).smallest_subnormal
    found = all_four(kernels, x, g, (3, 2, "same"))
    expected = all_four(reference, x, g, (3, 2, "same"))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=10 * TOLERANCE[dtype])
    least = np.finfo(dtype).smallest_subnormal
    np.testing.assert_allclose(found[2], expected[2], rtol=TOLERANCE[dtype], atol=least)


def test_a_batch_in_parts_is_the_same_with_any_number_of_threads():
    x, g = arrays((9, 64, 64, 32), (3, 2, "same"), np.float32)
    assert kernels._grain(x.shape) < 9 // 3
    before = threads.thread_count()
    results = []
    try:
        for count in (1, 2, 3):
            threads.set_thread_count(count)
            results.append(all_four(kernels, x, g, (3, 2, "same")))
    finally:
        threads.set_thread_count(before)
    for first, second, third in zip(*results, strict=True):
        np.testing.assert_array_equal(second, first)
        np.testing.assert_array_equal(third, first)
    assert_as_numpy(x, g, (3, 2, "same"), np.float32)


def test_maxima_and_their_gradient_are_pytorchs():
    x, g = arrays((2, 9, 9, 24), (3, 2, "valid"), np.float64)
    image = torch.tensor(x).permute(0, 3, 1, 2).requires_grad_()
    y = torch.nn.functional.max_pool2d(image, 3, 2)
    (of_x,) = torch.autograd.grad(y, image, torch.tensor(g).permute(0, 3, 1, 2))
    expected = [one.detach().permute(0, 2, 3, 1).numpy() for one in (y, of_x)]
    np.testing.assert_array_equal(kernels.max_pool2d(x, 3, 2), expected[0])
    np.testing.assert_allclose(kernels.max_pool2d_gradient(g, x, 3, 2), expected[1], atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (2, 4, 4, 0), (2, 4, 4, 3)], ids=str)
def test_what_numpy_does(shape, dtype):
    """Nothing, and half precision."""
    x, g = arrays(shape, (2,), dtype)
    for one, other in zip(
        all_four(kernels, x, g, (2,)), all_four(reference, x, g, (2,)), strict=True
    ):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: kernels.max_pool2d(x[0]), "^max_pool2d takes images of shape .*: give 4 axes"),
        (lambda x: kernels.average_pool2d(x, 5), "in which it does not fit"),
        (lambda x: kernels.max_pool2d_gradient(x, x), "^max_pool2d_gradient takes an array of"),
        (lambda x: kernels.average_pool2d_gradient(x, x.shape), "^average_pool2d_gradient takes"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.zeros((1, 4, 4, 3)))
