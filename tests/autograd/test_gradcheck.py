"""gradcheck passes right gradients and names what is wrong with wrong ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.autograd import OPS, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

X = np.array([0.4, -0.7, 1.2])


@pytest.fixture
def declare() -> Iterator[Callable[..., Op]]:
    """Declare ops for one test."""
    before = set(OPS)

    def declared(forward: Any, *vjps: Any) -> Op:
        name = f"op_of_a_test_{len(OPS)}"
        return Op(name, forward, vjps=vjps, formula="", samples=None, torch=None, numpy=[])

    yield declared
    for name in set(OPS) - before:
        del OPS[name]


@pytest.mark.parametrize("order", [1, 2])
def test_passes_right_rules(order, declare):
    cube = declare(lambda a: a**3, lambda g, y, a: 3 * g * a**2)
    assert ns.gradcheck(cube, X, order=order) is True
    assert ns.gradcheck(lambda a, b: np.sum(np.tanh(a @ b)), np.eye(3), X, order=order)
    assert ns.gradcheck(lambda a: (np.sin(a), {"sum": np.sum(a)}), X, order=order)
    assert ns.gradcheck(lambda p: p["w"] * p["b"][0], {"w": X, "b": [2.0]}, order=order)
    assert ns.gradcheck(lambda a: np.linalg.eigh(a @ a.T)[0], np.diag(X) + 0.1, order=order)


def test_inputs_of_every_kind():
    assert ns.gradcheck(np.sin, 0.3)
    assert ns.gradcheck(np.sin, np.float32(0.3))
    assert ns.gradcheck(np.sin, X.astype(np.float16))
    assert ns.gradcheck(np.sin, ns.Tensor(X))
    assert ns.gradcheck(np.sin, ns.Parameter(X), order=2)
    assert ns.gradcheck(np.sin, X[::2])
    assert ns.gradcheck(np.sin, np.zeros((2, 0)), order=2)
    assert ns.gradcheck(lambda a, i, axis: np.sum(a[i], axis), np.eye(3), np.array([0, 2]), 0)
    assert ns.gradcheck(lambda a: (a, np.argmax(a)), X, order=2)


def test_inputs_are_not_changed():
    x = X.copy()
    tensor = ns.Tensor(x, requires_grad=True)
    ns.gradcheck(lambda a, b: np.sum(a * b), x, tensor, order=2)
    assert np.array_equal(x, X)
    assert tensor.grad is None


def test_works_under_no_grad():
    with ns.no_grad():
        assert ns.gradcheck(np.sin, X, order=2)


def numbers_in(message: str) -> list[float]:
    return [float(text) for text in re.findall(r"is (\S+), .* give (\S+)\.$", message)[0]]


def test_names_argument_index_and_both_values(declare):
    wrong = declare(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a * [1, 1, 2])
    with pytest.raises(ns.GradcheckError) as caught:
        ns.gradcheck(wrong, X, X + 2)
    message = str(caught.value)
    assert "gradient of output 0 at (2,) for argument 1 at (2,)" in message
    assert "second-order" not in message
    analytic, numeric = numbers_in(message)
    assert analytic == pytest.approx(2 * X[2])
    assert numeric == pytest.approx(X[2])


def test_names_the_output(declare):
    wrong = declare(
        lambda a: (np.sin(a), np.cos(a)), lambda g, y, a: g[0] * np.cos(a) + g[1] * np.sin(a)
    )
    with pytest.raises(ns.GradcheckError, match=r"output 1 at \(0, 1\) for argument 0 at \(0, 1\)"):
        ns.gradcheck(wrong, np.array([[0.0, 0.7]]))


def test_second_order_catches_a_rule_whose_own_gradient_is_wrong(declare):
    wrong_slope = declare(np.cos, lambda g, y, a: g * 0.5)
    half_right = declare(np.sin, lambda g, y, a: g * wrong_slope(a))
    assert ns.gradcheck(half_right, X)
    with pytest.raises(ns.GradcheckError, match="second-order gradient of output 0 at") as caught:
        ns.gradcheck(half_right, X, order=2)
    analytic, numeric = numbers_in(str(caught.value))
    assert analytic != pytest.approx(numeric)


def test_second_order_catches_a_rule_cut_off_from_the_tape(declare):
    detached = declare(lambda a: a**3, lambda g, y, a: 3 * g * ns.Tensor(a).data ** 2)
    assert ns.gradcheck(detached, X)
    with pytest.raises(ns.GradcheckError, match="second-order") as caught:
        ns.gradcheck(detached, X, order=2)
    analytic, numeric = numbers_in(str(caught.value))
    assert analytic == 0
    assert numeric != 0


def test_a_missing_gradient_and_a_nan_are_failures(declare):
    for factor in (0.0, -1.0, np.nan):
        with pytest.raises(ns.GradcheckError):
            ns.gradcheck(declare(np.sin, lambda g, y, a, factor=factor: g * factor), X)
    with pytest.raises(ns.GradcheckError):
        ns.gradcheck(lambda a: np.sin(a.detach()), X)


def test_tolerances_are_those_asked_for(declare):
    almost = declare(np.sin, lambda g, y, a: g * np.cos(a) * 1.0005)
    assert ns.gradcheck(almost, X)
    with pytest.raises(ns.GradcheckError):
        ns.gradcheck(almost, X, rtol=1e-4)
    shifted = declare(np.sin, lambda g, y, a: g * (np.cos(a) + 5e-6))
    assert ns.gradcheck(shifted, X, rtol=0)
    with pytest.raises(ns.GradcheckError):
        ns.gradcheck(shifted, X, rtol=0, atol=1e-6)
    with pytest.raises(ns.GradcheckError):
        ns.gradcheck(np.exp, X, eps=0.5)


def test_needs_something_to_differentiate(says):
    for inputs in ((), (np.arange(3),), (2, "text")):
        with says(TypeError, "floating-point input"):
            ns.gradcheck(np.sum, *inputs)
