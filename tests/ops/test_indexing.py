"""Indexing: values against NumPy, gradients against a count over flat positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscratch as ns

shapes = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@st.composite
def mixed_indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """Slices, integers, new axes, index arrays and masks side by side in one tuple."""
    parts: list[Any] = []
    for length in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(["slice", "integer", "array", "list", "mask", "newaxis"]))
        if kind == "newaxis":
            parts.append(None)
            kind = "slice"
        if kind == "slice":
            parts.append(draw(st.slices(length)))
        elif kind == "integer":
            parts.append(draw(st.integers(-length, length - 1)))
        elif kind == "mask":  # two true elements, or one: what broadcasts with the index arrays
            mask = np.zeros(length, bool)
            mask[: draw(st.sampled_from([1, min(2, length)]))] = True
            parts.append(mask if mask.sum() in (1, 2) else slice(None))
        else:
            index = draw(hnp.arrays(int, 2, elements=st.integers(-length, length - 1)))
            parts.append(index if kind == "array" else index.tolist())
    return tuple(parts)


@st.composite
def arrays_and_indices(draw: Any) -> tuple[Any, Any]:
    """An array of distinct elements, and an index into it of any kind that NumPy has."""
    shape = draw(shapes)
    index = draw(
        st.one_of(
            hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
            hnp.integer_array_indices(shape),
            hnp.arrays(bool, shape),
            hnp.arrays(bool, shape[:1]),
            mixed_indices(shape),
        )
    )
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape), index


def positions(array: Any, index: Any) -> Any:
    """Where in the flattened array each selected element stands."""
    return np.arange(array.size).reshape(array.shape)[index]


def scattered(array: Any, index: Any, values: Any) -> Any:
    """The sum of `values` for each element of `array`."""
    flat = np.bincount(positions(array, index).ravel(), np.ravel(values), array.size)
    return flat.reshape(array.shape)


@given(arrays_and_indices())
def test_getitem(call: Any) -> None:
    array, index = call
    t = ns.Tensor(array, requires_grad=True)
    y = t[index]
    np.testing.assert_array_equal(y.data, array[index])
    assert y.shape == np.shape(array[index])
    cotangent = np.arange(1.0, 1 + y.size).reshape(y.shape)
    y.backward(cotangent)
    np.testing.assert_array_equal(t.grad.data, scattered(array, index, cotangent))


@given(arrays_and_indices())
def test_second_order(call: Any) -> None:
    """The gradient of Σ y³/6 is scattered y²/2; that of its sum is y, counted."""
    array, index = call
    t = ns.Tensor(array, requires_grad=True)
    (t[index] ** 3 / 6).sum().backward(create_graph=True)
    first, t.grad = t.grad, None
    np.testing.assert_allclose(first.data, scattered(array, index, array[index] ** 2 / 2))
    first.sum().backward()
    np.testing.assert_allclose(t.grad.data, scattered(array, index, array[index]))


@given(arrays_and_indices(), st.booleans())
def test_add_at(call: Any, one_value: bool) -> None:
    array, index = call
    selected = np.shape(array[index])
    value = (
        np.array(5.0) if one_value else np.arange(100.0, 100 + np.prod(selected)).reshape(selected)
    )
    t, v = ns.Tensor(array, requires_grad=True), ns.Tensor(value, requires_grad=True)
    y = t.at[index].add(v)
    expected = array + scattered(array, index, np.broadcast_to(value, selected))
    np.testing.assert_array_equal(y.data, expected)
    cotangent = np.cos(array)
    y.backward(cotangent)
    np.testing.assert_array_equal(t.grad.data, cotangent)
    picked = cotangent[index]
    np.testing.assert_allclose(v.grad.data, picked.sum() if one_value else picked, atol=1e-12)


@given(arrays_and_indices(), st.booleans())
def test_set_at(call: Any, one_value: bool) -> None:
    array, index = call
    selected = np.shape(array[index])
    value = (
        np.array(-5.0) if one_value else -np.arange(1.0, 1 + np.prod(selected)).reshape(selected)
    )
    t, v = ns.Tensor(array, requires_grad=True), ns.Tensor(value, requires_grad=True)
    y = t.at[index].set(v)
    # By hand: the last value written to a place stays, and it alone gets the place's cotangent.
    values, expected = np.broadcast_to(value, selected).ravel(), array.ravel().copy()
    last = {int(place): k for k, place in enumerate(positions(array, index).ravel())}
    cotangent = np.cos(array)
    of_array, of_value = cotangent.ravel().copy(), np.zeros(values.shape)
    for place, k in last.items():
        expected[place] = values[k]
        of_value[k], of_array[place] = of_array[place], 0.0
    np.testing.assert_array_equal(y.data, expected.reshape(array.shape))
    y.backward(cotangent)
    np.testing.assert_array_equal(t.grad.data, of_array.reshape(array.shape))
    expected_of_value = of_value.sum() if one_value else of_value.reshape(selected)
    np.testing.assert_allclose(v.grad.data, expected_of_value, atol=1e-12)


def test_duplicates() -> None:
    t = ns.Tensor(np.zeros(3), requires_grad=True)
    v = ns.Tensor([1.0, 2.0, 4.0], requires_grad=True)
    index = [1, 1, 0]
    y = t.at[index].set(v)
    np.testing.assert_array_equal(y.data, [4.0, 2.0, 0.0])
    y.backward([10.0, 20.0, 30.0])
    np.testing.assert_array_equal(v.grad.data, [0.0, 20.0, 10.0])
    np.testing.assert_array_equal(t.grad.data, [0.0, 0.0, 30.0])
    np.testing.assert_array_equal(t.at[index].add(v).data, [4.0, 3.0, 0.0])
    ns.gradcheck(lambda a, b: ns.ops.set_at(a, b, index=index), np.zeros(3), v.numpy(), order=2)
    ns.gradcheck(lambda a, b: ns.ops.add_at(a, b, index=index), np.zeros(3), v.numpy(), order=2)


def test_an_embedding_gradient_against_pytorch() -> None:
    """Rows chosen many times: the fast path for integer arrays on leading axes."""
    table = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    tokens = np.random.default_rng(1).integers(-50, 50, (16, 10))
    cotangent = np.random.default_rng(2).standard_normal((16, 10, 8)).astype(np.float32)
    t, reference = ns.Tensor(table, requires_grad=True), torch.tensor(table, requires_grad=True)
    t[tokens].backward(cotangent)
    reference[torch.tensor(tokens)].backward(torch.tensor(cotangent))
    torch.testing.assert_close(torch.tensor(t.grad.data), reference.grad)


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int32])
def test_index_dtypes(kind: Any) -> None:
    t = ns.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    t[np.array([2, 0, 2], kind)].sum().backward()
    np.testing.assert_array_equal(t.grad.data, [[1, 1], [0, 0], [2, 2]])


def test_tensors_index_tensors() -> None:
    t, index = ns.Tensor([1.0, 2.0, 3.0], requires_grad=True), ns.Tensor([2, 0])
    t[index].sum().backward()
    np.testing.assert_array_equal(t.grad.data, [1, 0, 1])
    np.testing.assert_array_equal(t[t > 1.5].data, [2.0, 3.0])
    np.testing.assert_array_equal(t.at[index].add(1.0).data, [2.0, 2.0, 4.0])
    np.testing.assert_array_equal(np.take(t, index).data, [3.0, 1.0])


# --- in place ---


def test_in_place_on_a_recorded_tensor_names_the_way_out() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"t\.at\[i\]\.set\(v\), or t\.at\[i\]\.add\(v\)"):
        t[0] = 5.0
    with pytest.raises(RuntimeError, match=r"t\.at\[i\]"):
        (t * 2)[0] = 5.0
    with pytest.raises(RuntimeError, match=r"t\.at\[i\]"):
        ns.Tensor([1.0, 2.0])[0] = t[1]
    np.testing.assert_array_equal(t.data, [1.0, 2.0])


def test_in_place_on_a_plain_tensor() -> None:
    t = ns.Tensor([1.0, 2.0, 3.0])
    t[1:] = ns.Tensor([5.0, 6.0])
    np.testing.assert_array_equal(t.data, [1.0, 5.0, 6.0])


def test_updates_leave_the_original_alone() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    t.at[0].set(7.0)
    t.at[0].add(7.0)
    np.testing.assert_array_equal(t.data, [1.0, 2.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_updates_keep_the_dtype(dtype: Any) -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True, dtype=dtype)
    v = ns.Tensor(3.0, requires_grad=True, dtype=np.float32)
    y = t.at[0].set(v).at[1].add(v).at[1].set(0.5)
    y.sum().backward()
    assert (y.dtype, t.grad.dtype, v.grad.dtype) == (dtype, dtype, np.float32)


def test_update_errors() -> None:
    t = ns.Tensor(np.zeros((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=r"set got values of shape \(2,\) .* shape \(3,\)"):
        t.at[0].set(np.ones(2))
    with pytest.raises(ValueError, match=r"add got values of shape \(1, 1, 2\) .* \(2, 2\)"):
        t.at[:, [0, 0]].add(np.ones((1, 1, 2)))
    with pytest.raises(TypeError, match="float64 for a tensor of dtype int64"):
        ns.Tensor([1, 2]).at[0].set(ns.Tensor(1.5, requires_grad=True))
    with pytest.raises(IndexError):
        t.at[5].set(0.0)


# --- take, where, select and their relatives ---


@given(
    array=hnp.arrays(np.float64, shapes, elements=st.floats(-4, 4, width=16)),
    data=st.data(),
)
def test_take_and_take_along_axis(array: Any, data: Any) -> None:
    axis = data.draw(st.sampled_from([None, *range(-array.ndim, array.ndim)]))
    length = array.size if axis is None else array.shape[axis]
    entries = st.integers(-length, length - 1)
    indices = data.draw(hnp.arrays(int, hnp.array_shapes(min_dims=0, max_dims=2), elements=entries))
    t = ns.Tensor(array, requires_grad=True)
    y = np.take(t, indices, axis=axis)
    np.testing.assert_array_equal(y.data, np.take(array, indices, axis=axis))
    places = np.take(np.arange(array.size).reshape(array.shape), indices, axis=axis)
    y.backward(np.cos(places))
    counted = np.bincount(places.ravel(), np.cos(places).ravel(), array.size)
    np.testing.assert_allclose(t.grad.data, counted.reshape(array.shape), atol=1e-12)

    flat = (-1 if axis is None else axis) if array.ndim else 0
    along = [6] if axis is None else list(array.shape)
    along[flat] = 6
    indices = data.draw(hnp.arrays(int, tuple(along), elements=entries))
    t.zero_grad()
    y = np.take_along_axis(t, indices, axis=axis)
    np.testing.assert_array_equal(y.data, np.take_along_axis(array, indices, axis=axis))
    y.backward(np.ones(y.shape))
    reference = torch.tensor(array, requires_grad=True)
    positive = torch.tensor(indices % length)
    torch.take_along_dim(reference, positive, axis).sum().backward()
    np.testing.assert_array_equal(t.grad.data, reference.grad.numpy())


def test_take_along_axis_error() -> None:
    with pytest.raises(ValueError, match=r"got shape \(2,\) for an array of shape \(2, 2\)"):
        np.take_along_axis(ns.Tensor(np.ones((2, 2))), np.array([0, 1]), axis=0)


def test_where_with_one_argument_gives_indices() -> None:
    t = ns.Tensor([[0.0, 2.0], [3.0, 0.0]], requires_grad=True)
    rows, columns = np.where(t > 1)
    np.testing.assert_array_equal(rows.data, [0, 1])
    np.testing.assert_array_equal(columns.data, [1, 0])
    assert not rows.requires_grad
    np.testing.assert_array_equal(t[rows, columns].data, [2.0, 3.0])
    with pytest.raises(ValueError, match="both x and y"):
        ns.ops.where(t > 1, t)


def test_where_keeps_nan_out_of_the_gradient() -> None:
    t = ns.Tensor([-1.0, 4.0], requires_grad=True)
    safe = np.where(t > 0, t, 1.0)
    np.where(t > 0, np.sqrt(safe), 0.0).sum().backward()
    np.testing.assert_array_equal(t.grad.data, [0.0, 0.25])


def test_where_and_select_keep_the_dtype() -> None:
    t = ns.Tensor([1.0, -2.0], requires_grad=True, dtype=np.float32)
    for y in (np.where(t > 0, t, 0.0), np.select([t > 0, t < -1], [t, 2 * t])):
        assert y.dtype == np.float32


def test_select_takes_the_first_condition() -> None:
    x = np.array([-3.0, 0.5, 2.0])
    t = ns.Tensor(x, requires_grad=True)
    y = np.select([t > 1, t > 0], [t * 10, t * 100], default=t)
    np.testing.assert_array_equal(y.data, [-3.0, 50.0, 20.0])
    y.sum().backward()
    np.testing.assert_array_equal(t.grad.data, [1.0, 100.0, 10.0])
    with pytest.raises(ValueError, match="1 conditions and 2 choices"):
        ns.ops.select([x > 1], [t, t])


def test_compress_and_extract() -> None:
    x = np.arange(6.0).reshape(2, 3)
    t = ns.Tensor(x, requires_grad=True)
    np.testing.assert_array_equal(
        np.compress([False, True], t, axis=1).data, np.compress([False, True], x, axis=1)
    )
    y = np.extract(t % 2 == 0, t)
    np.testing.assert_array_equal(y.data, np.extract(x % 2 == 0, x))
    y.sum().backward()
    np.testing.assert_array_equal(t.grad.data, x % 2 == 0)
