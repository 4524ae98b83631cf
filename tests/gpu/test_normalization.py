"""Normalization and its gradients on the GPU against NumPy's in float64, and PyTorch."""

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
    exactly,
    normal,
)

# The rounding of a mean of about 3, times up to 1 / √ε = 32 where the elements are close to it.
TOLERANCE = {np.float16: 4e-3, np.float32: 1e-5, np.float64: 2e-14}

LAYER = ["layer_normalization", "residual_layer_normalization"]
LAYER_GRADIENTS = [f"{name}_gradient" for name in LAYER]

# Rows and columns around the tiles and parts of a kernel that works by columns.
BATCHES = [
    (1, 1),
    (1, 40),
    (2, 3),
    (7, 33),
    (255, 10),
    (256, 32),
    (257, 31),
    (1000, 17),
    (2100, 64),
    (5000, 2),
    (70_000, 1),
]

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_layer = pytest.mark.parametrize("name", LAYER)
every_layer_gradient = pytest.mark.parametrize("name", LAYER_GRADIENTS)
weights = pytest.mark.parametrize("weights", ["both", "gamma", "beta", "none"])


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels import cupy_kernels

    return cupy_kernels


def gamma_and_beta(shape, dtype, given="both"):
    gamma, beta = normal(shape, dtype), normal(shape, dtype)
    return gamma if given in ("both", "gamma") else None, beta if given in (
        "both",
        "beta",
    ) else None


def arguments_of(name, shape, dtype, given="both", of_weights=None):
    """Normally distributed arguments, with a mean that is not 0."""
    x = normal(shape, dtype) + dtype(3)
    pair = gamma_and_beta(shape[-1:] if of_weights is None else of_weights, dtype, given)
    if name.startswith("batch"):
        if not name.endswith("gradient"):
            return (x, *pair)
        _, mean, variance = exactly("batch_normalization", x)
        return normal(shape, dtype), x, mean.astype(dtype), variance.astype(dtype), *pair
    others = (normal(shape, dtype),) if name != "layer_normalization" else ()
    return (*others, x, *pair)


@every_dtype
@pytest.mark.parametrize("name", LAYER + LAYER_GRADIENTS)
@pytest.mark.parametrize("shape", [*SHAPES[1:], (5000, 4), (2, 3, 40)], ids=str)
def test_rows_of_all_lengths(cupy, kernels, name, shape, dtype):
    arguments = arguments_of(name, shape, dtype)
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("name", ["batch_normalization", "batch_normalization_gradient"])
@pytest.mark.parametrize("shape", BATCHES, ids=str)
def test_columns_of_all_lengths(cupy, kernels, name, shape, dtype):
    arguments = arguments_of(name, shape, dtype)
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), TOLERANCE[dtype])


@weights
@pytest.mark.parametrize(
    "name",
    [*LAYER, *LAYER_GRADIENTS, "batch_normalization", "batch_normalization_gradient"],
)
def test_with_and_without_weights(cupy, kernels, name, weights):
    for shape in ((6, 40), (3, 2500)):
        arguments = arguments_of(name, shape, np.float64, weights)
        found = run(cupy, getattr(kernels, name), *arguments, epsilon=0.1)
        assert_near(found, exactly(name, *arguments, epsilon=0.1), 1e-14)


@every_dtype
@pytest.mark.parametrize("name", LAYER + LAYER_GRADIENTS)
@pytest.mark.parametrize(
    ("axis", "shape"),
    [
        ((2, 1), (4, 5)),
        ((0, 1, 2), (3, 4, 5)),
        ((-1,), (5,)),
        (-1, (1, 5)),
        (2, (4, 5)),  # another γ for each of several samples
        (1, (4, 1)),
        ((0, 2), (3, 1, 5)),
        (0, (3, 1, 1)),
    ],
    ids=str,
)
def test_layer_axes(cupy, kernels, name, axis, shape, dtype):
    """What the kernels do not take is left to the NumPy twin, on the GPU."""
    arguments = arguments_of(name, (3, 4, 5), dtype, of_weights=shape)
    found = run(cupy, getattr(kernels, name), *arguments, axis=axis)
    assert_near(found, exactly(name, *arguments, axis=axis), TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_batch_axes(cupy, kernels, axis, dtype):
    shape = 3, 4, 5, 6
    x, g = normal(shape, dtype) + dtype(2), normal(shape, dtype)
    gamma, beta = gamma_and_beta((shape[axis],), dtype)
    assert kernels.batch_normalization(cupy.asarray(x), axis=axis)[0].flags.c_contiguous
    expected = exactly("batch_normalization", x, gamma, beta, axis)
    for there in layouts(cupy, x):
        found = run(cupy, kernels.batch_normalization, there, gamma, beta, axis)
        assert_near(found, expected, TOLERANCE[dtype])
    of_batch = [one.astype(dtype) for one in expected[1:]]
    expected = exactly("batch_normalization_gradient", g, x, *of_batch, gamma, beta, axis)
    for one, other in zip(layouts(cupy, g), reversed(layouts(cupy, x)), strict=True):
        gradient = kernels.batch_normalization_gradient
        found = run(cupy, gradient, one, other, *of_batch, gamma, beta, axis)
        assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("name", LAYER + LAYER_GRADIENTS)
def test_layouts(cupy, kernels, name, dtype):
    *arrays, gamma, beta = arguments_of(name, (4, 5, 6), dtype)
    expected = exactly(name, *arrays, gamma, beta)
    gamma, beta = np.repeat(gamma, 2)[::2], np.flip(np.flip(beta).copy())
    for there in zip(*(layouts(cupy, one) for one in arrays), strict=True):
        found = run(cupy, getattr(kernels, name), *there, gamma, beta)
        assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("length", [20, 300, 2500])
def test_cotangent_of_the_sum(cupy, kernels, length, dtype):
    name = "residual_layer_normalization_gradient"
    arguments = arguments_of(name, (7, length), dtype)
    more = normal((7, length), dtype)
    for there in layouts(cupy, more):
        found = run(cupy, getattr(kernels, name), *arguments, g_total=there)
        expected = exactly(name, *arguments, -1, 1e-3, more)
        assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
def test_cotangents_of_mean_and_variance(cupy, kernels, dtype):
    name = "batch_normalization_gradient"
    arguments = arguments_of(name, (70, 40), dtype)
    more = normal((2, 40), dtype)
    for options in ((more[0], more[1]), (more[0], None), (None, more[1])):
        found = run(cupy, getattr(kernels, name), *arguments, -1, 1e-3, *options)
        expected = exactly(name, *arguments, -1, 1e-3, *options)
        assert_near(found, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)], ids=str)
@pytest.mark.parametrize(
    "name", [*LAYER, *LAYER_GRADIENTS, "batch_normalization", "batch_normalization_gradient"]
)
def test_nothing(cupy, kernels, name, shape):
    arguments = arguments_of(name, shape, np.float32)
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), 1e-6)


@pytest.mark.parametrize("name", [*LAYER, "batch_normalization"])
def test_half_precision_and_integers_go_to_the_twin(cupy, kernels, name):
    for dtype in (np.float16, np.int64):
        arguments = arguments_of(name, (6, 5), np.float16)[: 2 if name.startswith("res") else 1]
        arguments = [np.round(4 * one).astype(dtype) for one in arguments]
        found = run(cupy, getattr(kernels, name), *arguments)
        assert_near(found, exactly(name, *(one.astype(float) for one in arguments)), 4e-3)


@every_dtype
@pytest.mark.parametrize("length", [3, 50, 700, 5000])
@pytest.mark.parametrize("name", ["layer_normalization", "layer_normalization_gradient"])
def test_edges_of_layers(cupy, kernels, name, length, dtype):
    """A row with an infinity or NaN is NaN, others are not touched; a constant row is 0."""
    arguments = arguments_of(name, (6, length), dtype, "none")
    x = arguments[-3]
    x[1, length // 2], x[2, 0], x[3, -1], x[4] = inf, nan, -inf, 5
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), TOLERANCE[dtype])
    if name == "layer_normalization":
        np.testing.assert_array_equal(found[4], 0)


@every_dtype
@pytest.mark.parametrize("count", [2, 300, 5000])
def test_edges_of_batches(cupy, kernels, count, dtype):
    """A channel with an infinity or NaN shows it as NumPy's does, and others are not touched."""
    x = normal((count, 7), dtype)
    x[count // 2, 1], x[0, 2], x[-1, 3], x[:, 4] = inf, nan, -inf, 5
    x[0, 5], x[-1, 5] = inf, -inf
    with np.errstate(all="ignore"):
        expected = numpy_kernels.batch_normalization(x.astype(float))
    assert_near(run(cupy, kernels.batch_normalization, x), expected, TOLERANCE[dtype])


@every_dtype
def test_a_large_mean_takes_no_digits_from_the_variance(cupy, kernels, dtype):
    """Σ x² - (Σ x)² / n would lose all of them."""
    x = normal((5000, 3), np.float64) * [1e-3, 1, 10] + [1.0, 1e3, 1e4]
    x = x.astype(dtype)
    expected = exactly("batch_normalization", x)
    _, mean, variance = run(cupy, kernels.batch_normalization, x)
    np.testing.assert_allclose(mean, expected[1], TOLERANCE[dtype])
    np.testing.assert_allclose(variance, expected[2], {np.float32: 1e-5, np.float64: 1e-11}[dtype])


@every_dtype
@pytest.mark.parametrize("length", [10, 700, 3000])
def test_layers_against_pytorch(cupy, kernels, length, dtype):
    name = "layer_normalization"
    g, x, gamma, beta = arguments_of(f"{name}_gradient", (9, length), dtype)
    there = [torch.tensor(one, requires_grad=True) for one in (x, gamma, beta)]
    y = torch.nn.functional.layer_norm(there[0], (length,), *there[1:], 1e-3)
    found = run(cupy, getattr(kernels, name), x, gamma, beta)
    torch.testing.assert_close(torch.tensor(found), y.detach(), rtol=2e-6, atol=2e-5)
    gradients = torch.autograd.grad(y, there, torch.tensor(g))
    found = run(cupy, getattr(kernels, f"{name}_gradient"), g, x, gamma, beta)
    for one, other in zip(found, gradients, strict=True):
        torch.testing.assert_close(torch.tensor(one), other, rtol=2e-6, atol=2e-5)


@every_dtype
def test_batches_against_pytorch(cupy, kernels, dtype):
    name = "batch_normalization"
    g, x, mean, variance, gamma, beta = arguments_of(f"{name}_gradient", (200, 30), dtype)
    there = [torch.tensor(one).double().requires_grad_() for one in (x, gamma, beta)]
    y = torch.nn.functional.batch_norm(
        there[0], None, None, *there[1:], training=True, momentum=0.0, eps=1e-3
    )
    found = run(cupy, getattr(kernels, name), x, gamma, beta)[0]
    torch.testing.assert_close(torch.tensor(found).double(), y.detach(), rtol=2e-6, atol=2e-5)
    gradients = torch.autograd.grad(y, there, torch.tensor(g).double())
    found = run(cupy, getattr(kernels, f"{name}_gradient"), g, x, mean, variance, gamma, beta)
    for one, other in zip(found, gradients, strict=True):
        torch.testing.assert_close(torch.tensor(one).double(), other, rtol=2e-6, atol=2e-5)


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    names = [*LAYER, *LAYER_GRADIENTS, "batch_normalization", "batch_normalization_gradient"]
    calls = [
        (
            getattr(kernels, name),
            [cupy.asarray(one) for one in arguments_of(name, shape, np.float32)],
        )
        for name in names
        for shape in ((5, 40), (3, 2500))
    ]
    with host_copies() as counted:
        for kernel, arguments in calls:
            kernel(*arguments)
    assert not counted.copies + counted.synchronizations + counted.uploads
