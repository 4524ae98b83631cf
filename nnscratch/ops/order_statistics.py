"""Values by their rank: sort, partition, median, quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Tensor, call, composite
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array, kept_shape, numbers, reduced_axes, reduced_rows
from nnscratch_kernels.devices import on_host

Axis = int | tuple[int, ...] | None


@composite(
    "sort",
    formula=r"y_k = a_{\pi(k)}, \quad y_0 \le y_1 \le \dots",
    samples=lambda s: [
        call(s.distinct(2, 4)),
        call(s.distinct(3, 2), axis=0),
        call(s.distinct(2, 3), axis=None),
        call(s.distinct(0, 3), axis=-2),
    ],
    torch=lambda torch, a, axis=-1: (
        torch.sort(a.reshape(-1))[0] if axis is None else torch.sort(a, axis)[0]
    ),
    numpy=[np.sort],
)
def sort(a: Any, axis: int | None = -1, *, stable: bool | None = None) -> Any:
    """Sorted along `axis`, NaN last; each element takes its gradient with it.

    Args:
        a: array of at least one axis; without an axis, flattened.
        axis: the axis to sort along.
        stable: whether equal elements keep their order, and with it which gets whose gradient.
    """
    order = np.argsort(numbers(a), axis=axis, kind="stable" if stable else None)
    return np.take_along_axis(as_array(a), order, axis=axis)


@composite(
    "partition",
    formula=r"y_k = a_{\pi(k)}, \quad y_i \le y_k \le y_j \text{ for } i < k < j",
    samples=lambda s: [
        call(s.distinct(2, 5), 2),
        call(s.distinct(5, 2), (1, 3), axis=0),
        call(s.distinct(2, 3), -1, axis=None),
    ],
    numpy=[np.partition],
)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """Arranged along `axis` so that place `kth` holds what sorting would put there.

    Args:
        a: array of at least one axis; without an axis, flattened.
        kth: a place, or several; smaller elements come before it and larger ones behind, each
            group in any order.
        axis: the axis to arrange.
    """
    order = np.argpartition(numbers(a), kth, axis=axis)
    return np.take_along_axis(as_array(a), order, axis=axis)


def _torch_quantile(
    torch: Any, a: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Any:
    shape, reduced = tuple(a.shape), reduced_axes(a.ndim, axis)
    kept = tuple(i for i in range(a.ndim) if i not in reduced)
    lengths = kept_shape(shape, axis) if keepdims else tuple(shape[i] for i in kept)
    rows = a.permute(kept + reduced).reshape((*(shape[i] for i in kept), -1))
    q = torch.as_tensor(q, dtype=a.dtype)
    result = torch.quantile(rows, q.reshape(-1), -1, interpolation=method)
    return result.reshape((*q.shape, *lengths))


@composite(
    "median",
    formula=r"y = \tfrac12 (a_{\pi(\lfloor m \rfloor)} + a_{\pi(\lceil m \rceil)}), \quad "
    r"m = \tfrac12 (n - 1)",
    samples=lambda s: [
        call(s.distinct(2, 3)),
        call(s.distinct(5)),
        call(s.distinct(2, 4), axis=-1, keepdims=True),
        call(s.distinct(2, 3, 4), axis=(0, 2)),
        call(s.distinct()),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: _torch_quantile(
        torch, a, 0.5, axis, keepdims=keepdims
    ),
    numpy=[np.median],
)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle value over `axis`, or the mean of the two middle ones. NaN if one is NaN."""
    return quantile(a, 0.5, axis=axis, keepdims=keepdims)


@composite(
    "quantile",
    formula=r"y = (1 - t)\, a_{\pi(k)} + t\, a_{\pi(k+1)}, \quad k + t = q (n - 1)",
    samples=lambda s: [
        call(s.distinct(2, 3), 0.3),
        call(s.distinct(5), [0.1, 0.6, 1.0]),
        call(s.distinct(2, 4), np.array([[0.1, 0.4], [0.5, 0.95]]), axis=-1, keepdims=True),
        call(s.distinct(2, 3, 4), 0.0, axis=(0, -1)),
        call(s.distinct(6), 0.3, method="lower"),
        call(s.distinct(6), 0.3, method="higher"),
        call(s.distinct(6), 0.3, method="nearest"),
        call(s.distinct(6), 0.3, method="midpoint"),
        call(s.distinct(), 0.25),
    ],
    torch=_torch_quantile,
    numpy=[np.quantile],
)
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The value below which the share `q` of the elements lies, differentiable in `a` and in `q`.

    The elements are taken as standing at the shares 0, 1/(n-1), …, 1 (definition 7 of Hyndman and
    Fan, "Sample quantiles in statistical packages", 1996).

    Args:
        a: array of any shape; its NaNs make results NaN.
        q: number or array from 0 to 1; its axes come first in the result.
        axis: the axes to reduce.
        method: between two elements: "linear" interpolates, "lower", "higher" and "nearest" choose
            one of them, "midpoint" is their mean.
        keepdims: keep the reduced axes, with length 1.

    Raises:
        ValueError: shares outside 0 to 1, no elements, or another method.
    """
    a = as_array(a)
    rows = np.sort(reduced_rows(a, axis), axis=-1)
    if rows.shape[-1] == 0:
        raise ValueError(f"quantile over axis {axis} of shape {a.shape} has no elements.")
    adopts = isinstance(q, int | float) and a.dtype.kind == "f"
    q = as_array(q)
    result = np.moveaxis(_between(rows, q, a.dtype if adopts else None, method), -1, 0)
    lengths = kept_shape(a.shape, axis) if keepdims else rows.shape[:-1]
    return np.reshape(result, q.shape + lengths)


def _between(rows: Any, q: Any, dtype: Any, method: str) -> Any:
    """The elements of the sorted rows at the shares `q`, as many as `q` has elements.

    A weight between two elements has the dtype given, or else that of `q`. The places in the rows
    are worked out on the CPU.
    """
    shares, steps = on_host(numbers(q)).reshape(-1), rows.shape[-1] - 1
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError("quantile takes shares from 0 to 1 (percentile: from 0 to 100).")
    places = shares.astype(np.float64) * steps
    rounding = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}
    if method in rounding:
        result = _at(rows, rounding[method](places))
    elif method in ("linear", "midpoint"):
        below = np.floor(places)
        low, high = _at(rows, below), _at(rows, np.ceil(places))
        weight: Any = 0.5
        if method == "linear" and isinstance(q, Tensor):
            weight = np.reshape(q, -1) * steps - _near(below.astype(q.dtype), q)
        elif method == "linear":
            weights = (places - below).astype(dtype or np.result_type(q.dtype, np.float16))
            weight = _near(weights, rows)
        result = low + weight * (high - low)
    else:
        raise ValueError(
            f"quantile takes method 'linear', 'lower', 'higher', 'nearest' or 'midpoint', got "
            f"{method!r}."
        )
    last = rows[..., -1:]  # sorting puts NaN last
    return np.where(np.isnan(last), last, result)


def _at(rows: Any, places: Any) -> Any:
    """The elements of the rows at some places, an array of the CPU."""
    if places.size == 1:  # the usual case needs no array of indices, which a GPU would wait for
        place = int(places[0])
        return rows[..., place : place + 1]
    return rows[..., places.astype(int)]


def _near(array: Any, like: Any) -> Any:
    """An array of the CPU where another one is; a single number as such."""
    return array[0] if array.size == 1 else array_module(like).asarray(array)


@composite(
    "percentile",
    formula=r"y = \mathrm{quantile}(a,\, q / 100)",
    samples=lambda s: [
        call(s.distinct(2, 3), 30),
        call(s.distinct(5), [10.0, 60.0], axis=0),
        call(s.distinct(2, 4), 45.0, axis=-1, keepdims=True),
    ],
    torch=lambda torch, a, q, **params: _torch_quantile(
        torch, a, torch.as_tensor(q, dtype=a.dtype) / 100, **params
    ),
    numpy=[np.percentile],
)
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` with `q` from 0 to 100."""
    shares = (q if isinstance(q, int | float) else as_array(q)) / 100
    return quantile(a, shares, axis=axis, method=method, keepdims=keepdims)
