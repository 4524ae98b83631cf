"""Softmax, its relatives and their gradients on the GPU against NumPy's in float64, and PyTorch."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels
from tests.gpu.on_device import assert_near, layouts, run
from tests.gpu.row_cases import (
    DTYPES,
    SHAPES,
    TOLERANCE,
    exactly,
    normal,
)

FUNCTIONS = ["softmax", "log_softmax", "logsumexp"]
GRADIENTS = ["softmax_gradient", "log_softmax_gradient"]
AXES = [-1, 2, 0, 1, (1, 2), (0, 2), (2, 1, 0), (-1,), (), None]

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_gradient = pytest.mark.parametrize("name", GRADIENTS)

EDGES = [
    [1.0, inf, 2.0],
    [inf, inf, 1.0],
    [-inf, 1.0, 2.0],
    [-inf, -inf, -inf],
    [inf, -inf, 0.0],
    [nan, 1.0, 2.0],
    [nan, inf, -inf],
    [nan, nan, nan],
    [-inf, nan, -inf],
    [3e38, -3e38, 3e38],
    [1e4, 1e4 - 1, -1e4],
    [0.0, -0.0, 0.0],
]


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels import cupy_kernels

    return cupy_kernels


def cotangent_and_result(name, shape, dtype):
    y = exactly(name.removesuffix("_gradient"), normal(shape, dtype, 3)).astype(dtype)
    return normal(shape, dtype), y


@every_dtype
@every_function
@pytest.mark.parametrize("shape", [*SHAPES, (3, 0)], ids=str)
def test_lengths(cupy, kernels, name, shape, dtype):
    x = normal(shape, dtype, 3)
    y = run(cupy, getattr(kernels, name), x, axis=-1)
    assert y.dtype == dtype
    assert_near(y, exactly(name, x, axis=-1), TOLERANCE[dtype])


@every_dtype
@every_gradient
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_of_all_lengths(cupy, kernels, name, shape, dtype):
    g, y = cotangent_and_result(name, shape, dtype)
    gradient = run(cupy, getattr(kernels, name), g, y)
    assert gradient.dtype == dtype
    assert_near(gradient, exactly(name, g, y), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("axis", AXES, ids=str)
@every_function
def test_axes(cupy, kernels, name, axis, dtype):
    x = normal((3, 4, 5), dtype, 3)
    expected = exactly(name, x, axis=axis)
    for there in layouts(cupy, x):
        y = run(cupy, getattr(kernels, name), there, axis=axis)
        assert y.dtype == dtype
        assert_near(y, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("axis", AXES, ids=str)
@every_gradient
def test_axes_of_gradients(cupy, kernels, name, axis, dtype):
    g = normal((3, 4, 5), dtype)
    y = exactly(name.removesuffix("_gradient"), normal(g.shape, dtype, 3), axis).astype(dtype)
    expected = exactly(name, g, y, axis)
    for one, other in zip(layouts(cupy, g), reversed(layouts(cupy, y)), strict=True):
        assert_near(run(cupy, getattr(kernels, name), one, other, axis), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("name", [*FUNCTIONS, *GRADIENTS])
def test_results_are_contiguous(cupy, kernels, name):
    x = cupy.asfortranarray(cupy.ones((3, 4, 5)))
    for axis in (-1, 0, (0, 2)):
        arguments = (x, x) if name in GRADIENTS else (x,)
        assert getattr(kernels, name)(*arguments, axis=axis).flags.c_contiguous


@pytest.mark.parametrize("axis", [None, -1, (0, 2)], ids=str)
def test_logsumexp_keeps_axes(cupy, kernels, axis):
    x = normal((3, 4, 5), np.float64)
    found = run(cupy, kernels.logsumexp, x, axis, keepdims=True)
    assert_near(found, exactly("logsumexp", x, axis, keepdims=True), 2e-15)


@every_function
def test_integers_give_float64(cupy, kernels, name):
    x = np.arange(12).reshape(3, 4)
    y = run(cupy, getattr(kernels, name), x)
    assert y.dtype == np.float64
    assert_near(y, exactly(name, x), 2e-15)


@every_dtype
@pytest.mark.parametrize("length", [3, 50, 700, 5000])
@every_function
def test_edges(cupy, kernels, name, length, dtype):
    """Infinities, NaN and huge numbers, also far from each other in a long row."""
    x = np.full((len(EDGES), length), -1e30, dtype)
    x[:, :: -(-length // 3)][:, :3] = EDGES
    x[3] = -inf
    with np.errstate(all="ignore"):
        expected = getattr(numpy_kernels, name)(x, axis=-1)
    y = run(cupy, getattr(kernels, name), x, axis=-1)
    np.testing.assert_allclose(y, expected, TOLERANCE[dtype])


@every_dtype
@every_gradient
def test_edges_of_gradients(cupy, kernels, name, dtype):
    """What is not finite in the cotangent or the result goes where it goes in NumPy."""
    for y in ([0.0, 0.25, 0.75], [nan, nan, nan]):
        with np.errstate(divide="ignore"):
            y = np.array(y if name == "softmax_gradient" else np.log(y), dtype)
        for values in EDGES:
            g = 1e-3 * np.array(values, dtype)  # so that sums of huge numbers are finite
            with np.errstate(all="ignore"):
                expected = getattr(numpy_kernels, name)(g, y)
            found = run(cupy, getattr(kernels, name), g, y)
            np.testing.assert_allclose(found, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("axis", [-1, 0, None])
def test_without_axes(cupy, kernels, axis):
    x, g = np.array(3.0), np.array(2.0)
    for name in FUNCTIONS:
        found = run(cupy, getattr(kernels, name), x, axis)
        np.testing.assert_array_equal(found, exactly(name, x, axis))
        assert found.shape == ()
    for name in GRADIENTS:
        y = exactly(name.removesuffix("_gradient"), x, axis)
        found = run(cupy, getattr(kernels, name), g, np.asarray(y), axis)
        np.testing.assert_array_equal(found, 0)
        assert found.shape == ()


def test_one_cotangent_for_all_rows(cupy, kernels):
    g, y = normal((5,), np.float64), exactly("softmax", normal((4, 5), np.float64))
    for name in GRADIENTS:
        found = run(cupy, getattr(kernels, name), g, y)
        assert_near(found, exactly(name, np.broadcast_to(g, y.shape), y), 2e-15)


@every_function
def test_axes_that_are_not_there(cupy, kernels, name):
    with pytest.raises((ValueError, IndexError)):
        getattr(kernels, name)(cupy.ones((3, 4)), axis=2)
    with pytest.raises(ValueError, match="axis"):
        getattr(kernels, name)(cupy.ones((3, 4)), axis=(1, 1))


@every_dtype
@pytest.mark.parametrize("length", [10, 300, 3000])
def test_against_pytorch(cupy, kernels, length, dtype):
    x, g = normal((6, length), dtype, 3), normal((6, length), dtype)
    there = torch.tensor(x, requires_grad=True)
    for name in ("softmax", "log_softmax"):
        expected = getattr(torch, name)(there, -1)
        (gradient,) = torch.autograd.grad(expected, there, torch.tensor(g))
        y = run(cupy, getattr(kernels, name), x)
        torch.testing.assert_close(torch.tensor(y), expected.detach())
        found = run(cupy, getattr(kernels, f"{name}_gradient"), g, y)
        torch.testing.assert_close(torch.tensor(found), gradient)
    found = run(cupy, kernels.logsumexp, x, -1)
    torch.testing.assert_close(torch.tensor(found), torch.logsumexp(torch.tensor(x), -1))


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    x = cupy.asarray(normal((5, 40), np.float32))
    with host_copies() as counted:
        y = kernels.softmax(x)
        kernels.log_softmax(x, 0)
        kernels.logsumexp(x)
        kernels.softmax_gradient(x, y)
        kernels.log_softmax_gradient(x, y)
    assert not counted.copies + counted.synchronizations + counted.uploads


@every_dtype
def test_the_grid_makes_no_difference(cupy, dtype):
    """Teams that stride over many rows do what teams with one row each do."""
    from nnscratch_kernels.cupy_kernels.launch import cuda_kernel

    for shape, block in (((700, 20), (8, 32)), ((20, 300), (128, 1))):
        x = cupy.asarray(normal(shape, dtype))
        results = []
        for blocks in (1, 3, 20):
            y = cupy.empty(shape, dtype)
            kernel = cuda_kernel("softmax", "softmax", dtype)
            kernel((blocks,), block, (*map(np.int64, shape), x, y))
            results.append(y.get())
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])
