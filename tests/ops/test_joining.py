"""Joining and splitting: values against NumPy, each part's gradient from where it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscratch as ns


def check_join(function: Any, *arrays: Any) -> None:
    """A function that only puts elements side by side: positions tell where gradients come from."""
    tensors = [ns.Tensor(array, requires_grad=True) for array in arrays]
    y = function(tensors)
    np.testing.assert_array_equal(y.data, function(list(arrays)))
    ends = np.cumsum([0, *(array.size for array in arrays)])
    places = function(
        [start + np.arange(a.size).reshape(a.shape) for start, a in zip(ends, arrays, strict=False)]
    )
    cotangent = np.cos(np.arange(y.size)).reshape(y.shape)
    y.backward(cotangent)
    flat = np.bincount(places.ravel(), cotangent.ravel(), ends[-1])
    for tensor, start in zip(tensors, ends, strict=False):
        expected = flat[start : start + tensor.size].reshape(tensor.shape)
        np.testing.assert_array_equal(tensor.grad.data, expected)


def distinct(*shape: int) -> Any:
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


@given(
    shape=hnp.array_shapes(max_dims=3, max_side=3),
    lengths=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    data=st.data(),
)
def test_concatenate_and_stack(shape: tuple[int, ...], lengths: list[int], data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for length in lengths:
        of_part = list(shape)
        of_part[axis] = length
        parts.append(distinct(*of_part))
    check_join(lambda arrays: np.concatenate(arrays, axis=axis), *parts)
    check_join(lambda arrays: np.concat(arrays, axis=None), *parts)
    place = data.draw(st.integers(-len(shape) - 1, len(shape)))
    check_join(lambda arrays: np.stack(arrays, axis=place), *([distinct(*shape)] * len(lengths)))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("vstack", [(2, 3), (1, 3), (3,)]),
        ("vstack", [(3,), (3,)]),
        ("hstack", [(2, 3), (2, 1)]),
        ("hstack", [(3,), (2,), ()]),
        ("hstack", [(2, 1, 2), (2, 3, 2)]),
        ("dstack", [(2, 3), (2, 3, 2)]),
        ("dstack", [(3,), (3,)]),
        ("column_stack", [(3,), (3, 2), (3,)]),
    ],
)
def test_stacks(name: str, shapes: list[tuple[int, ...]]) -> None:
    check_join(getattr(np, name), *(distinct(*shape) for shape in shapes))


def test_append() -> None:
    check_join(lambda pair: np.append(pair[0], pair[1]), distinct(2, 3), distinct(2))
    check_join(lambda pair: np.append(pair[0], pair[1], axis=1), distinct(2, 3), distinct(2, 1))
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    assert np.append(t, 3).tolist() == [1.0, 2.0, 3.0]
    assert np.append([0.0], t).requires_grad


def test_one_tensor_among_arrays_and_lists() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    y = np.concatenate([np.zeros(1), t, [5.0]])
    assert y.tolist() == [0.0, 1.0, 2.0, 5.0]
    np.stack([[3.0, 4.0], t])[1, 0].backward()
    assert t.grad.tolist() == [1.0, 0.0]


def test_the_same_tensor_twice() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    np.concatenate([t, t]).backward([1.0, 2.0, 10.0, 20.0])
    assert t.grad.tolist() == [11.0, 22.0]


def test_gradients_have_each_part_s_dtype() -> None:
    t = ns.Tensor([1.0], requires_grad=True, dtype=np.float32)
    u = ns.Tensor([2.0], requires_grad=True, dtype=np.float64)
    y = np.concatenate([t, u])
    y.sum().backward()
    assert (y.dtype, t.grad.dtype, u.grad.dtype) == (np.float64, np.float32, np.float64)


def test_join_errors() -> None:
    t, u = ns.Tensor(np.ones((2, 3)), requires_grad=True), ns.Tensor(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"but for axis 0, got \(2, 3\), \(2, 2\)"):
        np.concatenate([t, u])
    with pytest.raises(ValueError, match=r"stack needs equal shapes, got \(2, 3\), \(2, 2\)"):
        np.stack([t, u])
    with pytest.raises(ValueError, match="cannot join numbers"):
        np.concatenate([t.sum(), t.sum()])
    with pytest.raises(ValueError, match="at least one array"):
        ns.ops.stack([])


# --- splitting ---


def check_split(function: Any, array: Any) -> None:
    """Values, and the gradient of a different weighting of each part (the first is left out)."""
    t = ns.Tensor(array, requires_grad=True)
    parts, expected = function(t), function(array)
    assert type(parts) is type(expected)
    assert len(parts) == len(expected)
    places = function(np.arange(array.size).reshape(array.shape))
    gradient = np.zeros(array.size)
    total: Any = 0.0
    for weight, (part, values, place) in enumerate(zip(parts, expected, places, strict=True)):
        np.testing.assert_array_equal(part.data, values)
        if weight:
            total = total + np.sum(part * float(weight))
            np.add.at(gradient, place, float(weight))
    if len(parts) > 1:
        total.backward()
        np.testing.assert_array_equal(t.grad.data, gradient.reshape(array.shape))


@given(
    shape=hnp.array_shapes(max_dims=3, max_side=6),
    sections=st.one_of(st.integers(1, 7), st.lists(st.integers(-8, 8), max_size=4)),
    data=st.data(),
)
def test_array_split(shape: tuple[int, ...], sections: Any, data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    check_split(lambda a: np.array_split(a, sections, axis=axis), distinct(*shape))


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda a: np.split(a, 3), (6, 2)),
        (lambda a: np.split(a, [2, 2, 9], axis=-1), (2, 5)),
        (lambda a: np.split(a, np.array([1])), (3,)),
        (lambda a: np.split(a, 1), (3,)),
        (lambda a: np.vsplit(a, 2), (4, 3)),
        (lambda a: np.hsplit(a, [1]), (4, 3)),
        (lambda a: np.hsplit(a, 2), (4,)),
        (lambda a: np.dsplit(a, 2), (2, 3, 4)),
        (lambda a: np.unstack(a), (3, 2)),
        (lambda a: np.unstack(a, axis=-1), (3, 2)),
        (lambda a: np.unstack(a), (1, 2)),
        (lambda a: np.unstack(a), (0, 2)),
    ],
)
def test_split_family(function: Any, shape: tuple[int, ...]) -> None:
    check_split(function, distinct(*shape))


def test_split_and_concatenate_undo_each_other() -> None:
    x = distinct(7, 2)
    ns.gradcheck(lambda a: np.concatenate(np.array_split(a, 3)) ** 3, x, order=2)


def test_split_errors() -> None:
    t = ns.Tensor(distinct(5, 2), requires_grad=True)
    with pytest.raises(ValueError, match=r"axis 0 of shape \(5, 2\) into 2 equal parts"):
        np.split(t, 2)
    with pytest.raises(ValueError, match="at least 1 part, got 0"):
        np.array_split(t, 0)
    with pytest.raises(ValueError, match="dsplit needs an array of at least 3 axes"):
        np.dsplit(t, 2)


# --- ns.array ---


def test_array_of_tensors_arrays_and_numbers() -> None:
    a, b = ns.Tensor(2.0, requires_grad=True), ns.Tensor([3.0, 4.0], requires_grad=True)
    y = ns.ops.array([[a, 1.0, a * a], [b[0], np.float64(5.0), b.sum()]])
    np.testing.assert_array_equal(y.data, [[2.0, 1.0, 4.0], [3.0, 5.0, 7.0]])
    y.backward([[1.0, 10.0, 100.0], [1000.0, 0.0, 5.0]])
    assert a.grad.item() == 1.0 + 100.0 * 4.0
    assert b.grad.tolist() == [1005.0, 5.0]


def test_array_of_rows() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    y = ns.ops.array([t, (3, 4), np.array([5.0, 6.0]), [t[1], 0]])
    assert y.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [2.0, 0.0]]
    y.sum().backward()
    assert t.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_array_keeps_the_tensors_dtype_beside_python_numbers(dtype: Any) -> None:
    t = ns.Tensor(1.0, requires_grad=True, dtype=dtype)
    y = ns.ops.array([t, 2.5, [3, t][0]])
    y.sum().backward()
    assert (y.dtype, t.grad.dtype) == (dtype, dtype)
    assert ns.ops.array([t, np.zeros(())]).dtype == np.float64
    assert ns.ops.array([t, 2.5], dtype=np.float32).dtype == np.float32


def test_array_of_one_tensor_is_a_copy() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    y = ns.ops.array(t)
    assert y.requires_grad
    assert not np.shares_memory(y.data, t.data)


def test_array_error() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"array needs equal shapes, got \(2,\), \(3,\)"):
        ns.ops.array([t, [1.0, 2.0, 3.0]])
