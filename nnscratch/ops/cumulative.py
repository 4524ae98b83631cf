"""Running sums and products along an axis, differences, and the trapezoidal rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array, normalized_axis


def _cumsum_vjp(g: Any, y: Any, a: Any, axis: int | None) -> Any:
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis), a.shape)


def _cumprod_vjp(g: Any, y: Any, a: Any, axis: int | None) -> Any:
    """Without division, so that zeros are right: (Π_{j<i} a_j) r_i, r_i = g_i + a_{i+1} r_{i+1}."""
    if axis is None or a.ndim == 0:
        return np.reshape(_cumprod_vjp(g, y, np.reshape(a, -1), 0), a.shape)
    rows, arrived = np.moveaxis(a, axis, -1), np.moveaxis(g, axis, -1)
    before = _shifted(np.moveaxis(y, axis, -1), 1)
    return np.moveaxis(before * _reverse_recurrence(rows, arrived), -1, axis)


def _reverse_recurrence(a: Any, b: Any) -> Any:
    """Solve r_i = b_i + a_{i+1} r_{i+1}, along the last axis."""
    following = np.roll(a, -1, -1)  # the last one, a_0, multiplies nothing
    return np.flip(linear_recurrence(np.flip(following, -1), np.flip(b, -1)), -1)


def _shifted(rows: Any, first: int) -> Any:
    """Each row moved on by one element, with `first` put in front and the last one dropped."""
    front = array_module(rows).full((*rows.shape[:-1], 1), first, rows.dtype)
    return np.concatenate([front, rows], axis=-1)[..., :-1]


@op(
    "cumsum",
    formula=r"y_k = \sum_{i \le k} a_i",
    derivative=r"\bar a_i = \sum_{k \ge i} \bar y_k",
    vjps=(_cumsum_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 2), axis=-2),
        call(s.normal()),
        call(s.normal(2, 0), axis=1),
    ],
    torch=lambda torch, a, axis=None: (
        torch.cumsum(a.reshape(-1), 0) if axis is None else torch.cumsum(a, axis)
    ),
    numpy=[np.cumsum],
)
def cumsum(a: Any, axis: int | None = None) -> Any:
    """Running sum along `axis`; without an axis, over the flattened array."""
    return np.cumsum(a, axis=axis)


@op(
    "cumprod",
    formula=r"y_k = \prod_{i \le k} a_i",
    derivative=r"\bar a_i = \sum_{k \ge i} \bar y_k \prod_{j \le k,\, j \ne i} a_j",
    vjps=(_cumprod_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(4, 2), axis=0),
        call(s.normal(2, 5) * np.array([1.0, 0, 1, 1, 1]), axis=-1),
        call(s.normal(2, 5) * np.array([1.0, 0, 1, 0, 1]), axis=1),
        call(s.normal()),
        call(s.normal(2, 0), axis=1),
    ],
    torch=lambda torch, a, axis=None: (
        torch.cumprod(a.reshape(-1), 0) if axis is None else torch.cumprod(a, axis)
    ),
    numpy=[np.cumprod],
)
def cumprod(a: Any, axis: int | None = None) -> Any:
    """Running product along `axis`, or over the flattened array; zeros have right gradients."""
    return np.cumprod(a, axis=axis)


def _linear_recurrence_vjp(wanted: Any, g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    carried = _reverse_recurrence(a, g)
    return carried * _shifted(y, 0), carried


@op(
    "linear_recurrence",
    formula=r"y_k = a_k y_{k-1} + b_k, \quad y_{-1} = 0",
    derivative=r"\bar b_k = \bar y_k + a_{k+1} \bar b_{k+1}, \quad \bar a_k = \bar b_k\, y_{k-1}",
    vjps=(_linear_recurrence_vjp,),
    joint=True,
    arity=2,
    samples=lambda s: [
        call(s.normal(5), s.normal(5)),
        call(s.normal(2, 4), s.normal(2, 4)),
        call(s.normal(3) * np.array([1.0, 0, 1]), s.normal(3)),
        call(s.normal(2, 0), s.normal(2, 0)),
    ],
)
def linear_recurrence(a: Any, b: Any) -> Any:
    """y_k = a_k · y_{k-1} + b_k along the last axis, in log2(n) passes over the arrays.

    Each pass doubles the number of steps that an element looks back (the scan of Hillis and
    Steele, "Data parallel algorithms", 1986).

    Args:
        a: factors, of shape (..., n); the first one multiplies nothing.
        b: terms, of the same shape.
    """
    factors, terms = a.copy(), b.copy()
    step = 1
    while step < terms.shape[-1]:
        terms[..., step:] += factors[..., step:] * terms[..., :-step]
        factors[..., step:] *= factors[..., :-step]
        step *= 2
    return terms


def _torch_cumulative(cumulate: str) -> Any:
    def run(torch: Any, x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
        axis = axis or 0
        y = getattr(torch, cumulate)(x, axis)
        if not include_initial:
            return y
        shape = list(x.shape)
        shape[axis] = 1
        return torch.cat([torch.full(shape, cumulate == "cumprod", dtype=x.dtype), y], axis)

    return run


@composite(
    "cumulative_sum",
    formula=r"y_k = \sum_{i \le k} x_i",
    samples=lambda s: [
        call(s.normal(3)),
        call(s.normal(2, 3), axis=-1),
        call(s.normal(2, 3), axis=0, include_initial=True),
    ],
    torch=_torch_cumulative("cumsum"),
    numpy=[np.cumulative_sum],
)
def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running sum along `axis`, which an array of one axis need not name.

    Args:
        x: array of at least one axis.
        axis: the axis.
        include_initial: start with a 0, so that the axis grows by one.

    Raises:
        ValueError: no axis given for an array of several.
    """
    x, axis = _one_axis("cumulative_sum", x, axis)
    y = np.cumsum(x, axis=axis)
    return _with_initial(y, 0, axis) if include_initial else y


@composite(
    "cumulative_prod",
    formula=r"y_k = \prod_{i \le k} x_i",
    samples=lambda s: [
        call(s.normal(3)),
        call(s.normal(2, 3), axis=-1),
        call(s.normal(2, 3), axis=0, include_initial=True),
    ],
    torch=_torch_cumulative("cumprod"),
    numpy=[np.cumulative_prod],
)
def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running product along `axis`, which an array of one axis need not name.

    Args:
        x: array of at least one axis.
        axis: the axis.
        include_initial: start with a 1, so that the axis grows by one.

    Raises:
        ValueError: no axis given for an array of several.
    """
    x, axis = _one_axis("cumulative_prod", x, axis)
    y = np.cumprod(x, axis=axis)
    return _with_initial(y, 1, axis) if include_initial else y


def _one_axis(name: str, x: Any, axis: int | None) -> tuple[Any, int]:
    x = as_array(x)
    if x.ndim == 0 or (axis is None and x.ndim > 1):
        raise ValueError(
            f"{name} needs an array of one axis, or several and axis=, got shape {x.shape} and "
            f"axis {axis}."
        )
    return x, axis or 0


def _with_initial(y: Any, first: int, axis: int) -> Any:
    shape = list(y.shape)
    shape[axis] = 1
    return np.concatenate([array_module(y).full(shape, first, y.dtype), y], axis=axis)


@composite(
    "diff",
    formula=r"y_k = a_{k+1} - a_k",
    samples=lambda s: [
        call(s.normal(4)),
        call(s.normal(3, 4), n=2, axis=0),
        call(s.normal(2, 3), axis=-1, prepend=s.normal(2, 1)),
        call(s.normal(2, 3), prepend=s.normal(2, 2), append=s.normal(2, 1)),
        call(s.normal(3), n=0),
    ],
    torch=lambda torch, a, n=1, axis=-1, prepend=None, append=None: torch.diff(
        a, n, axis, prepend, append
    ),
    numpy=[np.diff],
)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Difference of neighbours along `axis`, taken `n` times.

    Args:
        a: array of at least one axis.
        n: how often; the axis becomes that much shorter.
        axis: the axis.
        prepend: array or number to put in front of the axis first.
        append: array or number to put behind it.

    Raises:
        ValueError: a number without axes, or a negative `n`.
    """
    a = as_array(a)
    if n < 0 or a.ndim == 0:
        raise ValueError(f"diff needs at least one axis and n >= 0, got shape {a.shape} and n={n}.")
    if n == 0:  # NumPy then leaves the ends away too
        return a
    axis = normalized_axis(axis, a.ndim)
    edge = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [
        None if end is None else end if end.ndim else np.broadcast_to(end, edge)
        for end in (None if end is None else as_array(end) for end in (prepend, append))
    ]
    parts = [part for part in (ends[0], a, ends[1]) if part is not None]
    if len(parts) > 1:
        a = np.concatenate(parts, axis=axis)
    lead = (slice(None),) * axis
    for _ in range(n):
        a = a[(*lead, slice(1, None))] - a[(*lead, slice(None, -1))]
    return a


@composite(
    "trapezoid",
    formula=r"s = \sum_k \tfrac12 (x_{k+1} - x_k)(y_k + y_{k+1})",
    samples=lambda s: [
        call(s.normal(4)),
        call(s.normal(2, 4), dx=0.5),
        call(s.normal(2, 4), s.normal(4)),
        call(s.normal(3, 2), s.normal(3, 2), axis=0),
    ],
    torch=lambda torch, y, x=None, dx=1.0, axis=-1: (
        torch.trapezoid(y, dx=dx, dim=axis) if x is None else torch.trapezoid(y, x, dim=axis)
    ),
    numpy=[np.trapezoid],
)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral along `axis` by the trapezoidal rule, differentiable in the places `x` too.

    Args:
        y: values, array of at least one axis.
        x: places of the values, along the axis alone or of the shape of `y`; None for equal steps.
        dx: step between two values where `x` is None.
        axis: the axis to integrate along.
    """
    y = as_array(y)
    axis = normalized_axis(axis, y.ndim)
    if x is not None:
        x = as_array(x)
        if x.ndim == 1:
            x = np.reshape(x, (-1,) + (1,) * (y.ndim - 1 - axis))
        dx = np.diff(x, axis=axis - y.ndim)
    lead = (slice(None),) * axis
    pairs = y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]
    return np.sum(dx * pairs, axis=axis) / 2
