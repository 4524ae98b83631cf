"""The backward walk: accumulation, several consumers, shapes and dtypes, errors, higher order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import nnscratch as ns

FLOATS = [np.float16, np.float32, np.float64]


def leaf(values: Any, dtype: Any = None) -> ns.Tensor:
    return ns.Tensor(values, requires_grad=True, dtype=dtype)


# --- accumulation -----------------------------------------------------------------------------


def test_a_tensor_used_twice_by_one_op():
    a = leaf([1.0, 2.0])
    b = a + a
    c = b + b
    c.sum().backward()
    assert a.grad.tolist() == [4.0, 4.0]
    a.zero_grad()
    (a * a * a).sum().backward()
    assert a.grad.tolist() == [3.0, 12.0]


def test_contributions_of_several_consumers_are_added():
    def program(a: Any, exp: Any, sin: Any) -> Any:
        b = exp(a)
        c = b * a
        d = b + c
        return (sin(d) * b + c / d + a + d[1:].sum()).sum()

    values = np.array([0.1, 0.5, -0.3])
    a = leaf(values)
    program(a, np.exp, np.sin).backward()
    reference = torch.tensor(values, requires_grad=True)
    program(reference, torch.exp, torch.sin).backward()
    assert_close(torch.tensor(a.grad.data), reference.grad)


def test_a_consumer_recorded_after_a_longer_path_still_counts():
    a = leaf(2.0)
    early = a * 3.0
    long = early
    for _ in range(5):
        long = long * 2.0
    late = early * a
    (late + long).backward()
    assert a.grad.item() == 2 * 3.0 * 2.0 + 3.0 * 2.0**5


def test_backward_adds_to_grad_until_it_is_zeroed():
    a = leaf([1.0, 2.0])
    (a * 3).sum().backward()
    (a * 4).sum().backward()
    assert a.grad.tolist() == [7.0, 7.0]
    a.zero_grad()
    assert a.grad is None
    (a * 4).sum().backward()
    assert a.grad.tolist() == [4.0, 4.0]


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_share_no_memory(create_graph):
    a, b = leaf(np.ones(3)), ns.Parameter(np.ones(3))
    cotangent = np.ones(3)
    (a + b).backward(cotangent, create_graph=create_graph)
    arrays = [a.grad.data, b.grad.data, a.data, b.data, cotangent]
    assert all(
        not np.shares_memory(one, other)
        for i, one in enumerate(arrays)
        for other in arrays[:i]
    )  # fmt: skip
    a.grad.data[...] = 7
    assert b.grad.tolist() == [1.0, 1.0, 1.0]
    assert cotangent.tolist() == [1.0, 1.0, 1.0]

    a.zero_grad()
    a.sum().backward(create_graph=create_graph)
    assert a.grad.data.flags.writeable
    assert a.grad.data.strides == (8,)

    a.zero_grad()
    a.backward(cotangent, create_graph=create_graph)
    assert not np.shares_memory(a.grad.data, cotangent)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_has_its_parameters_shape_and_dtype(dtype, create_graph):
    a, b = leaf(np.ones((2, 1)), dtype), leaf(np.ones(3), dtype)
    scale, scalar = leaf(np.float64(2.0)), leaf(1.5, np.float32)
    result = (a * b * scale + scalar * np.arange(3)) / 7
    result.sum().backward(create_graph=create_graph)
    for tensor in (a, b, scale, scalar):
        assert tensor.grad.shape == tensor.shape
        assert tensor.grad.dtype == tensor.dtype
        assert isinstance(tensor.grad, ns.Tensor)


def test_broadcasting_is_undone():
    shapes = [(4, 1, 3), (2, 1), (), (1, 1, 1, 1), (3,)]
    generator = np.random.default_rng(0)
    values = [generator.normal(size=shape) for shape in shapes]
    tensors = [leaf(value) for value in values]
    references = [torch.tensor(value, requires_grad=True) for value in values]
    for a, b, c, d, e in (tensors, references):
        (a * b + c * d - e * a / 2).sum().backward()
    for tensor, reference in zip(tensors, references, strict=True):
        assert_close(torch.tensor(tensor.grad.data), reference.grad)


def test_the_cotangent_that_is_given():
    a = leaf([[1.0, 2.0]], np.float32)
    for cotangent in ([[10, 20]], np.array([[10, 20]]), ns.Tensor([[10.0, 20.0]]),
                      ns.Tensor([[10, 20]]), np.array([[10.0, 20.0]])):  # fmt: skip
        for create_graph in (False, True):
            for tensor in (a * 3, a):
                a.zero_grad()
                tensor.backward(cotangent, create_graph=create_graph)
                factor = 1 if tensor is a else 3
                assert a.grad.tolist() == [[10.0 * factor, 20.0 * factor]]
                assert a.grad.dtype == np.float32


def test_one_element_needs_no_cotangent():
    for shape in ((), (1,), (1, 1)):
        a = leaf(np.full(shape, 3.0))
        (a * a).backward()
        assert a.grad.shape == shape
        assert a.grad.item() == 6.0


def test_tensors_that_need_no_gradient_get_none():
    a, constant = leaf([1.0, 2.0]), ns.Tensor([3.0, 4.0])
    middle = a * constant
    middle.sum().backward()
    assert constant.grad is None
    assert middle.grad is None
    assert a.grad.tolist() == [3.0, 4.0]


def test_retain_grad_keeps_an_intermediate_gradient():
    a = leaf([1.0, 2.0])
    b = (a * a).retain_grad().retain_grad()
    c = b * 3
    c.sum().backward(retain_graph=True)
    assert b.grad.tolist() == [3.0, 3.0]
    c.sum().backward()
    assert b.grad.tolist() == [6.0, 6.0]
    assert a.retain_grad() is a
    values, vectors = np.linalg.eigh(leaf(np.diag([1.0, 2.0])))
    vectors.retain_grad()
    (vectors * np.eye(2)).sum().backward()
    assert vectors.grad.tolist() == np.eye(2).tolist()
    assert values.grad is None


# --- errors -----------------------------------------------------------------------------------


def test_backward_twice(says):
    a = leaf([1.0, 2.0])
    loss = (a * a).sum()
    loss.backward()
    with says(RuntimeError, "second time", "sum", "retain_graph=True"):
        loss.backward()
    assert a.grad.tolist() == [2.0, 4.0]

    shared = a * a
    shared.sum().backward()
    with says(RuntimeError, "multiply", "retain_graph=True"):
        (shared * 2).sum().backward()

    loss = (a * a).sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    loss.backward()
    with says(RuntimeError, "retain_graph=True"):
        loss.backward()


@pytest.mark.parametrize("result", [0, 1])
def test_backward_twice_through_an_op_with_two_results(result, says):
    parts = np.linalg.eigh(leaf(np.diag([1.0, 2.0])))
    parts[result].sum().backward()
    for part in parts:
        with says(RuntimeError, "eigh", "retain_graph=True"):
            part.sum().backward()


def test_backward_on_more_than_one_number(says):
    result = leaf([1.0, 2.0]) * 2
    with says(ValueError, "(2,)", ".sum() or .mean()", "gradient="):
        result.backward()
    with says(ValueError, "(3,)", "(2,)"):
        result.backward(np.ones(3))
    with says(ValueError, "()", "(2,)"):
        result.backward(1.0)


def test_backward_where_nothing_requires_a_gradient(says):
    with ns.no_grad():
        unrecorded = leaf([1.0]) * 2
    integers = (leaf([1.5]) > 1).sum()
    for tensor in (ns.Tensor(1.0), ns.Tensor(1.0) * 2, unrecorded, integers, leaf(1.0).detach()):
        with says(RuntimeError, "requires_grad=True"):
            tensor.backward()


# --- higher order -----------------------------------------------------------------------------


def test_gradients_of_gradients_of_gradients_of_tanh():
    values = np.linspace(-2, 2, 9)
    a = leaf(values)
    reference = torch.tensor(values, requires_grad=True)
    expected = torch.tanh(reference).sum()
    result = np.tanh(a).sum()
    for _ in range(4):
        a.zero_grad()
        result.backward(create_graph=True)
        (derivative,) = torch.autograd.grad(expected, reference, create_graph=True)
        assert_close(torch.tensor(a.grad.data), derivative.detach())
        result, expected = a.grad.sum(), derivative.sum()


def test_create_graph_through_several_consumers():
    def penalty(gradient: Any) -> Any:
        return (gradient * gradient).sum()

    values = np.array([[0.3, -0.2], [0.5, 0.9]])
    w, x = leaf(values), leaf(values.T + 1)
    (np.tanh(x @ w) @ w).sum().backward(create_graph=True)
    gradient = x.grad
    w.grad = x.grad = None
    penalty(gradient).backward()
    v, z = torch.tensor(values, requires_grad=True), torch.tensor(values.T + 1, requires_grad=True)
    (expected,) = torch.autograd.grad((torch.tanh(z @ v) @ v).sum(), z, create_graph=True)
    penalty(expected).backward()
    assert_close(torch.tensor(w.grad.data), v.grad)
    assert_close(torch.tensor(x.grad.data), z.grad)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("name", "part"), [("eigh", 0), ("eigh", 1), ("svd", 0), ("svd", 1), ("svd", 2)]
)
def test_one_result_of_an_op_with_several(name, part, order):
    values = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 3.0]])
    a, reference = leaf(values), torch.tensor(values, requires_grad=True)
    symmetric, expected = (a + a.T) / 2, (reference + reference.T) / 2
    result = getattr(np.linalg, name)(symmetric)[part]
    expected = getattr(torch.linalg, name)(expected)[part]
    # Squares and products of two columns' squares do not depend on the signs of the vectors.
    loss, expected = ((part == 1) + result * result), ((part == 1) + expected * expected)
    weights = np.arange(1.0, 1.0 + loss.size).reshape(loss.shape)
    loss, expected = (loss * weights).sum(), (expected * torch.tensor(weights)).sum()
    for _ in range(order):
        a.zero_grad()
        loss.backward(create_graph=True)
        (derivative,) = torch.autograd.grad(expected, reference, create_graph=True)
        assert_close(torch.tensor(a.grad.data), derivative.detach())
        loss, expected = (a.grad * a.grad).sum(), (derivative * derivative).sum()


def test_both_results_of_an_op_with_several():
    values = np.array([[2.0, 0.3], [0.3, 1.0]])
    a, reference = leaf(values), torch.tensor(values, requires_grad=True)
    for matrix, linalg in ((a, np.linalg), (reference, torch.linalg)):
        eigenvalues, eigenvectors = linalg.eigh((matrix + matrix.T) / 2)
        ((eigenvectors * eigenvectors) @ eigenvalues**2)[0].backward()
    assert_close(torch.tensor(a.grad.data), reference.grad)
