"""Every operator, with every kind of operand on either side, against NumPy and PyTorch."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import nnscratch as ns

FLOATS = [np.float16, np.float32, np.float64]
BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "**": operator.pow, "%": operator.mod, "@": operator.matmul,
}  # fmt: skip
VALUES = np.array([1.5, 2.25, 0.5])
OTHER = np.array([0.75, 1.25, 2.0])
OPERANDS = {
    "tensor": lambda: ns.Tensor(OTHER),
    "array": lambda: OTHER,
    "list": OTHER.tolist,
    "tuple": lambda: tuple(OTHER.tolist()),
    "integers": lambda: np.array([1, 2, 3]),
    "float": lambda: 0.75,
    "int": lambda: 2,
    "numpy scalar": lambda: np.float64(0.75),
    "0-d array": lambda: np.array(0.75),
    "column": lambda: OTHER[:, None],
}
VECTORS = ("tensor", "array", "list", "tuple", "integers")
CASES = [(symbol, kind) for symbol in BINARY for kind in OPERANDS]
CASES = [(symbol, kind) for symbol, kind in CASES if symbol != "@" or kind in VECTORS]


@pytest.mark.parametrize("reflected", [False, True])
@pytest.mark.parametrize(("symbol", "kind"), CASES)
def test_operators_with_every_kind_of_operand(symbol, kind, reflected):
    operation = BINARY[symbol]

    def apply(t: Any, other: Any) -> Any:
        return operation(other, t) if reflected else operation(t, other)

    other = OPERANDS[kind]()
    plain = np.asarray(other)
    t = ns.Tensor(VALUES, requires_grad=True)
    result = apply(t, other)
    assert type(result) is ns.Tensor
    assert_close(result.data, np.asarray(apply(VALUES, plain)))

    result.sum().backward()
    reference = torch.tensor(VALUES, requires_grad=True)
    apply(reference, torch.tensor(plain, dtype=torch.float64)).sum().backward()
    assert t.grad.dtype == t.dtype
    assert_close(torch.tensor(t.grad.data), reference.grad)


def test_matrix_products_with_lists_and_arrays_on_either_side():
    square = np.array([[1.0, 2.0], [3.0, 5.0]])
    other = np.array([[0.5, -1.0], [2.0, 0.25]])
    for operand in (other, other.tolist(), ns.Tensor(other), tuple(map(tuple, other.tolist()))):
        t, reference = (
            ns.Tensor(square, requires_grad=True),
            torch.tensor(square, requires_grad=True),
        )
        (t @ operand @ t).sum().backward()
        (reference @ torch.tensor(other) @ reference).sum().backward()
        assert_close((operand @ t).data, other @ square)
        assert_close(torch.tensor(t.grad.data), reference.grad)


@pytest.mark.parametrize("symbol", BINARY)
def test_both_operands_get_their_gradient(symbol):
    a, b = ns.Tensor(VALUES, requires_grad=True), ns.Tensor(OTHER, requires_grad=True)
    BINARY[symbol](a, b).sum().backward()
    p, q = torch.tensor(VALUES, requires_grad=True), torch.tensor(OTHER, requires_grad=True)
    BINARY[symbol](p, q).sum().backward()
    assert_close(torch.tensor(a.grad.data), p.grad)
    assert_close(torch.tensor(b.grad.data), q.grad)


@pytest.mark.parametrize("kind", OPERANDS)
def test_floor_division_and_divmod(kind):
    other = OPERANDS[kind]()
    plain = np.asarray(other)
    t = ns.Tensor(VALUES, requires_grad=True)
    pairs = [
        ((t // other,), (VALUES // plain,)),
        ((other // t,), (plain // VALUES,)),
        (divmod(t, other), divmod(VALUES, plain)),
        (divmod(other, t), divmod(plain, VALUES)),
    ]
    for results, expected in pairs:
        for result, value in zip(results, expected, strict=True):
            assert_close(result.data, value)
    (t // other + other // t).sum().backward()
    assert np.array_equal(t.grad.data, np.zeros(3))


@pytest.mark.parametrize("operation", [operator.neg, operator.pos, abs])
def test_unary_operators(operation):
    values = np.array([-1.5, 2.0, 0.0])
    t = ns.Tensor(values, requires_grad=True)
    operation(t).sum().backward()
    reference = torch.tensor(values, requires_grad=True)
    operation(reference).sum().backward()
    assert_close(operation(t).data, operation(values))
    assert_close(torch.tensor(t.grad.data), reference.grad)


@pytest.mark.parametrize("operation", [round, math.floor, math.ceil, math.trunc])
def test_rounding_has_zero_gradient(operation):
    values = np.array([-1.5, 2.25])
    rounding = {round: np.round, math.floor: np.floor, math.ceil: np.ceil, math.trunc: np.trunc}
    t = ns.Tensor(values, requires_grad=True)
    assert np.array_equal(operation(t).data, rounding[operation](values))
    operation(t).sum().backward()
    assert np.array_equal(t.grad.data, np.zeros(2))
    assert np.array_equal(round(t, 1).data, np.round(values, 1))


COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("kind", OPERANDS)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_comparisons_give_booleans_without_a_gradient(compare, kind):
    other = OPERANDS[kind]()
    t = ns.Tensor([0.75, 1.0, 3.0], requires_grad=True)
    for result, expected in [
        (compare(t, other), compare(t.data, np.asarray(other))),
        (compare(other, t), compare(np.asarray(other), t.data)),
    ]:
        assert type(result) is ns.Tensor
        assert result.dtype == np.bool_
        assert not result.requires_grad
        assert np.array_equal(result.data, expected)


@pytest.mark.parametrize("combine", [operator.and_, operator.or_, operator.xor])
def test_logical_operators(combine):
    a, b = np.array([True, True, False]), np.array([True, False, False])
    for result in (combine(ns.Tensor(a), ns.Tensor(b)), combine(ns.Tensor(a), b)):
        assert np.array_equal(result.data, combine(a, b))
    assert np.array_equal(combine(a, ns.Tensor(b)).data, combine(a, b))
    assert np.array_equal(combine(True, ns.Tensor(b)).data, combine(True, b))
    assert np.array_equal((~ns.Tensor(a)).data, ~a)


def test_a_list_with_a_recorded_tensor_is_not_detached(says):
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    for other in ([t[0], 1.0], (t[0], 1.0)):
        with says(TypeError, "ns.array([...])", "t.detach()"):
            other + t


def test_operators_keep_the_dtype():
    for dtype in FLOATS:
        t = ns.Tensor([1.5, 2.0], requires_grad=True, dtype=dtype)
        for result in (t + 1, 2.0 * t, t / 3, 1 - t, t**2, t % 2, -t, t @ t, t // 2, t.mean()):
            assert result.dtype == dtype
        assert (t + ns.Tensor(np.ones(2))).dtype == np.float64


def test_augmented_assignment_makes_a_new_tensor():
    leaf = t = ns.Tensor([1.0, 2.0], requires_grad=True)
    t += ns.Tensor([10.0, 10.0])
    t *= 3
    t -= [1.0, 1.0]
    t /= 2.0
    t **= 2
    t @= np.array([1.0, 2.0])
    assert t is not leaf
    assert np.array_equal(leaf.data, [1.0, 2.0])
    t.backward()
    reference = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    ((((reference + 10) * 3 - 1) / 2) ** 2 @ torch.tensor([1.0, 2.0]).double()).backward()
    assert_close(torch.tensor(leaf.grad.data), reference.grad)
