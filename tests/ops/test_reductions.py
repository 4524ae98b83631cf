"""Reductions, running sums and products: against NumPy's values and PyTorch's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscratch as ns


def torch_prod(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    for axis in sorted((a % x.ndim for a in axes), reverse=True):
        x = torch.prod(x, axis, keepdims)
    return x


TORCH = {
    "sum": lambda x, axes, keepdims: torch.sum(x, axes, keepdims) if axes else x.clone(),
    "mean": lambda x, axes, keepdims: torch.mean(x, axes, keepdims) if axes else x.clone(),
    "prod": torch_prod,
    "max": lambda x, axes, keepdims: torch.amax(x, axes, keepdims),
    "min": lambda x, axes, keepdims: torch.amin(x, axes, keepdims),
    "var": lambda x, axes, keepdims: torch.var(x, axes, correction=0, keepdim=keepdims),
    "std": lambda x, axes, keepdims: torch.std(x, axes, correction=0, keepdim=keepdims),
}

# Few different values: ties, zeros and constant slices come up all the time.
corner_values = st.sampled_from([-2.0, -0.5, 0.0, 0.0, 1.0, 3.0])


@st.composite
def reduction_calls(draw: Any) -> tuple[Any, Any, bool]:
    """An array, an axis (None, integer or tuple, of either sign) and keepdims."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    array = draw(hnp.arrays(np.float64, shape, elements=corner_values))
    axes = draw(hnp.valid_tuple_axes(len(shape), min_size=1))
    axis = draw(st.sampled_from([None, axes, axes[0]]))
    return array, axis, draw(st.booleans())


def gradient_of(output: Any, cotangent: Any, tensor: Any) -> Any:
    output.backward(cotangent)
    return tensor.grad.data


@pytest.mark.parametrize("name", TORCH)
@given(call=reduction_calls(), seed=st.integers(0, 99))
def test_values_and_gradients(name: str, call: Any, seed: int) -> None:
    array, axis, keepdims = call
    function = getattr(np, name)
    expected = function(array, axis=axis, keepdims=keepdims)
    cotangent = np.asarray(np.random.default_rng(seed).standard_normal(expected.shape))

    t = ns.Tensor(array, requires_grad=True)
    y = function(t, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.data, expected)

    axes = (
        tuple(range(array.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    )
    reference = torch.tensor(array, requires_grad=True)
    TORCH[name](reference, axes, keepdims).backward(torch.tensor(cotangent))
    torch.testing.assert_close(
        torch.tensor(gradient_of(y, cotangent, t)), reference.grad, rtol=1e-9, atol=1e-12
    )


@given(call=reduction_calls(), ddof=st.integers(0, 1))
def test_methods_are_the_functions(call: Any, ddof: int) -> None:
    array, axis, keepdims = call
    t = ns.Tensor(array)
    for name in ("sum", "mean", "prod", "max", "min", "var", "std"):
        expected = getattr(array, name)(axis=axis, keepdims=keepdims)
        actual = getattr(t, name)(axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(actual.data, expected)
    if array.shape and min(array.shape) > 1:
        np.testing.assert_array_equal(
            t.var(axis=axis, ddof=ddof).data, array.var(axis=axis, ddof=ddof)
        )


@pytest.mark.parametrize(
    ("ufunc", "name"),
    [(np.add, "sum"), (np.multiply, "prod"), (np.maximum, "max"), (np.minimum, "min")],
)
def test_ufunc_reduce(ufunc: Any, name: str) -> None:
    x = np.array([[1.0, 5.0], [3.0, 2.0], [-4.0, 0.5]])
    t, u = ns.Tensor(x, requires_grad=True), ns.Tensor(x, requires_grad=True)
    reduced = ufunc.reduce(t)
    np.testing.assert_array_equal(reduced.data, ufunc.reduce(x))
    getattr(np, name)(u, axis=0).sum().backward()
    reduced.sum().backward()
    np.testing.assert_array_equal(t.grad.data, u.grad.data)


def test_aliases() -> None:
    t = ns.Tensor([3.0, 1.0, 2.0])
    assert (np.amax(t).item(), np.amin(t).item(), np.ptp(t).item()) == (3.0, 1.0, 2.0)


def test_all_axes_of_an_empty_tuple_are_kept() -> None:
    x = np.array([[1.0, -2.0], [0.0, 3.0]])
    for name in ("sum", "mean", "max", "prod"):
        t = ns.Tensor(x, requires_grad=True)
        y = getattr(np, name)(t, axis=())
        np.testing.assert_array_equal(y.data, x)
        y.sum().backward()
        np.testing.assert_array_equal(t.grad.data, np.ones((2, 2)))


# --- zeros in products ---


def second_order(f: Any, x: Any, module: Any) -> tuple[Any, Any]:
    """Gradient of f, and the gradient of a fixed weighting of that gradient."""
    weights = np.linspace(-1.0, 2.0, x.size).reshape(x.shape)
    if module is torch:
        t = torch.tensor(x, requires_grad=True)
        (first,) = torch.autograd.grad(f(t), t, create_graph=True)
        (second,) = torch.autograd.grad((first * torch.tensor(weights)).sum(), t)
        return first.detach().numpy(), second.numpy()
    first = ns.grad(f)
    return first(x), ns.grad(lambda v: np.sum(first(v) * weights))(x)


@pytest.mark.parametrize("zeros", [[], [0], [3], [0, 3], [1, 2], [1, 2, 4], [0, 1, 2, 3, 4]])
def test_prod_with_zeros(zeros: list[int]) -> None:
    x = np.array([0.5, -1.5, 2.0, 3.0, -0.7])
    x[zeros] = 0.0
    ours = second_order(np.prod, x, np)
    theirs = second_order(torch.prod, x, torch)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("zeros", [[], [0], [3], [0, 3], [1, 2], [1, 2, 4], [0, 1, 2, 3, 4]])
def test_cumprod_with_zeros(zeros: list[int]) -> None:
    x = np.array([0.5, -1.5, 2.0, 3.0, -0.7])
    x[zeros] = 0.0
    weights = np.array([1.0, -2.0, 0.5, 3.0, 1.5])
    ours = second_order(lambda v: np.sum(np.cumprod(v) * weights), x, np)
    theirs = second_order(lambda v: (torch.cumprod(v, 0) * torch.tensor(weights)).sum(), x, torch)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12, atol=1e-14)


def test_prod_whose_result_underflows_has_its_gradient() -> None:
    t = ns.Tensor([1e-200, 1e-200, 1.0], requires_grad=True)
    np.prod(t).backward()
    np.testing.assert_array_equal(t.grad.data, [1e-200, 1e-200, 0.0])


@given(
    rows=hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=40), elements=corner_values)
)
def test_linear_recurrence_is_the_loop(rows: Any) -> None:
    terms = np.sin(np.arange(rows.size)).reshape(rows.shape)
    expected, last = np.empty_like(rows), np.zeros(rows.shape[:-1])
    for k in range(rows.shape[-1]):
        last = rows[..., k] * last + terms[..., k]
        expected[..., k] = last
    np.testing.assert_allclose(
        ns.ops.linear_recurrence(rows, terms),
        expected,
        rtol=1e-9,
        atol=1e-9 * np.abs(expected).max(),
    )


# --- ties and constant slices ---


@pytest.mark.parametrize("name", ["max", "min"])
def test_equal_extremes_share_the_gradient(name: str) -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    t, reference = ns.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    getattr(np, name)(t, axis=1).backward([6.0, 12.0])
    getattr(torch, "a" + name)(reference, 1).backward(torch.tensor([6.0, 12.0]).double())
    np.testing.assert_array_equal(t.grad.data, reference.grad.numpy())


def test_std_of_equal_elements_has_gradient_zero() -> None:
    t = ns.Tensor([[0.5, 0.5, 0.5], [1.0, 2.0, 3.0]], requires_grad=True)
    np.std(t, axis=1).sum().backward()
    np.testing.assert_array_equal(t.grad.data[0], np.zeros(3))
    assert np.all(t.grad.data[1, [0, 2]] != 0)


# --- dtypes and options ---


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "name", [*TORCH, "cumsum", "cumprod", "ptp", "nansum", "nanmean", "average", "median"]
)
def test_dtype_is_kept(name: str, dtype: Any) -> None:
    t = ns.Tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True, dtype=dtype)
    y = getattr(np, name)(t, axis=0)
    y.sum().backward()
    assert (y.dtype, t.grad.dtype) == (dtype, dtype)


def test_integers_reduce_without_a_gradient() -> None:
    t = ns.Tensor([1, 2, 4])
    assert (np.sum(t).item(), np.max(t).item(), np.prod(t).item()) == (7, 4, 8)
    assert not np.mean(t).requires_grad


def test_unknown_options_are_named() -> None:
    t = ns.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"sum on a Tensor takes \(a, axis, keepdims\).*where"):
        np.sum(t, where=np.array([True, False]))
    with pytest.raises(TypeError, match="3 by position"):
        np.sum(t, 0, np.float32)  # NumPy's third argument is dtype, not keepdims


# --- weighted, with NaN, differences ---


def test_average_differentiates_values_and_weights() -> None:
    x, w = np.array([[1.0, 2.0, 4.0], [0.0, -1.0, 3.0]]), np.array([0.5, 1.0, 2.5])
    t, u = ns.Tensor(x, requires_grad=True), ns.Tensor(w, requires_grad=True)
    average, total = np.average(t, axis=1, weights=u, returned=True)
    expected = np.average(x, axis=1, weights=w, returned=True)
    np.testing.assert_allclose(average.data, expected[0])
    np.testing.assert_allclose(total.data, expected[1])
    average.sum().backward()
    a, b = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    ((a * b).sum(1) / b.sum()).sum().backward()
    np.testing.assert_allclose(t.grad.data, a.grad.numpy())
    np.testing.assert_allclose(u.grad.data, b.grad.numpy(), atol=1e-15)


def test_average_without_weights_returns_the_count() -> None:
    average, count = np.average(ns.Tensor([[1.0, 3.0]]), returned=True)
    assert (average.item(), count.item()) == (2.0, 2.0)


def test_average_errors() -> None:
    t = ns.Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ZeroDivisionError, match="sum to zero"):
        np.average(t, weights=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"weights of shape \(2,\) for an array of shape \(2, 3\)"):
        np.average(t, axis=1, weights=np.ones(2))


@pytest.mark.parametrize("name", ["nansum", "nanmean"])
def test_nan_is_left_out(name: str) -> None:
    x = np.array([[1.0, np.nan, 3.0], [2.0, 5.0, np.nan]])
    t, reference = ns.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, expected = getattr(np, name)(t, axis=1), getattr(torch, name)(reference, 1)
    np.testing.assert_allclose(y.data, expected.detach().numpy())
    y.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(t.grad.data, np.nan_to_num(reference.grad.numpy()))


@given(
    array=hnp.arrays(np.float64, (3, 5), elements=corner_values),
    n=st.integers(0, 4),
    axis=st.sampled_from([1, -1]),
)
def test_diff(array: Any, n: int, axis: int) -> None:
    t = ns.Tensor(array, requires_grad=True)
    y = np.diff(t, n, axis, prepend=2.0, append=np.zeros((3, 2)))
    expected = np.diff(array, n, axis, prepend=2.0, append=np.zeros((3, 2)))
    np.testing.assert_array_equal(y.data, expected)


def test_diff_and_cumulative_errors() -> None:
    with pytest.raises(ValueError, match="diff needs at least one axis"):
        np.diff(ns.Tensor(1.0))
    with pytest.raises(ValueError, match=r"cumulative_sum needs .* got shape \(2, 2\)"):
        np.cumulative_sum(ns.Tensor(np.ones((2, 2))))


def test_trapezoid_differentiates_the_places() -> None:
    y, x = np.array([1.0, 4.0, 9.0]), np.array([0.0, 1.0, 3.0])
    t, u = ns.Tensor(y, requires_grad=True), ns.Tensor(x, requires_grad=True)
    area = np.trapezoid(t, u)
    assert area.item() == pytest.approx(np.trapezoid(y, x))
    area.backward()
    a, b = torch.tensor(y, requires_grad=True), torch.tensor(x, requires_grad=True)
    torch.trapezoid(a, b).backward()
    np.testing.assert_allclose(t.grad.data, a.grad.numpy())
    np.testing.assert_allclose(u.grad.data, b.grad.numpy())
