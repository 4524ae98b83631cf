"""Gradients of functions against torch.func, on every kind of argument and nested to any order."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import nnscratch as ns

# PyTorch's forward mode compiles its decompositions with its own deprecated function.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

X = np.array([0.4, -0.7, 1.2])
A = np.array([[0.3, -0.2, 0.5], [0.7, 0.1, -0.4]])

Pair = namedtuple("Pair", ["weight", "bias"])


def on_torch(value: Any) -> Any:
    """Nested arrays and floats as torch tensors of the same nesting."""
    if isinstance(value, dict):
        return {key: on_torch(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(on_torch, value))
    if isinstance(value, tuple | list):
        return type(value)(map(on_torch, value))
    return torch.tensor(np.asarray(value))


def same(ours: Any, theirs: Any) -> None:
    """Our result is nested like PyTorch's and holds the same numbers."""
    if isinstance(theirs, torch.Tensor):
        assert not isinstance(ours, dict | list | tuple)
        plain = ours.data if isinstance(ours, ns.Tensor) else ours
        assert_close(torch.as_tensor(np.asarray(plain)), theirs.detach())
        return
    assert type(ours) is type(theirs)
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), list(theirs.values())
    for one, other in zip(ours, theirs, strict=True):
        same(one, other)


class Language:
    """The functions that one program needs, from NumPy or from PyTorch."""

    def __init__(self, module: Any) -> None:
        self.sin, self.exp, self.tanh, self.sum = module.sin, module.exp, module.tanh, module.sum


NUMPY, TORCH = Language(np), Language(torch)


# --- against torch.func ---------------------------------------------------------------------

ARGUMENTS = {
    "array": lambda m: (lambda x: m.sum(m.sin(x) * x), X),
    "matrix": lambda m: (lambda a: m.sum(m.tanh(a) @ m.exp(a.T)), A),
    "float": lambda m: (lambda x: m.sin(x) * x**3, 0.7),
    "0-d array": lambda m: (lambda x: m.sin(x) * x**3, np.array(0.7)),
    "tuple": lambda m: (lambda p: m.sum(m.tanh(p[0] @ p[1])), (A, X)),
    "list": lambda m: (lambda p: m.sum(m.tanh(p[0] @ p[1])) * p[2], [A, X, 0.3]),
    "dict": lambda m: (
        lambda p: m.sum(m.tanh(p["w"] @ p["x"]) + p["b"]),
        {"w": A, "x": X, "b": 0.3},
    ),
    "namedtuple": lambda m: (
        lambda p: m.sum(m.tanh(p.weight @ X_OF[m]) * p.bias),
        Pair(A, 0.3),
    ),
    "nested": lambda m: (
        lambda p: m.sum(m.tanh(p["layers"][0].weight @ p["x"]) + p["layers"][1][0]),
        {"layers": [Pair(A, 0.5), (X[:2],)], "x": X},
    ),
}
X_OF = {NUMPY: X, TORCH: torch.tensor(X)}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_grad_and_value_and_grad(kind):
    f, argument = ARGUMENTS[kind](NUMPY)
    g, _ = ARGUMENTS[kind](TORCH)
    expected, value = torch.func.grad_and_value(g)(on_torch(argument))
    same(ns.grad(f)(argument), expected)
    same(ns.value_and_grad(f)(argument)[1], expected)
    same(ns.value_and_grad(f)(argument)[0], value)


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_hessian(kind):
    f, argument = ARGUMENTS[kind](NUMPY)
    g, _ = ARGUMENTS[kind](TORCH)
    expected = torch.func.hessian(g)(on_torch(argument))
    same(ns.hessian(f)(argument), expected)
    same(ns.jacobian(ns.jacobian(f))(argument), expected)


@pytest.mark.parametrize("kind", ["array", "matrix", "float", "0-d array"])
def test_hvp_is_the_hessian_times_a_vector(kind):
    f, argument = ARGUMENTS[kind](NUMPY)
    g, _ = ARGUMENTS[kind](TORCH)
    vector = np.cos(np.asarray(argument) * 3)
    _, expected = torch.autograd.functional.hvp(g, on_torch(argument), on_torch(vector))
    same(ns.hvp(f, argument, vector), expected)
    same(ns.hvp(f, argument, vector), torch.tensor(
        np.tensordot(ns.hessian(f)(argument), vector, np.ndim(argument))
    ))  # fmt: skip


def test_hvp_of_nested_arguments():
    f, argument = ARGUMENTS["dict"](NUMPY)
    g, _ = ARGUMENTS["dict"](TORCH)
    vector = {"b": 2.0, "x": np.ones(3), "w": A + 1}
    ordered = on_torch({key: vector[key] for key in argument})
    _, expected = torch.func.jvp(torch.func.grad(g), (on_torch(argument),), (ordered,))
    same(ns.hvp(f, argument, vector), expected)


def outputs_of_every_kind(m: Any) -> Any:
    return lambda a, x: {"product": a @ x, "pair": (m.sum(m.exp(x)), [m.sin(a)]), "x": x}


def test_vjp_of_nested_outputs():
    value, pullback = ns.vjp(outputs_of_every_kind(NUMPY), A, X)
    expected, reference = torch.func.vjp(outputs_of_every_kind(TORCH), *on_torch((A, X)))
    same(value, expected)
    cotangent = {"product": X[:2], "pair": (0.3, [A * 2]), "x": X + 1}
    same(pullback(cotangent), reference(on_torch(cotangent)))
    reordered = {key: cotangent[key] for key in ("x", "pair", "product")}
    same(pullback(reordered), reference(on_torch(cotangent)))


def test_jvp_of_nested_outputs_and_arguments():
    tangents = (A + 1, X - 1)
    ours = ns.jvp(outputs_of_every_kind(NUMPY), (A, X), tangents)
    theirs = torch.func.jvp(outputs_of_every_kind(TORCH), on_torch((A, X)), on_torch(tangents))
    same(ours, theirs)


@pytest.mark.parametrize("argnums", [0, 1, (0, 1), (1,), (1, 0)])
def test_jacobian_of_nested_outputs(argnums):
    ours = ns.jacobian(outputs_of_every_kind(NUMPY), argnums)(A, X)
    theirs = torch.func.jacrev(outputs_of_every_kind(TORCH), argnums)(*on_torch((A, X)))
    same(ours, theirs)


@pytest.mark.parametrize("argnums", [0, 2, -1, (0, 2), (2, 0), (1,), (-1, 0)])
def test_argnums_choose_arguments(argnums):
    def program(m: Any) -> Any:
        return lambda a, x, s: m.sum(m.tanh(a @ x)) * s

    def positive(number: int) -> int:
        return number % 3

    reference = positive(argnums) if isinstance(argnums, int) else tuple(map(positive, argnums))
    expected = torch.func.grad(program(TORCH), reference)(*on_torch((A, X, 0.6)))
    same(ns.grad(program(NUMPY), argnums)(A, X, 0.6), expected)
    same(ns.value_and_grad(program(NUMPY), argnums)(A, X, 0.6)[1], expected)
    expected = torch.func.hessian(program(TORCH), reference)(*on_torch((A, X, 0.6)))
    same(ns.hessian(program(NUMPY), argnums)(A, X, 0.6), expected)


def test_other_arguments_may_be_anything():
    def f(x: Any, name: str, *, power: int, options: dict[str, Any]) -> Any:
        assert name == "cube"
        return np.sum(x**power) * options["scale"]

    keywords: dict[str, Any] = {"power": 3, "options": {"scale": 2.0}}
    expected = 2.0 * 3 * X**2
    same(ns.grad(f)(X, "cube", **keywords), torch.tensor(expected))
    same(ns.jacobian(f)(X, "cube", **keywords), torch.tensor(expected))
    same(ns.hessian(f)(X, "cube", **keywords), torch.tensor(np.diag(12.0 * X)))
    same(ns.elementwise_grad(f)(X, "cube", **keywords), torch.tensor(expected))


def test_elementwise_grad():
    for f, g in ((np.tanh, torch.tanh), (lambda x: x**3 / 2, lambda x: x**3 / 2)):
        for argument in (X, A, 0.3, np.array(0.3), np.zeros((0, 2))):
            first, expected = ns.elementwise_grad(f), torch.func.grad(lambda x, g=g: g(x).sum())
            same(first(argument), expected(on_torch(argument)))
    third = ns.elementwise_grad(ns.elementwise_grad(ns.elementwise_grad(np.tanh)))
    y = np.tanh(A)
    assert_close(third(A), -2 * (1 - y**2) * (1 - 3 * y**2))
    multiplied = ns.elementwise_grad(lambda a, x: {"y": a * x, "z": (a**2,)}, (0, 1))(A, A + 1)
    assert_close(multiplied[0], A + 1 + 2 * A)
    assert_close(multiplied[1], A)


# --- nesting ----------------------------------------------------------------------------------


def test_inner_and_outer_variables_are_not_confused():
    assert ns.grad(lambda x: x * ns.grad(lambda y: x + y)(1.0))(2.0) == 1.0
    assert ns.grad(lambda x: x * ns.grad(lambda y: x * y)(1.0))(2.0) == 4.0
    assert ns.grad(lambda x: ns.grad(lambda y: ns.grad(lambda z: x * y * z)(y))(x))(3.0) == 1.0
    assert ns.grad(lambda x: ns.grad(lambda x: x * x)(x) * x)(3.0) == 12.0

    def with_jvp(x: Any) -> Any:
        return x * ns.jvp(lambda y: x * y * y, (2.0,), (1.0,))[1]

    assert ns.grad(with_jvp)(3.0) == 24.0
    assert ns.jvp(lambda x: x * ns.grad(lambda y: x * y)(1.0), (3.0,), (1.0,)) == (9.0, 6.0)
    assert ns.jvp(with_jvp, (3.0,), (1.0,)) == (36.0, 24.0)


TRANSFORMS = {
    "grad": lambda f: ns.grad(f),
    "value_and_grad": lambda f: lambda x: ns.value_and_grad(f)(x)[1],
    "vjp": lambda f: lambda x: ns.vjp(f, x)[1](1.0)[0],
    "jvp": lambda f: lambda x: ns.jvp(f, (x,), (1.0,))[1],
    "jacobian": lambda f: ns.jacobian(f),
    "elementwise_grad": lambda f: ns.elementwise_grad(f),
}


@pytest.mark.parametrize("third", TRANSFORMS)
@pytest.mark.parametrize("second", TRANSFORMS)
@pytest.mark.parametrize("first", TRANSFORMS)
def test_transforms_nest_in_any_order(first, second, third):
    derivative = TRANSFORMS[third](TRANSFORMS[second](TRANSFORMS[first](np.tanh)))
    y = np.tanh(0.6)
    assert_close(float(derivative(0.6)), float(-2 * (1 - y**2) * (1 - 3 * y**2)))


@pytest.mark.parametrize("order", range(1, 6))
def test_derivatives_of_any_order(order):
    f, g = np.tanh, torch.tanh
    for _ in range(order):
        f, g = ns.grad(f), torch.func.grad(g)
    same(f(0.4), g(torch.tensor(0.4, dtype=torch.float64)))


def test_backward_through_transforms():
    values = np.array([0.3, -0.8])
    w, v = ns.Tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    inner = ns.grad(lambda x: np.sum(np.sin(x * w)))(w)
    expected = torch.func.grad(lambda x: torch.sum(torch.sin(x * v)))(v)
    (inner * inner).sum().backward()
    (expected * expected).sum().backward()
    same(w.grad, v.grad)


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argument", [np.arange(3), True, np.array([True]), "text", None, ns.Tensor(1)]
)
def test_arguments_that_are_not_floating_point(argument, says):
    for transform in (ns.grad, ns.value_and_grad, ns.jacobian, ns.hessian, ns.elementwise_grad):
        with says(TypeError, "floating-point", ".astype(float)", "argnums"):
            transform(np.sum)(argument)
    with says(TypeError, ".astype(float)"):
        ns.vjp(np.sum, argument)


def test_functions_that_return_more_than_one_number(says):
    with says(ValueError, "sin returned float64 of shape (3,)", "np.sum", "ns.jacobian"):
        ns.grad(np.sin)(X)
    with says(ValueError, "2 values", "np.sum"):
        ns.grad(lambda x: (x, x))(1.0)
    with says(ValueError, "(3,)", "np.mean"):
        ns.hessian(np.sin)(X)
    with says(ValueError, "(3,)"):
        ns.hvp(np.sin, X, X)
    assert ns.grad(lambda x: [np.sum(x)])(X).tolist() == [1.0, 1.0, 1.0]
    assert ns.grad(lambda x: {"loss": np.sum(x, keepdims=True)})(ns.Tensor(X)).tolist() == [1.0] * 3
    with says(TypeError, "None", "return"):
        ns.grad(lambda x: None)(1.0)


def test_argnums_that_do_not_fit(says):
    for argnums in (1, -2, (0, 3)):
        with says(ValueError, f"argnums={argnums}", "1 positional"):
            ns.grad(np.sum, argnums)(X)
    for argnums in ((0, 0), (0, -2)):
        with says(ValueError, f"argnums={argnums}", "twice"):
            ns.grad(lambda x, y: x * y, argnums)(1.0, 2.0)


def test_cotangents_that_do_not_fit(says):
    _, pullback = ns.vjp(lambda x: {"y": x, "z": (x, x)}, X)
    with says(ValueError, "cotangent", "(2,)", "(3,)"):
        pullback({"y": np.ones(2), "z": (X, X)})
    with says(ValueError, "cotangent", "['y', 'z']", "['y']"):
        pullback({"y": X})
    with says(ValueError, "cotangent", "['y', 'z']", "ndarray"):
        pullback(X)
    with says(ValueError, "cotangent", "tuple of 2", "1"):
        pullback({"y": X, "z": [X]})


def test_tangents_that_do_not_fit(says):
    with says(ValueError, "tangent", "(2,)", "(3,)"):
        ns.jvp(np.sin, (X,), (np.ones(2),))
    with says(ValueError, "tangent", "tuple of 1", "2"):
        ns.jvp(np.sin, (X,), (X, X))
    with says(TypeError, "ndarray", "jvp(f, (x,), (v,))"):
        ns.jvp(np.sin, X, X)
    with says(ValueError, "tangent", "['a']", "['b']"):
        ns.hvp(lambda p: p["a"] ** 2, {"a": 1.0}, {"b": 1.0})
