"""Tensor and Parameter: what they hold, how elements come out, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nnscratch as ns

FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64]


# --- making one -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "shape", "dtype"),
    [
        (2.5, (), np.float64),
        (3, (), np.int64),
        (True, (), np.bool_),
        ([], (0,), np.float64),
        ([1, 2.5], (2,), np.float64),
        ([[1, 2], [3, 4], [5, 6]], (3, 2), np.int64),
        ((1.0, 2.0), (2,), np.float64),
        (range(4), (4,), np.int64),
        (np.float32(1.5), (), np.float32),
        (np.zeros((2, 0, 3), np.float16), (2, 0, 3), np.float16),
    ],
)
def test_takes_what_numpy_takes(data, shape, dtype):
    for made in (ns.Tensor(data), ns.tensor(data)):
        assert made.shape == shape
        assert made.ndim == len(shape)
        assert made.size == math.prod(shape)
        assert made.dtype == dtype
        assert isinstance(made.data, np.ndarray)
        assert np.array_equal(made.numpy(), np.asarray(data))
        assert made.grad is None
        assert made.is_leaf
        assert not made.requires_grad


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_dtype_is_kept_or_converted(dtype):
    assert ns.Tensor(np.ones(2, dtype)).dtype == dtype
    assert ns.Tensor([0, 1], dtype=dtype).dtype == dtype
    assert ns.tensor([0, 1], dtype=dtype).dtype == dtype
    assert ns.Tensor(ns.Tensor([0, 1]), dtype=dtype).dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_can_require_gradients(dtype):
    assert ns.Tensor([1.0], requires_grad=True, dtype=dtype).requires_grad
    assert ns.tensor([1.0], requires_grad=True, dtype=dtype).requires_grad
    assert ns.Parameter([1.0], dtype=dtype).requires_grad


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_and_booleans_cannot_require_gradients(dtype, says):
    name = np.dtype(dtype).name
    for make in (ns.Tensor, ns.tensor):
        with says(TypeError, name, "t.astype(np.float32)"):
            make(np.ones(2, dtype), requires_grad=True)
    with says(TypeError, name, "t.astype(np.float32)"):
        ns.Parameter(np.ones(2, dtype))
    integers = ns.Tensor([1, 0], dtype=dtype)
    integers.requires_grad = True
    with says(TypeError, name, "t.astype(np.float32)"):
        (integers * 1.5).sum().backward()


@pytest.mark.parametrize(
    "data",
    [1j, np.array([1j]), [1.0, 2j], "text", ["a", "b"], None, [1.0, None], {"a": 1}, object(),
     np.datetime64("2020-01-01"), 2**70],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_refuses_what_is_not_a_real_number(data, says):
    for dtype in (None, np.float64):
        for make in (ns.Tensor, ns.tensor):
            with says(TypeError, type(data).__name__, "convert the data to numbers first"):
                make(data, dtype=dtype)


def test_refuses_complex_dtypes_and_ragged_lists(says):
    with says(TypeError, "complex128", "convert"):
        ns.Tensor([1.0], dtype=complex)
    with says(TypeError, "rectangular", "list", "pad"):
        ns.Tensor([[1.0], [2.0, 3.0]])
    with says(TypeError, "rectangular", "pad"):
        ns.tensor([1.0, [2.0]], dtype=np.float32)


def test_integer_results_require_no_gradient():
    leaf = ns.Tensor([1.5, 2.5], requires_grad=True)
    for result in (leaf.astype(np.int64), leaf > 2, leaf.argmax(), leaf.astype(bool)):
        assert not result.requires_grad
        assert result.is_leaf
    assert leaf.astype(np.float16).requires_grad


def test_Tensor_shares_memory_and_tensor_copies():
    array = np.zeros(3)
    shared, copied = ns.Tensor(array), ns.tensor(array)
    array[0] = 7
    assert shared.data[0] == 7
    assert copied.data[0] == 0
    assert np.shares_memory(ns.Tensor(shared).data, array)
    assert not np.shares_memory(ns.tensor(shared).data, array)
    assert np.shares_memory(shared.numpy(), array)
    assert np.shares_memory(shared.detach().data, array)


def test_a_tensor_made_from_a_recorded_one_is_a_leaf():
    recorded = ns.Tensor([1.0, 2.0], requires_grad=True) * 2
    for made in (ns.Tensor(recorded), ns.tensor(recorded), recorded.detach()):
        assert made.is_leaf
        assert not made.requires_grad
    assert ns.Tensor(recorded, requires_grad=True).is_leaf


# --- out of the tape ------------------------------------------------------------------------


def test_numbers_come_out():
    t = ns.Tensor([[1.5, 2.5]])
    assert t.tolist() == [[1.5, 2.5]]
    assert ns.Tensor([[2.5]]).item() == 2.5
    assert type(ns.Tensor(2.5, dtype=np.float32).item()) is float
    assert type(ns.Tensor(2).item()) is int
    assert float(ns.Tensor([[2.5]])) == 2.5
    assert int(ns.Tensor(2.9)) == 2
    assert ["a", "b"][ns.Tensor(1)] == "b"
    assert list(range(5))[ns.Tensor(1) : ns.Tensor(3)] == [1, 2]
    assert bool(ns.Tensor([1.0]))
    assert not ns.Tensor(0.0)
    assert f"{ns.Tensor(0.12345, requires_grad=True):.2f}" == "0.12"
    assert f"{ns.Tensor([1.0])}" == "Tensor([1.])"


def test_numbers_that_are_not_one(says):
    t = ns.Tensor([1.0, 2.0])
    with says(ValueError, "(2,)", ".sum()"):
        t.item()
    with says(ValueError, "(2,)"):
        float(t)
    with says(ValueError, "(2,)"):
        int(t)
    with says(ValueError, "(2,)"):
        f"{t:.2f}"
    with says(ValueError, "(2,)", "t.any() or t.all()"):
        bool(t)
    with says(ValueError, "(0,)"):
        bool(ns.Tensor([]))
    with says(TypeError, "()"):
        len(ns.Tensor(1.0))
    with says(TypeError, "()"):
        iter(ns.Tensor(1.0))
    with pytest.raises(TypeError):
        ["a", "b"][ns.Tensor(1.0)]


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: ns.Tensor([1.0, 2.0]), "Tensor([1., 2.])"),
        (lambda: ns.Tensor([1, 2]), "Tensor([1, 2])"),
        (lambda: ns.Tensor(True), "Tensor(True)"),
        (lambda: ns.Tensor([1.0], dtype=np.float32), "Tensor([1.], dtype=float32)"),
        (lambda: ns.Tensor(1.0, requires_grad=True), "Tensor(1., requires_grad=True)"),
        (lambda: ns.Tensor(1.0, requires_grad=True) * 2, "Tensor(2., made by multiply)"),
        (lambda: ns.Parameter([[1.0], [2.0]]),
         "Parameter([[1.],\n           [2.]], requires_grad=True)"),
    ],
)  # fmt: skip
def test_repr(make, shown):
    assert repr(make()) == shown


# --- elements -------------------------------------------------------------------------------

INDICES = [
    1, -1, slice(None), slice(None, None, -2), slice(1, 3), ..., None, (), (1, 2), (slice(None), 0),
    (..., slice(1, None)), (None, 1, None, slice(2)), [0, 2, 2], np.array([[0, 1], [-1, 0]]),
    ([0, 2], [1, 3]), (slice(None), [0, 0, 3]), np.array([True, False, True]), slice(2, 2),
    (np.array([True, False, True]), 1),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing(index):
    values = np.arange(12.0).reshape(3, 4)
    t = ns.Tensor(values, requires_grad=True)
    selected = t[index]
    assert np.array_equal(selected.data, values[index])
    weights = np.arange(1.0, 1.0 + selected.size).reshape(selected.shape)
    selected.backward(weights)
    expected = np.zeros_like(values)
    np.add.at(expected, index, weights)
    assert np.array_equal(t.grad.data, expected)


def test_tensors_index_tensors_and_arrays():
    values = np.arange(12.0).reshape(3, 4)
    t = ns.Tensor(values)
    assert np.array_equal(t[ns.Tensor([2, 0])].data, values[[2, 0]])
    assert np.array_equal(t[t > 5].data, values[values > 5])
    assert np.array_equal(t[ns.Tensor(1), ns.Tensor([1, 2])].data, values[1, [1, 2]])
    assert t[ns.Tensor(1), 2].item() == values[1, 2]


def test_length_iteration_unpacking_and_membership():
    t = ns.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert len(t) == 2
    assert [row.tolist() for row in t] == t.tolist()
    first, second = t
    (first * second).sum().backward()
    assert np.array_equal(t.grad.data, [[3.0, 4.0], [1.0, 2.0]])
    assert 3.0 in t
    assert 5.0 not in t
    assert ns.Tensor(4.0) in t
    assert list(ns.Tensor([])) == []


def test_tensors_are_hashed_by_identity():
    a, b = ns.Tensor([1.0]), ns.Tensor([1.0])
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"


# --- Parameter ------------------------------------------------------------------------------


def test_a_parameter_requires_a_gradient_and_has_a_name():
    kernel = ns.Parameter(np.ones((2, 3), np.float32), name="kernel")
    assert isinstance(kernel, ns.Tensor)
    assert kernel.requires_grad
    assert kernel.trainable
    assert kernel.is_leaf
    assert kernel.name == "kernel"
    assert kernel.dtype == np.float32
    assert type(kernel * 2) is ns.Tensor
    assert ns.Parameter([1, 2], dtype=np.float16).dtype == np.float16


def test_a_frozen_parameter_gets_no_gradient_but_lets_it_pass():
    inner, frozen = ns.Parameter([2.0, 3.0]), ns.Parameter([5.0, 7.0])
    frozen.trainable = False
    (inner * frozen).sum().backward()
    assert frozen.grad is None
    assert np.array_equal(inner.grad.data, [5.0, 7.0])
    frozen.trainable = True
    (inner * frozen).sum().backward()
    assert np.array_equal(frozen.grad.data, [2.0, 3.0])
    frozen.trainable = False
    assert frozen.grad is None
    assert not ns.Parameter([1.0], trainable=False).requires_grad


def test_assign_overwrites_in_place(says):
    kernel = ns.Parameter(np.zeros((2, 2), np.float32), name="kernel")
    memory = kernel.data
    for values in ([[1, 2], [3, 4]], np.full((2, 2), 7.0), ns.Tensor([5.0, 6.0]), kernel * 2, 3):
        expected = np.broadcast_to(np.asarray(getattr(values, "data", values)), (2, 2))
        kernel.assign(values)
        assert np.array_equal(memory, expected)
    assert kernel.data is memory
    assert kernel.dtype == np.float32
    with says(ValueError, "'kernel'", "(2, 2)", "(3,)"):
        kernel.assign(np.ones(3))
    assert np.array_equal(memory, np.full((2, 2), 3.0))
