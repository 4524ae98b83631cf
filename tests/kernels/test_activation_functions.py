"""The reference activations and their gradients against PyTorch, on every dtype and at corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels
from tests.kernels.activation_cases import DTYPES, ELEMENTWISE, SMOOTH, inputs, torch_gradient

# PyTorch itself loses the lower tails of some in float32, so its float64 is the measure.
TOLERANCE = {np.float32: {"rtol": 2e-6, "atol": 2e-7}, np.float64: {"rtol": 1e-12, "atol": 1e-14}}
# These it computes with constants rounded to float32, for float64 as well.
ROUNDED_BY_TORCH = {"hard_sigmoid", "hard_silu"}


def tolerance(name: str, dtype: Any) -> dict[str, float]:
    return TOLERANCE[np.float32 if name in ROUNDED_BY_TORCH else dtype]


def cotangent(x: Any) -> Any:
    return np.random.default_rng(1).standard_normal(x.shape).astype(x.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_forward_and_gradient_are_those_of_pytorch(case, dtype):
    x = inputs(dtype)
    g = cotangent(x)
    expected, expected_gradient = torch_gradient(case, x.astype(np.float64), g.astype(np.float64))
    before = x.copy(), g.copy()
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    gradient = getattr(numpy_kernels, f"{case.name}_gradient")(g, x, y, **case.parameters)
    assert y.dtype == gradient.dtype == dtype
    np.testing.assert_array_equal((x, g), before)
    np.testing.assert_allclose(y, expected, **tolerance(case.name, dtype))
    np.testing.assert_allclose(gradient, expected_gradient, **tolerance(case.name, dtype))


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_nan_stays(case):
    x, g = np.array([np.nan, 1.0]), np.ones(2)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    gradient = getattr(numpy_kernels, f"{case.name}_gradient")(g, x, y, **case.parameters)
    np.testing.assert_array_equal(np.isnan(y), [True, False])
    np.testing.assert_array_equal(np.isnan(gradient), [True, False])


@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_elementary_functions(name, dtype):
    x = np.clip(np.abs(inputs(dtype)), 1e-3, 80)
    y = getattr(numpy_kernels, name)(x)
    expected = getattr(torch, name)(torch.tensor(x, dtype=torch.float64)).numpy()
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps)


def test_linear_and_exponential_gradient():
    x = inputs(np.float64)
    g = cotangent(x)
    assert numpy_kernels.linear_gradient(g, x, x) is g
    np.testing.assert_array_equal(numpy_kernels.exponential_gradient(g, None, x), g * x)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_glu(dtype, axis):
    x = inputs(dtype)[:96].reshape(4, 6, 4)
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.glu(leaf, axis)
    y = numpy_kernels.glu(x, axis)
    g = cotangent(y)
    expected.backward(torch.tensor(g, dtype=torch.float64))
    gradient = numpy_kernels.glu_gradient(g, x, y, axis)
    assert y.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(y, expected.detach().numpy(), **TOLERANCE[dtype])
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), **TOLERANCE[dtype])


def test_glu_of_an_odd_length():
    with pytest.raises(ValueError, match=r"glu halves axis 0, got shape \(3, 2\)"):
        numpy_kernels.glu(np.ones((3, 2)), 0)


@pytest.mark.parametrize("axis", [0, -1])
def test_sparsemax_gradient(axis):
    """By central differences; PyTorch has none."""
    x = np.random.default_rng(0).standard_normal((4, 5))
    y = numpy_kernels.sparsemax(x, axis)
    g = cotangent(y)
    expected = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        change = numpy_kernels.sparsemax(x + step, axis) - numpy_kernels.sparsemax(x - step, axis)
        expected[place] = np.sum(g * change) / 2e-6
    gradient = numpy_kernels.sparsemax_gradient(g, x, y, axis)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-8)
