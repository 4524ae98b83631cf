"""Accuracy of the special functions against 40-digit arithmetic, and their edge values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import torch

import nnscratch as ns

if TYPE_CHECKING:
    from collections.abc import Callable

inf, nan = np.inf, np.nan


def relative_error(function: Callable[..., Any], exact: Callable[..., Any], x: Any) -> Any:
    """The largest relative error of `function` over the points `x`."""
    with mpmath.workdps(40):
        expected = [exact(mpmath.mpf(float(value))) for value in x]
        pairs = zip(function(x), expected, strict=True)
        return max(abs((mpmath.mpf(float(y)) - e) / e) for y, e in pairs if e != 0)


def symmetric(*parts: Any) -> Any:
    x = np.concatenate(parts)
    return np.concatenate([x, -x])


def exact_sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def exact_softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


ERF_POINTS = symmetric(
    np.linspace(0, 7, 500),
    np.linspace(0.4, 0.6, 500),  # where the approximations of the centre and of erfc meet
    np.linspace(3.9, 4.1, 100),  # and those of the middle and the tail
    np.logspace(-300, 0, 50),
)


def test_erf_is_accurate() -> None:
    assert relative_error(ns.ops.erf, mpmath.erf, ERF_POINTS) < 1e-15
    points = ERF_POINTS[np.abs(ERF_POINTS) > 1e-30].astype(np.float32)
    assert relative_error(ns.ops.erf, mpmath.erf, points) < 4e-7


def test_erfc_is_accurate() -> None:
    points = np.concatenate([ERF_POINTS, np.linspace(7, 26, 300)])
    assert relative_error(ns.ops.erfc, mpmath.erfc, points) < 1e-15
    points = ERF_POINTS[ERF_POINTS < 9].astype(np.float32)
    assert relative_error(ns.ops.erfc, mpmath.erfc, points) < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "exact"), [(ns.ops.sigmoid, exact_sigmoid), (ns.ops.softplus, exact_softplus)]
)
def test_sigmoid_and_softplus_are_accurate(
    function: Callable[..., Any], exact: Callable[..., Any], dtype: Any
) -> None:
    smallest = np.log(np.finfo(dtype).tiny) + 1
    x = np.concatenate([np.linspace(smallest, 40, 500), np.linspace(-2, 2, 101)]).astype(dtype)
    assert relative_error(function, exact, x) < 4 * np.finfo(dtype).eps


def test_derivative_of_sinc_is_accurate_near_zero() -> None:
    def exact(x: Any) -> Any:
        u = mpmath.pi * x
        return mpmath.pi * (mpmath.cos(u) / u - mpmath.sin(u) / u**2)

    x = symmetric(np.logspace(-10, 0, 200)[:-1], np.linspace(0.02, 0.05, 100))
    assert relative_error(ns.elementwise_grad(np.sinc), exact, x) < 1e-12


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (ns.ops.erf, [0.0, -0.0, inf, -inf, nan, 1e300], [0.0, -0.0, 1.0, -1.0, nan, 1.0]),
        (ns.ops.erfc, [0.0, inf, -inf, nan, 1e300], [1.0, 0.0, 2.0, nan, 0.0]),
        (ns.ops.sigmoid, [0.0, inf, -inf, nan, -1e300, 1e300], [0.5, 1.0, 0.0, nan, 0.0, 1.0]),
        (ns.ops.softplus, [inf, -inf, nan, -1e300, 1e300], [inf, 0.0, nan, 0.0, 1e300]),
        (ns.ops.relu, [-0.5, 0.0, inf, -inf, nan], [0.0, 0.0, inf, 0.0, nan]),
    ],
    ids=["erf", "erfc", "sigmoid", "softplus", "relu"],
)
def test_edge_values(function: Callable[..., Any], x: Any, expected: Any) -> None:
    result = function(np.array(x))
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


def test_sigmoid_keeps_subnormal_numbers() -> None:
    assert ns.ops.sigmoid(np.array(-740.0)) == np.exp(-740.0) > 0


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_softmax_family_matches_pytorch_for_large_logits(axis: Any) -> None:
    x = 1000 * np.random.default_rng(0).standard_normal((2, 3, 4))
    reference = torch.from_numpy(x)
    total = torch.logsumexp(reference, (0, 1, 2) if axis is None else axis, keepdim=True)
    for ours, theirs in [
        (ns.ops.logsumexp(x, axis=axis, keepdims=True), total),
        (ns.ops.log_softmax(x, axis=axis), reference - total),
        (ns.ops.softmax(x, axis=axis), torch.exp(reference - total)),
    ]:
        torch.testing.assert_close(torch.from_numpy(ours), theirs)


def test_logsumexp_of_infinities() -> None:
    x = np.array([[-inf, -inf, -inf], [-inf, 0.0, -inf], [inf, 1e4, 0.0], [nan, 0.0, 0.0]])
    np.testing.assert_array_equal(ns.ops.logsumexp(x, axis=1), [-inf, 0.0, inf, nan])
    np.testing.assert_array_equal(ns.ops.logsumexp(np.zeros((2, 0)), axis=1), [-inf, -inf])


def test_gradient_of_logsumexp_ignores_what_is_masked() -> None:
    x = ns.Tensor([[-inf, -inf, -inf], [-inf, 0.0, -inf]], requires_grad=True)
    ns.ops.logsumexp(x, axis=1).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data, [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def test_masked_logits_get_no_probability() -> None:
    x = np.array([[-inf, 1.0, 1.0], [-inf, -inf, -5.0]])
    np.testing.assert_array_equal(ns.ops.softmax(x), [[0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(ns.ops.log_softmax(x)[1], [-inf, -inf, 0.0])


@pytest.mark.parametrize(
    "function",
    [ns.ops.erf, ns.ops.erfc, ns.ops.logsumexp, ns.ops.softmax, ns.ops.log_softmax],
    ids=lambda op: op.name,
)
def test_float16_is_rounded_once_and_integers_give_float64(function: Any) -> None:
    x = np.array([-3, -1, 0, 1, 2])
    exact = function(x)
    assert exact.dtype == np.float64
    half = function(x.astype(np.float16))
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, exact.astype(np.float16))
