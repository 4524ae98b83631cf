"""Shape, order, repetition, padding, diagonals: each moves elements, so positions tell it all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscratch as ns


def check_moves(function: Any, array: Any, tensor_function: Any = None) -> None:
    """A function that only moves, repeats or drops elements: values, and where gradients go.

    On the array of positions NumPy's function says which element each result is a copy of.
    """
    t = ns.Tensor(array, requires_grad=True)
    y = (tensor_function or function)(t)
    np.testing.assert_array_equal(y.data, function(array))
    assert y.dtype == array.dtype
    places = np.asarray(function(np.arange(array.size).reshape(array.shape)))
    cotangent = np.arange(1.0, 1 + places.size).reshape(places.shape).astype(array.dtype)
    y.backward(cotangent)
    expected = np.bincount(places.ravel(), cotangent.ravel(), array.size).reshape(array.shape)
    np.testing.assert_array_equal(t.grad.data, expected)


def distinct(*shape: int) -> Any:
    return np.arange(1.0, 1 + np.prod(shape), dtype=np.float32).reshape(shape)


CUBE = distinct(2, 3, 4)
MATRIX = distinct(3, 4)
VECTOR = distinct(3)
NUMBER = distinct()

MOVES: list[tuple[Any, Any]] = [
    (lambda a: np.reshape(a, (4, -1)), CUBE),
    (lambda a: np.reshape(a, -1), NUMBER),
    (lambda a: np.reshape(a, (6, 4), order="F"), CUBE),
    (lambda a: np.ravel(a), CUBE),
    (lambda a: np.ravel(a, order="F"), CUBE),
    (lambda a: np.transpose(a), CUBE),
    (lambda a: np.transpose(a, (2, 0, 1)), CUBE),
    (lambda a: np.permute_dims(a, (-1, 0, -2)), CUBE),
    (lambda a: np.matrix_transpose(a), CUBE),
    (lambda a: np.swapaxes(a, 0, -1), CUBE),
    (lambda a: np.moveaxis(a, 0, -1), CUBE),
    (lambda a: np.moveaxis(a, (0, 2), (1, 0)), CUBE),
    (lambda a: np.squeeze(a), distinct(1, 3, 1)),
    (lambda a: np.squeeze(a, axis=-1), distinct(1, 3, 1)),
    (lambda a: np.expand_dims(a, (0, -1)), VECTOR),
    (lambda a: np.broadcast_to(a, (2, 3, 4)), distinct(3, 1)),
    (lambda a: np.broadcast_arrays(a, np.zeros((2, 1)))[0], VECTOR),
    (lambda a: np.flip(a), CUBE),
    (lambda a: np.flip(a, (0, -1)), CUBE),
    (lambda a: np.fliplr(a), MATRIX),
    (lambda a: np.flipud(a), MATRIX),
    (lambda a: np.tile(a, (2, 1, 3)), MATRIX),
    (lambda a: np.tile(a, 2), CUBE),
    (lambda a: np.tile(a, 3), NUMBER),
    (lambda a: np.repeat(a, 2), MATRIX),
    (lambda a: np.repeat(a, 3, axis=-2), MATRIX),
    (lambda a: np.repeat(a, [1, 0, 2], axis=0), MATRIX),
    (lambda a: np.diagonal(a, 1), MATRIX),
    (lambda a: np.diagonal(a, -1, 2, 0), CUBE),
    (lambda a: np.diag(a, -2), MATRIX),
    (lambda a: np.atleast_1d(a), NUMBER),
    (lambda a: np.atleast_2d(a), NUMBER),
    (lambda a: np.atleast_2d(a), VECTOR),
    (lambda a: np.atleast_3d(a), NUMBER),
    (lambda a: np.atleast_3d(a), VECTOR),
    (lambda a: np.atleast_3d(a), MATRIX),
    (lambda a: np.atleast_3d(a), CUBE),
    (lambda a: np.copy(a), CUBE),
    (lambda a: np.meshgrid(a, np.zeros(2))[0], VECTOR),
    (lambda a: np.meshgrid(a, np.zeros(2), indexing="ij")[0], VECTOR),
    (lambda a: np.meshgrid(np.zeros(2), a, sparse=True)[1], VECTOR),
    (lambda a: np.meshgrid(a, np.zeros(2), np.zeros(4), copy=False)[0], VECTOR),
    (lambda a: np.pad(a, 2, mode="edge"), MATRIX),
    (lambda a: np.pad(a, (1, 7), mode="reflect"), MATRIX),
    (lambda a: np.pad(a, ((1, 0), (0, 9)), mode="symmetric"), MATRIX),
    (lambda a: np.pad(a, ((5, 0), (2, 1)), mode="wrap"), MATRIX),
    (lambda a: np.pad(a, 1), NUMBER),
    *((lambda a, k=k: np.rot90(a, k), MATRIX) for k in range(-1, 5)),
    (lambda a: np.rot90(a, 1, (2, 0)), CUBE),
    *((lambda a, i=i, j=j: np.rollaxis(a, i, j), CUBE) for i in range(-3, 3) for j in range(-3, 4)),
]


@pytest.mark.parametrize("number", range(len(MOVES)))
def test_moves(number: int) -> None:
    check_moves(*MOVES[number])


METHODS: list[tuple[Any, Any]] = [
    (lambda a: a.T, CUBE),
    (lambda a: a.mT, CUBE),
    (lambda a: a.reshape(4, 6), CUBE),
    (lambda a: a.reshape((4, -1)), CUBE),
    (lambda a: a.transpose(), CUBE),
    (lambda a: a.transpose(2, 0, 1), CUBE),
    (lambda a: a.transpose((2, 0, 1)), CUBE),
    (lambda a: a.swapaxes(0, 1), CUBE),
    (lambda a: a.ravel(), CUBE),
    (lambda a: a.flatten(), CUBE),
    (lambda a: a.squeeze(), distinct(1, 3)),
    (lambda a: a.repeat(2, axis=0), MATRIX),
    (lambda a: a.copy(), MATRIX),
    (lambda a: a.take([0, 0, 2], axis=1), MATRIX),
]


@pytest.mark.parametrize("number", range(len(METHODS)))
def test_methods(number: int) -> None:
    check_moves(*METHODS[number])


@given(
    shape=hnp.array_shapes(max_dims=3, max_side=4),
    data=st.data(),
)
def test_roll(shape: tuple[int, ...], data: Any) -> None:
    axes = data.draw(st.one_of(st.none(), hnp.valid_tuple_axes(len(shape), min_size=1)))
    count = 1 if axes is None else len(axes)
    shifts = tuple(data.draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count)))
    check_moves(lambda a: np.roll(a, shifts if axes else shifts[0], axes), distinct(*shape))


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 4)))
def test_broadcast_to(shapes: Any) -> None:
    check_moves(
        lambda a: np.broadcast_to(a, shapes.result_shape), distinct(*shapes.input_shapes[0])
    )


@pytest.mark.parametrize("name", ["tril", "triu"])
@pytest.mark.parametrize("k", [-2, 0, 1])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (3,)])
def test_triangles(name: str, k: int, shape: tuple[int, ...]) -> None:
    function, x = getattr(np, name), distinct(*shape)
    t = ns.Tensor(x, requires_grad=True)
    y = function(t, k)
    np.testing.assert_array_equal(y.data, function(x, k))
    y.sum().backward()
    ones = function(np.ones(y.shape), k)
    np.testing.assert_array_equal(t.grad.data, ones if x.ndim > 1 else ones.sum(0))


@pytest.mark.parametrize("k", [-2, 0, 1])
def test_a_vector_becomes_a_diagonal(k: int) -> None:
    for function in (np.diag, np.diagflat):
        t = ns.Tensor(VECTOR, requires_grad=True)
        y = function(t, k)
        np.testing.assert_array_equal(y.data, function(VECTOR, k))
        cotangent = np.arange(y.size, dtype=np.float32).reshape(y.shape)
        y.backward(cotangent)
        np.testing.assert_array_equal(t.grad.data, np.diagonal(cotangent, k))


@pytest.mark.parametrize("width", [1, (1, 2), ((1, 0), (0, 3)), ((2,), (1,))])
@pytest.mark.parametrize("value", [0, 2.5, (1.0, 2.0)])
def test_constant_padding(width: Any, value: Any) -> None:
    t = ns.Tensor(MATRIX, requires_grad=True)
    y = np.pad(t, width, constant_values=value)
    np.testing.assert_array_equal(y.data, np.pad(MATRIX, width, constant_values=value))
    cotangent = np.arange(y.size, dtype=np.float32).reshape(y.shape)
    y.backward(cotangent)
    inside = np.pad(np.ones(MATRIX.shape), width) == 1
    np.testing.assert_array_equal(t.grad.data.ravel(), cotangent[inside])


def test_atleast_and_broadcast_of_several() -> None:
    t, u = ns.Tensor(2.0, requires_grad=True), ns.Tensor([1.0, 3.0], requires_grad=True)
    assert [y.shape for y in np.atleast_2d(t, u, 5.0)] == [(1, 1), (1, 2), (1, 1)]
    a, b = np.broadcast_arrays(t, u)
    (a * b).sum().backward()
    assert (t.grad.item(), u.grad.tolist()) == (4.0, [2.0, 2.0])


# --- dtypes and memory ---


@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("target", [np.float16, np.float32, np.float64])
def test_gradients_flow_between_floating_dtypes(source: Any, target: Any) -> None:
    t = ns.Tensor([1.5, -2.0], requires_grad=True, dtype=source)
    y = t.astype(target)
    (y * 3).sum().backward()
    assert (y.dtype, t.grad.dtype, t.grad.tolist()) == (target, source, [3.0, 3.0])


def test_astype_to_integers_carries_no_gradient() -> None:
    y = np.astype(ns.Tensor([1.5, -2.0], requires_grad=True), np.int32)
    assert (y.dtype, y.requires_grad, y.tolist()) == (np.int32, False, [1, -2])


def test_copy_has_memory_of_its_own() -> None:
    x = np.ones(3)
    t = ns.Tensor(x)
    assert np.shares_memory(t.data, x)
    assert not np.shares_memory(t.copy().data, x)
    assert not np.shares_memory(t.astype(np.float64).data, x)


@pytest.mark.parametrize("order", ["C", "F"])
def test_reshape_of_fortran_memory(order: Any) -> None:
    check_moves(lambda a: np.reshape(a, (4, 3), order=order), np.asfortranarray(MATRIX))


def test_errors() -> None:
    t = ns.Tensor(CUBE, requires_grad=True)
    with pytest.raises(ValueError, match="order 'C' or 'F', got 'A'"):
        np.reshape(t, -1, order="A")
    with pytest.raises(ValueError, match="order 'C' or 'F', got 'K'"):
        np.ravel(t, order="K")
    with pytest.raises(ValueError, match="pad with mode 'linear_ramp' has no gradient rule"):
        np.pad(t, 1, mode="linear_ramp")
    with pytest.raises(ValueError, match="meshgrid takes indexing"):
        np.meshgrid(t[0, 0], t[0, 0], indexing="yx")
    with pytest.raises(ValueError, match=r"diag needs one or two axes, got shape \(2, 3, 4\)"):
        np.diag(t)
    with pytest.raises(ValueError, match="diagonal needs at least two axes"):
        np.diagonal(t[0, 0])
    with pytest.raises(np.exceptions.AxisError):
        np.rollaxis(t, 0, 4)
