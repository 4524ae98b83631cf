"""The gradients of softmax and log-softmax against PyTorch, on every dtype, layout and axis."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels as kernels
from tests.kernels.array_layouts import assert_near, layouts, unchanged

generator = np.random.default_rng(0)
NAMES = ["softmax", "log_softmax"]


def of_torch(name, g, x, axis):
    """The softmax and the cotangent of x, in float64."""
    x = torch.tensor(np.asarray(x, float), requires_grad=True)
    shape = x.shape
    if axis is None:
        y = getattr(torch, name)(x.flatten(), -1).reshape(shape)
    elif isinstance(axis, tuple):
        y = getattr(torch, name)(x.flatten(min(axis), max(axis)), min(axis)).reshape(shape)
    else:
        y = getattr(torch, name)(x, axis)
    (gradient,) = torch.autograd.grad(y, x, torch.tensor(np.asarray(g, float)))
    return y.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [-1, 0, 1, (1, 2), (0, 1, 2), None])
@pytest.mark.parametrize("name", NAMES)
def test_against_pytorch(name, axis, dtype):
    x = (3 * generator.normal(size=(3, 4, 5))).astype(dtype)
    g = generator.normal(size=x.shape).astype(dtype)
    y, expected = of_torch(name, g, x, axis)
    y = y.astype(dtype)
    assert_near(getattr(kernels, f"{name}_gradient")(g, y, axis), expected, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name, dtype):
    x = generator.normal(size=(4, 5)).astype(dtype)
    g = generator.normal(size=x.shape).astype(dtype)
    y, expected = of_torch(name, g, x, -1)
    gradient = getattr(kernels, f"{name}_gradient")
    for one in layouts(g):
        for other in layouts(y.astype(dtype)):
            assert_near(unchanged(gradient, one, other), expected, dtype)


@pytest.mark.parametrize("shape", [(1,), (0,), (0, 3), (3, 0), (2, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_one_element_and_none(name, shape):
    y = np.zeros(shape) if name == "log_softmax" else np.ones(shape)
    gradient = getattr(kernels, f"{name}_gradient")(np.full(shape, 3.0), y)
    np.testing.assert_array_equal(gradient, np.zeros(shape))
