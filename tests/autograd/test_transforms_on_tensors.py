"""What transforms return: arrays or tensors, on which tape, in whose memory, under no_grad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import nnscratch as ns

X = np.array([0.4, -0.7, 1.2])
A = np.array([[0.3, -0.2, 0.5], [0.7, 0.1, -0.4]])


def test_tensors_give_tensors_and_arrays_arrays():
    for argument, kind in ((X, np.ndarray), (ns.Tensor(X), ns.Tensor)):
        total = lambda x: np.sum(x**2)  # noqa: E731 (used eight times below)
        results = [
            ns.grad(total)(argument),
            ns.value_and_grad(total)(argument)[1],
            ns.vjp(np.sin, argument)[0],
            ns.vjp(np.sin, argument)[1](X)[0],
            ns.jvp(np.sin, (argument,), (X,))[0],
            ns.jvp(np.sin, (argument,), (X,))[1],
            ns.jacobian(np.sin)(argument),
            ns.hessian(total)(argument),
            ns.hvp(total, argument, X),
            ns.elementwise_grad(np.sin)(argument),
        ]
        assert [type(result) for result in results] == [kind] * len(results)
        assert not any(getattr(result, "requires_grad", False) for result in results)


def test_floats_give_floats():
    value, gradient = ns.value_and_grad(lambda x: x * x)(3.0)
    assert (type(value), type(gradient)) == (float, float)
    assert [type(part) for part in ns.jvp(np.sin, (1.0,), (1.0,))] == [float, float]
    assert type(ns.grad(lambda x: x * x)(3)) is float
    assert ns.grad(lambda x: x * x)(3) == 6.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_have_the_dtype_of_their_argument(dtype):
    x, double = X.astype(dtype), np.array(2.0)
    f = lambda x, s: np.sum(np.tanh(x) * s)  # noqa: E731
    gradients = ns.grad(f, (0, 1))(x, double)
    assert [g.dtype for g in gradients] == [dtype, np.float64]
    assert ns.jacobian(f)(x, double).dtype == dtype
    assert ns.hessian(f)(x, double).dtype == dtype
    assert ns.hvp(lambda x: f(x, double), x, x).dtype == dtype
    assert ns.jvp(np.tanh, (x,), (X,))[1].dtype == dtype
    assert ns.vjp(np.tanh, x)[1](X)[0].dtype == dtype


def test_results_are_writable_and_share_no_memory():
    cotangent = np.ones(3)
    (unchanged,) = ns.vjp(lambda x: x, X)[1](cotangent)
    first, second = ns.grad(lambda a, b: np.sum(a + b), (0, 1))(X, X.copy())
    tensors = ns.grad(lambda p: np.sum(p[0] + p[1]))([ns.Tensor(X), ns.Tensor(X)])
    arrays = [cotangent, unchanged, first, second, X, *(t.data for t in tensors)]
    for i, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in arrays[:i])


def test_tensors_on_a_tape_stay_on_it():
    x = ns.Tensor(X, requires_grad=True)
    for result in (
        ns.grad(lambda x: np.sum(x**3))(x),
        ns.vjp(lambda x: x**3, x)[1](np.ones(3))[0],
        ns.jvp(lambda x: x**3, (x,), (np.ones(3),))[1],
        ns.elementwise_grad(lambda x: x**3)(x),
        np.sum(ns.jacobian(lambda x: x**3)(x), axis=0),
    ):
        x.zero_grad()
        result.sum().backward()
        assert_close(x.grad.data, 6 * X)
    (pulled,) = ns.vjp(lambda a: a * 3, X)[1](x)
    x.zero_grad()
    pulled.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_gradients_stay_on_the_tape_of_other_arguments_and_closures():
    w = ns.Parameter(2.0)
    for gradient in (
        ns.grad(lambda x, w: x * x * w)(3.0, w),
        ns.grad(lambda x, *, w: x * x * w)(3.0, w=w),
        ns.grad(lambda x: x * x * w)(ns.Tensor(3.0)),
        ns.jvp(lambda x: x * x * w, (ns.Tensor(3.0),), (1.0,))[1],
    ):
        w.zero_grad()
        gradient.backward()
        assert gradient.item() == 12.0
        assert w.grad.item() == 6.0
    w.zero_grad()
    assert ns.grad(lambda x: x * x * w)(3.0) == 12.0
    assert w.grad is None


def test_a_transform_leaves_no_tape_behind():
    x = ns.Tensor(X)
    for _ in range(3):
        x = x - 0.1 * ns.grad(lambda x: np.sum(x**4))(x)
        assert x.is_leaf
        assert not x.requires_grad


def test_gradient_penalty_of_a_network_against_torch():
    w, v = ns.Parameter(A.T.copy()), torch.tensor(A.T.copy(), requires_grad=True)
    points = np.array([[0.1, 0.2, 0.3], [0.5, -0.4, 0.2]])
    gradient = ns.grad(lambda x: np.sum(np.tanh(x @ w)))(ns.Tensor(points))
    ((np.sqrt((gradient**2).sum(axis=1)) - 1) ** 2).mean().backward()
    expected = torch.func.grad(lambda x: torch.sum(torch.tanh(x @ v)))(torch.tensor(points))
    ((torch.sqrt((expected**2).sum(dim=1)) - 1) ** 2).mean().backward()
    assert_close(torch.tensor(w.grad.data), v.grad)


def test_transforms_work_under_no_grad():
    f = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
    plain = [ns.grad(f)(X), ns.hessian(f)(X), ns.hvp(f, X, X), *ns.jvp(f, (X,), (X,))]
    with ns.no_grad():
        inside = [ns.grad(f)(X), ns.hessian(f)(X), ns.hvp(f, X, X), *ns.jvp(f, (X,), (X,))]
        x = ns.Tensor(X, requires_grad=True)
        unrecorded = [ns.grad(f)(x), ns.hessian(f)(x), ns.hvp(f, x, X), *ns.jvp(f, (x,), (X,))]
    for expected, one, other in zip(plain, inside, unrecorded, strict=True):
        assert_close(one, expected)
        assert_close(np.asarray(other), np.asarray(expected))
        assert not other.requires_grad


def test_no_grad_inside_a_function_is_respected():
    def f(x: Any) -> Any:
        with ns.no_grad():
            frozen = x * 2
        return x * frozen

    assert ns.grad(f)(3.0) == 6.0


def test_functions_that_call_backward_themselves(says):
    used_up = ns.Tensor(3.0, requires_grad=True) ** 2
    used_up.backward()
    assert ns.grad(lambda x: x * used_up)(2.0) == 9.0
    assert ns.grad(lambda x: used_up)(2.0) == 0.0
    assert ns.grad(lambda x: x * ns.grad(lambda y: y * used_up)(x))(2.0) == 9.0

    def inner(x: Any) -> Any:
        w = ns.Parameter(3.0)
        (w * w).backward()
        return x * w.grad

    assert ns.grad(inner)(2.0) == 6.0

    def too_early(x: Any) -> Any:
        y = x * x
        y.backward()
        return y * 3

    with says(RuntimeError, "multiply", "retain_graph=True"):
        ns.grad(too_early)(2.0)


def test_a_pullback_can_be_called_again():
    _, pullback = ns.vjp(np.sin, X)
    for scale in (1.0, 2.0, 1.0):
        assert_close(pullback(scale * np.ones(3))[0], scale * np.cos(X))
    assert_close(pullback([1.0, 1.0, 1.0])[0], np.cos(X))


def test_what_does_not_depend_on_an_argument_has_zero_gradient():
    assert ns.grad(lambda x: 3.0)(2.0) == 0.0
    assert ns.grad(lambda x, y: y * y, (0, 1))(2.0, 3.0) == (0.0, 6.0)
    assert ns.jacobian(lambda x: np.ones(2))(X).tolist() == np.zeros((2, 3)).tolist()
    assert ns.jvp(lambda x: np.ones(2), (X,), (X,))[1].tolist() == [0.0, 0.0]
    count, tangent = ns.jvp(lambda x: (np.argmax(x), x), (X,), (X,))[1]
    assert count == 0
    assert_close(tangent, X)


def test_empty_outputs_and_arguments():
    assert ns.jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert ns.jacobian(lambda x: x[:0])(ns.Tensor(X)).shape == (0, 3)
    assert ns.jacobian(lambda x: x)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
    assert ns.grad(np.sum)(np.zeros((2, 0))).shape == (2, 0)
    assert ns.hessian(np.sum)(np.zeros(0)).shape == (0, 0)
    assert ns.jacobian(lambda x: (x[:0], np.sum(x)))(X)[1].tolist() == [1.0, 1.0, 1.0]
