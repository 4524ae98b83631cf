"""The compiled activations, gradients and elementary functions against their NumPy twins."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from nnscratch_kernels import numba_kernels, numpy_kernels
from tests.kernels.activation_cases import DTYPES, ELEMENTWISE, inputs, torch_gradient
from tests.kernels.numba.elementwise_checks import assert_close, both, edges

FUNCTIONS = ["exp", "log", "tanh", "erf", "erfc"]
MODULES = ["activation_functions", "activation_gradients", "elementary", "special_functions"]
# f(x) - x and the like cancel near zero; relu's twin is exact.
CANCELS = {"tanh_shrink", "soft_shrink"}


def names(module):
    found = vars(__import__(f"nnscratch_kernels.numba_kernels.{module}", fromlist=["_"]))
    return [
        name
        for name, kernel in found.items()
        if inspect.isfunction(kernel)
        and kernel.__module__.endswith(f"numba_kernels.{module}")
        and not name.startswith("_")
    ]


@pytest.mark.parametrize("module", MODULES)
def test_signatures_are_those_of_the_twins(module):
    assert names(module)
    for name in names(module):
        compiled, twin = both(name)
        assert inspect.signature(compiled) == inspect.signature(twin), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_activation(case, dtype):
    kernel, twin = both(case.name)
    x = inputs(dtype)
    y = kernel(x, **case.parameters)
    assert y.dtype == dtype
    expected = twin(x.astype(np.float64), **case.parameters)
    cancelled = x if case.name in CANCELS else 0
    assert_close(y, expected, cancelled, steep=case.name == "gelu")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_gradient(case, dtype):
    kernel, twin = both(f"{case.name}_gradient")
    x = inputs(dtype)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    g = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    before = g.copy(), x.copy(), y.copy()
    gradient = kernel(g, x, y, **case.parameters)
    assert gradient.dtype == dtype
    np.testing.assert_array_equal((g, x, y), before)
    expected = twin(*(array.astype(np.float64) for array in (g, x, y)), **case.parameters)
    # A slope that goes through zero is a difference of numbers below 1.1.
    assert_close(gradient, expected, cancelled=8 * g)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_activation_and_gradient_are_those_of_pytorch(case, dtype):
    x = inputs(dtype, count=80)
    g = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    y = getattr(numba_kernels, case.name)(x, **case.parameters)
    gradient = getattr(numba_kernels, f"{case.name}_gradient")(g, x, y, **case.parameters)
    expected, expected_gradient = torch_gradient(case, x.astype(np.float64), g.astype(np.float64))
    rounded = dtype == np.float32 or case.name in {"hard_sigmoid", "hard_silu"}
    tolerance = {"rtol": 2e-6, "atol": 3e-7} if rounded else {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(y, expected, **tolerance)
    np.testing.assert_allclose(gradient, expected_gradient, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_edges(case, dtype):
    """Infinities, NaN, subnormal and huge numbers go where NumPy sends them."""
    x = edges(dtype)
    kernel, twin = both(case.name)
    gradient, gradient_twin = both(f"{case.name}_gradient")
    with np.errstate(all="ignore"):
        y = twin(x, **case.parameters)
        g = np.full_like(x, 3)
        expected = gradient_twin(g, x, y, **case.parameters)
    assert_close(kernel(x, **case.parameters), y, cancelled=x if case.name in CANCELS else 0)
    assert_close(gradient(g, x, y, **case.parameters), expected, cancelled=8 * g)


@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_cotangents_that_are_not_finite(case):
    kernel, twin = both(f"{case.name}_gradient")
    x = np.linspace(-4, 4, 12)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    g = np.resize([np.nan, np.inf, -np.inf], 12)
    with np.errstate(invalid="ignore"):
        expected = twin(g, x, y, **case.parameters)
        found = kernel(g, x, y, **case.parameters)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, dtype):
    kernel, twin = both(name)
    x = np.abs(inputs(dtype)) if name == "log" else np.clip(inputs(dtype), -80, 80)
    with np.errstate(divide="ignore"):
        expected = twin(x.astype(np.float64))
    y = kernel(x)
    assert y.dtype == dtype
    assert_close(y, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_edges_of_functions(name, dtype):
    kernel, twin = both(name)
    with np.errstate(all="ignore"):
        expected = twin(edges(dtype))
    assert_close(kernel(edges(dtype)), expected)


def test_exponential_gradient():
    g, y = inputs(np.float32), inputs(np.float32, count=400)[::-1]
    kernel, twin = both("exponential_gradient")
    np.testing.assert_array_equal(kernel(g, None, y), twin(g, None, y))


@pytest.mark.parametrize("name", ["celu", "celu_gradient"])
def test_celu_that_rises_is_for_numpy(name):
    x = inputs(np.float32)
    kernel, twin = both(name)
    arguments = (x, x, x) if name.endswith("gradient") else (x,)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(kernel(*arguments, alpha=-0.5), twin(*arguments, alpha=-0.5))


@pytest.mark.parametrize("b", [1e-60, 1e-8, 1e30])
def test_squareplus_of_any_roundness(b):
    x = edges(np.float32)
    with np.errstate(all="ignore"):
        y, expected = both("squareplus")
        assert_close(y(x, b), expected(x, b))
        y, expected = both("squareplus_gradient")
        assert_close(y(x, x, np.abs(x), b), expected(x, x, np.abs(x), b))
