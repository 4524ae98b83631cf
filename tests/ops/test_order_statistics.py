"""Sorting and quantiles: values against NumPy, gradients against PyTorch and the order itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscratch as ns

numbers = st.floats(-8, 8, width=16)
METHODS = ["linear", "lower", "higher", "nearest", "midpoint"]


@given(
    array=hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=numbers),
    data=st.data(),
)
def test_sort_and_partition(array: Any, data: Any) -> None:
    axis = data.draw(st.sampled_from([None, *range(-array.ndim, array.ndim)]))
    t = ns.Tensor(array, requires_grad=True)
    y = np.sort(t, axis=axis, stable=True)
    np.testing.assert_array_equal(y.data, np.sort(array, axis=axis))
    cotangent = np.arange(float(array.size)).reshape(y.shape)
    y.backward(cotangent)
    # Each element received the cotangent of the place that it went to.
    order = np.argsort(array, axis=axis, stable=True)
    returned = np.take_along_axis(t.grad.data, order, axis=axis)
    np.testing.assert_array_equal(returned, cotangent)

    length = array.size if axis is None else array.shape[axis]
    kth = data.draw(st.integers(0, length - 1))
    parted = np.partition(ns.Tensor(array), kth, axis=axis).data
    where = -1 if axis is None else axis
    np.testing.assert_array_equal(
        np.take(parted, kth, axis=where), np.take(np.sort(array, axis=axis), kth, axis=where)
    )
    np.testing.assert_array_equal(np.sort(parted, axis=where), np.sort(array, axis=axis))


@given(
    array=hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=numbers),
    q=st.lists(st.floats(0, 1), min_size=1, max_size=3),
    method=st.sampled_from(METHODS),
    keepdims=st.booleans(),
    data=st.data(),
)
def test_quantile_values(
    array: Any, q: list[float], method: Any, keepdims: bool, data: Any
) -> None:
    axes = data.draw(hnp.valid_tuple_axes(array.ndim, min_size=1))
    axis = data.draw(st.sampled_from([None, axes, axes[0]]))
    for shares in (q, q[0]):
        y = np.quantile(ns.Tensor(array), shares, axis=axis, method=method, keepdims=keepdims)
        expected = np.quantile(array, shares, axis=axis, method=method, keepdims=keepdims)
        np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_quantile_gradients(method: Any) -> None:
    x = np.array([[3.0, 1.0, 2.0, 8.0], [0.5, -1.0, 7.0, 4.0]])
    t, reference = ns.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    q = [0.0, 0.3, 0.9, 1.0]
    np.quantile(t, q, axis=1, method=method).sum().backward()
    torch.quantile(
        reference, torch.tensor(q, dtype=torch.float64), 1, interpolation=method
    ).sum().backward()
    np.testing.assert_allclose(t.grad.data, reference.grad.numpy(), rtol=1e-12)


def test_quantile_is_differentiable_in_the_share() -> None:
    x = np.array([1.0, 4.0, 9.0, 16.0])
    ns.gradcheck(lambda q: np.quantile(x, q), np.array([0.1, 0.5, 0.8]))
    q = ns.Tensor(0.5, requires_grad=True)
    np.quantile(x, q).backward()
    assert q.grad.item() == 15.0  # from 4 to 9 over a third


@given(array=hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=numbers))
def test_median_and_percentile(array: Any) -> None:
    t = ns.Tensor(array)
    np.testing.assert_allclose(np.median(t).data, np.median(array), rtol=1e-12)
    np.testing.assert_allclose(
        np.percentile(t, [5, 50, 99], axis=-1).data,
        np.percentile(array, [5, 50, 99], axis=-1),
        rtol=1e-12,
        atol=1e-12,
    )


def test_nan_comes_through() -> None:
    x = np.array([[1.0, np.nan, 2.0], [3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(np.median(ns.Tensor(x), axis=1).data, [np.nan, 2.0])
    np.testing.assert_array_equal(np.sort(ns.Tensor(x), axis=1).data, np.sort(x, axis=1))


@pytest.mark.parametrize("shares", [0.3, [0.3, 0.6]])
def test_dtype_is_that_of_numpy(shares: Any) -> None:
    x = np.array([1.0, 2.0, 4.0], np.float32)
    t = ns.Tensor(x, requires_grad=True)
    y = np.quantile(t, shares)
    assert y.dtype == np.quantile(x, shares).dtype
    y.sum().backward()
    assert t.grad.dtype == np.float32


def test_errors() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="from 0 to 1"):
        np.quantile(t, 1.5)
    with pytest.raises(ValueError, match="from 0 to 1"):
        np.quantile(t, np.nan)
    with pytest.raises(ValueError, match="'hazen'"):
        np.quantile(t, 0.5, method="hazen")
    with pytest.raises(ValueError, match="no elements"):
        np.median(ns.Tensor(np.ones((2, 0))), axis=1)
