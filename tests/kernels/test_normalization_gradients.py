"""The gradients of normalization against PyTorch, on every dtype, layout and set of axes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels as kernels
from tests.kernels.array_layouts import assert_near, layouts, unchanged

generator = np.random.default_rng(0)
LAYER_CASES = [
    ((4, 3), (3,), (3,), -1),
    ((2, 3, 4), (3, 4), (3, 4), (1, 2)),
    ((2, 3, 2), (3, 1), None, 1),
    ((2, 3), None, (3,), -1),
    ((2, 3), None, None, (-1,)),
    ((2, 1), (1,), (1,), -1),
    ((5,), (5,), (5,), 0),
    ((3, 4), (3, 1), (1, 4), -1),
]


def normal(shape, dtype):
    return None if shape is None else (2 * generator.normal(size=shape) + 1).astype(dtype)


def tensors(*arrays):
    return [
        None if a is None else torch.tensor(np.asarray(a, float), requires_grad=True)
        for a in arrays
    ]


def gradients(outputs, cotangents, inputs):
    """Of each input; None for what is None."""
    found = iter(
        torch.autograd.grad(
            outputs, [i for i in inputs if i is not None], [torch.tensor(c) for c in cotangents]
        )
    )
    return tuple(None if i is None else next(found).numpy() for i in inputs)


def layer_of_torch(x, gamma, beta, axis, epsilon):
    centered = x - torch.mean(x, axis, keepdim=True)
    y = centered * torch.rsqrt(torch.mean(centered**2, axis, keepdim=True) + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("shape", "gamma", "beta", "axis"), LAYER_CASES)
def test_layer_normalization(shape, gamma, beta, axis, dtype):
    x, g, gamma, beta = (normal(s, dtype) for s in (shape, shape, gamma, beta))
    inputs = tensors(x, gamma, beta)
    y = layer_of_torch(*inputs, axis, 0.02)
    expected = gradients([y], [g.astype(float)], inputs)
    found = kernels.layer_normalization_gradient(g, x, gamma, beta, axis, 0.02)
    assert_near(found, expected, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "gamma", "beta", "axis"), LAYER_CASES)
@pytest.mark.parametrize("goes_on", [True, False])
def test_residual_layer_normalization(goes_on, shape, gamma, beta, axis, dtype):
    x, residual, g, g_total, gamma, beta = (
        normal(s, dtype) for s in (shape, shape, shape, shape, gamma, beta)
    )
    inputs = tensors(x, residual, gamma, beta)
    total = inputs[0] + inputs[1]
    y = layer_of_torch(total, *inputs[2:], axis, 0.02)
    found_y, found_total = unchanged_but_none(
        kernels.residual_layer_normalization, x, residual, gamma, beta, axis=axis, epsilon=0.02
    )
    assert_near(found_total, total.detach().numpy(), dtype)
    assert_near(found_y, y.detach().numpy(), dtype)
    outputs, cotangents = [y], [g.astype(float)]
    if goes_on:
        outputs, cotangents = [y, total], [*cotangents, g_total.astype(float)]
    of_x, of_residual, *others = gradients(outputs, cotangents, inputs)
    np.testing.assert_array_equal(of_x, of_residual)
    found = kernels.residual_layer_normalization_gradient(
        g, found_total, gamma, beta, axis, 0.02, g_total if goes_on else None
    )
    assert_near(found, (of_x, *others), dtype)


def unchanged_but_none(function, *arrays, **options):
    given = [a for a in arrays if a is not None]

    def call(*some):
        rest = iter(some)
        return function(*(None if a is None else next(rest) for a in arrays), **options)

    return unchanged(call, *given)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("weights", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 3), -1), ((2, 3, 4), 1), ((2, 2, 3), 2), ((5, 4), 0)]
)
@pytest.mark.parametrize("statistics_used", [True, False])
def test_batch_normalization(statistics_used, shape, axis, weights, dtype):
    channels = shape[axis]
    x, g = normal(shape, dtype), normal(shape, dtype)
    gamma, beta = (normal(channels, dtype) if is_there else None for is_there in weights)
    g_mean, g_variance = normal(channels, dtype), normal(channels, dtype)
    inputs = tensors(x, gamma, beta)
    along = [-1 if i == axis % len(shape) else 1 for i in range(len(shape))]
    others = [i for i in range(len(shape)) if i != axis % len(shape)]
    variance, mean = torch.var_mean(inputs[0], others, correction=0, keepdim=True)
    y = (inputs[0] - mean) * torch.rsqrt(variance + 0.02)
    y = y if gamma is None else y * inputs[1].reshape(along)
    y = y if beta is None else y + inputs[2].reshape(along)
    outputs, cotangents = [y], [g.astype(float)]
    if statistics_used:
        outputs += [mean, variance]
        cotangents += [c.astype(float).reshape(mean.shape) for c in (g_mean, g_variance)]
    expected = gradients(outputs, cotangents, inputs)
    # Not rounded to float16, whose error in μ alone can be larger than that of the kernel.
    wide = np.result_type(dtype, np.float32)
    mean, variance = (s.detach().numpy().reshape(-1).astype(wide) for s in (mean, variance))
    used = (g_mean, g_variance) if statistics_used else ()
    found = kernels.batch_normalization_gradient(
        g, x, mean, variance, gamma, beta, axis, 0.02, *used
    )
    assert_near(found, expected, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layout(dtype):
    x, g = normal((4, 5), dtype), normal((4, 5), dtype)
    gamma, beta = normal(5, dtype), normal(5, dtype)
    of_layer = kernels.layer_normalization_gradient(g, x, gamma, beta)
    _, mean, variance = kernels.batch_normalization(x)
    of_batch = kernels.batch_normalization_gradient(g, x, mean, variance, gamma, beta)
    for one, other in zip(layouts(g), layouts(x)[::-1], strict=True):
        found = unchanged(kernels.layer_normalization_gradient, one, other, gamma, beta)
        assert_near(found, of_layer, dtype)
        found = unchanged(
            kernels.batch_normalization_gradient, one, other, mean, variance, gamma, beta
        )
        assert_near(found, of_batch, dtype)


def test_no_samples():
    x, weights = np.zeros((0, 3)), np.ones(3)
    for found in (
        kernels.layer_normalization_gradient(x, x, weights, weights),
        kernels.batch_normalization_gradient(x, x, weights, weights, weights, weights),
    ):
        assert found[0].shape == (0, 3)
        np.testing.assert_array_equal(found[1:], np.zeros((2, 3)))
