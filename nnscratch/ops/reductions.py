"""Reductions over axes: sums, means, products, extremes, spreads.

`axis` is None (all axes), an integer, or a tuple of integers, negative ones counted from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import (
    as_array,
    kept_shape,
    normalized_axis,
    reduced_count,
    reduced_rows,
    rows_restored,
)

Axis = int | tuple[int, ...] | None


def _spread(g: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """What came for a reduction's result, handed to each element that went into it."""
    return np.broadcast_to(np.reshape(g, kept_shape(shape, axis)), shape)


def _torch_axes(a: Any, axis: Axis) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


@op(
    "sum",
    formula=r"y = \sum_i a_i",
    derivative=r"\bar a_i = \bar y",
    vjps=(lambda g, y, a, axis, keepdims: _spread(g, a.shape, axis),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.normal(2, 3), axis=-1, keepdims=True),
        call(s.normal(2, 3), axis=()),
        call(s.normal()),
        call(s.normal(0, 3), axis=0),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: (
        a.clone() if axis == () else torch.sum(a, axis, keepdims)
    ),
    numpy=[np.sum],
)
def sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum over `axis`; an empty sum is 0. `keepdims` keeps the axes, with length 1."""
    return np.sum(a, axis=axis, keepdims=keepdims)


@op(
    "mean",
    formula=r"y = \frac{1}{n} \sum_i a_i",
    derivative=r"\bar a_i = \bar y / n",
    vjps=(
        lambda g, y, a, axis, keepdims: _spread(g / reduced_count(a.shape, axis), a.shape, axis),
    ),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.normal(2, 3), axis=-1),
        call(s.normal()),
        call(s.normal(2, 0), axis=0),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.mean(a, _torch_axes(a, axis), keepdims),
    numpy=[np.mean],
)
def mean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean over `axis`. `keepdims` keeps the axes, with length 1."""
    return np.mean(a, axis=axis, keepdims=keepdims)


def _prod_vjp(g: Any, y: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    """The product of the others is what stands before times what stands after: no division."""
    rows = reduced_rows(a, axis)
    after = np.flip(_products_before(np.flip(rows, -1)), -1)
    others = rows_restored(_products_before(rows) * after, a.shape, axis)
    return np.reshape(g, kept_shape(a.shape, axis)) * others


def _products_before(rows: Any) -> Any:
    """For each element the product of those before it in its row (1 for the first)."""
    ones = array_module(rows).ones((*rows.shape[:-1], 1), rows.dtype)
    return np.cumprod(np.concatenate([ones, rows], axis=-1), axis=-1)[..., :-1]


@op(
    "prod",
    formula=r"y = \prod_i a_i",
    derivative=r"\bar a_i = \bar y \prod_{j \ne i} a_j",
    vjps=(_prod_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 2), axis=(0, -1), keepdims=True),
        call(s.normal(4, 3) * np.array([[0.0, 1, 1], [1, 1, 1], [0, 1, 0], [1, 1, 1]]), axis=-1),
        call(s.normal(4, 2) * np.array([[0.0, 1], [1, 1], [0, 1], [1, 0]]), axis=0),
        call(s.normal()),
        call(s.normal(0, 3), axis=0),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: _torch_prod(torch, a, axis, keepdims),
    numpy=[np.prod],
)
def prod(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Product over `axis`, differentiable also where elements are zero; an empty one is 1."""
    return np.prod(a, axis=axis, keepdims=keepdims)


def _torch_prod(torch: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    axes = _torch_axes(a, axis)
    for one in sorted(
        (i % (a.ndim or 1) for i in np.atleast_1d(np.array(axes, int))), reverse=True
    ):
        a = torch.prod(a, int(one), keepdims)
    return a


def _extreme_vjp(g: Any, y: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    """Equal extremes share the gradient, as in PyTorch's amax and amin."""
    shape = kept_shape(a.shape, axis)
    chosen = np.astype(a == np.reshape(y, shape), g.dtype)
    return np.reshape(g, shape) * chosen / np.sum(chosen, axis=axis, keepdims=True)


@op(
    "max",
    formula=r"y = \max_i a_i",
    derivative=r"\bar a_i = \bar y\,[a_i = y] \,/\, \#\{j : a_j = y\}",
    vjps=(_extreme_vjp,),
    samples=lambda s: [
        call(s.distinct(2, 3)),
        call(s.distinct(2, 3), axis=0),
        call(s.distinct(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.distinct(2, 3), axis=-1),
        call(s.distinct()),
        call(s.distinct(0, 3), axis=1),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.amax(a, _torch_axes(a, axis), keepdims),
    numpy=[np.max, np.amax],
)
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Largest element over `axis`; equal ones share the gradient. NaN if one is NaN.

    Raises:
        ValueError: no elements.
    """
    return np.max(a, axis=axis, keepdims=keepdims)


@op(
    "min",
    formula=r"y = \min_i a_i",
    derivative=r"\bar a_i = \bar y\,[a_i = y] \,/\, \#\{j : a_j = y\}",
    vjps=(_extreme_vjp,),
    samples=lambda s: [
        call(s.distinct(2, 3)),
        call(s.distinct(2, 3), axis=0),
        call(s.distinct(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.distinct(2, 3), axis=-1),
        call(s.distinct()),
        call(s.distinct(0, 3), axis=1),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.amin(a, _torch_axes(a, axis), keepdims),
    numpy=[np.min, np.amin],
)
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Smallest element over `axis`; equal ones share the gradient. NaN if one is NaN.

    Raises:
        ValueError: no elements.
    """
    return np.min(a, axis=axis, keepdims=keepdims)


def _var_vjp(g: Any, y: Any, a: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    scale = g * 2 / (reduced_count(a.shape, axis) - ddof)
    return np.reshape(scale, kept_shape(a.shape, axis)) * _deviations(a, axis)


def _std_vjp(g: Any, y: Any, a: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    # Where the elements are all equal the deviations are 0, and so is the gradient, as in PyTorch.
    scale = g / (np.where(y == 0, 1, y) * (reduced_count(a.shape, axis) - ddof))
    return np.reshape(scale, kept_shape(a.shape, axis)) * _deviations(a, axis)


def _deviations(a: Any, axis: Axis) -> Any:
    return a - np.mean(a, axis=axis, keepdims=True)


@op(
    "var",
    formula=r"y = \frac{1}{n - d} \sum_i (a_i - \mu)^2, \quad \mu = \frac{1}{n} \sum_i a_i",
    derivative=r"\bar a_i = \frac{2\,\bar y}{n - d} (a_i - \mu)",
    vjps=(_var_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0, ddof=1),
        call(s.normal(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.normal(2, 3), axis=-1, ddof=1),
        call(s.normal()),
    ],
    torch=lambda torch, a, axis=None, ddof=0, keepdims=False: torch.var(
        a, _torch_axes(a, axis), correction=ddof, keepdim=keepdims
    ),
    numpy=[np.var],
)
def var(a: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Variance over `axis`, the squared deviations' sum divided by n - `ddof`."""
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


@op(
    "std",
    formula=r"y = \sqrt{\frac{1}{n - d} \sum_i (a_i - \mu)^2}, \quad \mu = \frac{1}{n} \sum_i a_i",
    derivative=r"\bar a_i = \frac{\bar y}{(n - d)\, y} (a_i - \mu)",
    vjps=(_std_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(4, 3), axis=0, ddof=1),
        call(s.normal(2, 3, 4), axis=(0, -1), keepdims=True),
        call(s.normal(2, 3), axis=-1, ddof=1),
    ],
    torch=lambda torch, a, axis=None, ddof=0, keepdims=False: torch.std(
        a, _torch_axes(a, axis), correction=ddof, keepdim=keepdims
    ),
    numpy=[np.std],
)
def std(a: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Standard deviation over `axis`: the root of the variance with the same `ddof`."""
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


@composite(
    "average",
    formula=r"y = \frac{\sum_i w_i a_i}{\sum_i w_i}",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0, weights=np.array([1.0, 3.0])),
        call(s.normal(2, 3), 1, s.positive(2, 3), keepdims=True),
        call(s.normal(2, 3), -1, s.positive(3)),
        call(s.normal(2, 3), None, s.positive(2, 3)),
        call(s.normal(2, 3, 4), (2, 0), s.positive(4, 2)),
    ],
    numpy=[np.average],
)
def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Weighted mean over `axis`, differentiable in `a` and in `weights`.

    Args:
        a: array of any shape.
        axis: the axes to average over.
        weights: of the shape of `a`, or of its shape along `axis` alone; None for equal weights.
        returned: give the sum of the weights too, as a second result of the same shape.
        keepdims: keep the axes, with length 1.

    Raises:
        ValueError: the weights fit neither way.
        ZeroDivisionError: weights that sum to zero.
    """
    a = as_array(a)
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        count = np.full_like(result, reduced_count(a.shape, axis))
        return (result, count) if returned else result
    weights = _fitted_weights(as_array(weights), a.shape, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("average got weights that sum to zero: it cannot normalise them.")
    result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, total) if returned else result


def _fitted_weights(weights: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """The weights in the shape of the array that they belong to."""
    if weights.shape == shape:
        return weights
    axes = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    places = [normalized_axis(one, len(shape)) for one in axes]
    if weights.shape != tuple(shape[i] for i in places):
        raise ValueError(
            f"average got weights of shape {weights.shape} for an array of shape {shape} and axis "
            f"{axis}: give weights of the array's shape, or of its shape along the axis."
        )
    ordered = np.transpose(weights, sorted(range(len(places)), key=places.__getitem__))
    lengths = [length if i in places else 1 for i, length in enumerate(shape)]
    return np.broadcast_to(np.reshape(ordered, lengths), shape)


@composite(
    "ptp",
    formula=r"y = \max_i a_i - \min_i a_i",
    samples=lambda s: [
        call(s.distinct(2, 3)),
        call(s.distinct(2, 3), axis=0, keepdims=True),
        call(s.distinct(2, 3), axis=-1),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: (
        torch.amax(a, _torch_axes(a, axis), keepdims)
        - torch.amin(a, _torch_axes(a, axis), keepdims)
    ),
    numpy=[np.ptp],
)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Peak to peak: the largest element over `axis` less the smallest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composite(
    "nansum",
    formula=r"y = \sum_{i:\, a_i \ne \mathrm{NaN}} a_i",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3), axis=0, keepdims=True)],
    torch=lambda torch, a, axis=None, keepdims=False: torch.nansum(a, axis, keepdims),
    numpy=[np.nansum],
)
def nansum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum over `axis` of the elements that are not NaN; the gradient of a NaN is zero."""
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


@composite(
    "nanmean",
    formula=r"y = \frac{1}{\#\{i : a_i \ne \mathrm{NaN}\}} \sum_{i:\, a_i \ne \mathrm{NaN}} a_i",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3), axis=0, keepdims=True)],
    torch=lambda torch, a, axis=None, keepdims=False: torch.nanmean(a, axis, keepdims),
    numpy=[np.nanmean],
)
def nanmean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean over `axis` of the elements that are not NaN; the gradient of a NaN is zero."""
    total = np.nansum(a, axis=axis, keepdims=keepdims)
    present = np.logical_not(np.isnan(a))
    return total / np.astype(np.sum(present, axis=axis, keepdims=keepdims), total.dtype)
