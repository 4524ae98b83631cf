"""The same elements in another shape, order of axes, or dtype: reshape, transpose, broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.ops.arguments import as_array, normalized_axis

Axis = int | tuple[int, ...] | None


def _reshape_back(g: Any, y: Any, a: Any, **params: Any) -> Any:
    return np.reshape(g, a.shape)


def _torch_like(function: Any) -> Any:
    """PyTorch's reshape to the shape that NumPy's function gives."""
    return lambda torch, a, *args, **params: torch.reshape(
        a, function(np.empty(tuple(a.shape)), *args, **params).shape
    )


@op(
    "reshape",
    formula=r"y = a \text{ in another shape}",
    derivative=r"\bar a = \bar y \text{ in the shape of } a",
    vjps=(lambda g, y, a, shape, order: np.reshape(g, a.shape, order=order),),
    samples=lambda s: [
        call(s.normal(2, 6), (3, 4)),
        call(s.normal(2, 6), -1),
        call(s.normal(2, 3, 2), (3, -1), order="F"),
        call(s.normal(1), ()),
        call(s.normal(), (1, 1)),
        call(s.normal(0, 3), (3, 0)),
    ],
    torch=lambda torch, a, shape, order="C": (
        torch.reshape(a, shape if isinstance(shape, tuple) else (shape,))
        if order == "C"
        else torch.reshape(a.permute(*range(a.ndim)[::-1]), shape[::-1]).permute(
            *range(len(shape))[::-1]
        )
    ),
    numpy=[np.reshape],
)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """The same elements in another shape, read and filled in C or Fortran order.

    Args:
        a: array of any shape.
        shape: integer or tuple of integers; one may be -1, to be worked out from the others.
        order: "C" (last axis fastest) or "F" (first axis fastest), whatever the memory layout.

    Raises:
        ValueError: the sizes differ, or another order.
    """
    _require_order("reshape", order)
    return np.reshape(a, shape, order=order)  # type: ignore[call-overload] # order was checked


def _require_order(name: str, order: str) -> None:
    if order not in ("C", "F"):
        raise ValueError(
            f"{name} takes order 'C' or 'F', got {order!r}: an order that depends on the memory "
            f"layout has no gradient of its own."
        )


@composite(
    "ravel",
    formula=r"y = a \text{ along one axis}",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3), order="F"), call(s.normal())],
    torch=lambda torch, a, order="C": (
        a if order == "C" else a.permute(*range(a.ndim)[::-1])
    ).reshape(-1),
    numpy=[np.ravel],
)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements along one axis, read in C or Fortran order."""
    _require_order("ravel", order)
    return np.reshape(a, -1, order=order)  # type: ignore[call-overload] # order was checked


@op(
    "squeeze",
    formula=r"y = a \text{ without axes of length 1}",
    derivative=r"\bar a = \bar y \text{ in the shape of } a",
    vjps=(_reshape_back,),
    samples=lambda s: [
        call(s.normal(1, 2, 1)),
        call(s.normal(1, 2, 1), axis=0),
        call(s.normal(1, 2, 1), axis=(0, -1)),
        call(s.normal()),
    ],
    torch=_torch_like(np.squeeze),
    numpy=[np.squeeze],
)
def squeeze(a: Any, axis: Axis = None) -> Any:
    """Without the axes of length 1, or without those named.

    Raises:
        ValueError: a named axis is longer than 1.
    """
    return np.squeeze(a, axis=axis)


@op(
    "expand_dims",
    formula=r"y = a \text{ with new axes of length 1}",
    derivative=r"\bar a = \bar y \text{ in the shape of } a",
    vjps=(_reshape_back,),
    samples=lambda s: [
        call(s.normal(2, 3), 0),
        call(s.normal(2, 3), axis=(0, -1)),
        call(s.normal(), -1),
    ],
    torch=_torch_like(np.expand_dims),
    numpy=[np.expand_dims],
)
def expand_dims(a: Any, axis: Any) -> Any:
    """With new axes of length 1 that stand at `axis`, an integer or a tuple, in the result."""
    return np.expand_dims(a, axis)


def _inverse_order(axes: Any) -> Any:
    if axes is None:
        return None
    places = [axis % len(axes) for axis in axes]
    return tuple(places.index(i) for i in range(len(places)))


@op(
    "transpose",
    formula=r"y_{i_{p(0)} \dots i_{p(n-1)}} = a_{i_0 \dots i_{n-1}}",
    derivative=r"\bar a = \mathrm{transpose}(\bar y,\, p^{-1})",
    vjps=(lambda g, y, a, axes: np.transpose(g, _inverse_order(axes)),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3, 4), (1, 2, 0)),
        call(s.normal(2, 3, 4), axes=(-1, 0, 1)),
        call(s.normal()),
    ],
    torch=lambda torch, a, axes=None: torch.permute(a, axes or tuple(range(a.ndim))[::-1]),
    numpy=[np.transpose, np.permute_dims],
)
def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in the order `axes`, by default reversed.

    Raises:
        ValueError: `axes` does not name each axis once.
    """
    return np.transpose(a, axes)


@op(
    "swapaxes",
    formula=r"y_{\dots j \dots i \dots} = a_{\dots i \dots j \dots}",
    derivative=r"\bar a = \mathrm{swapaxes}(\bar y)",
    vjps=(lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),),
    samples=lambda s: [call(s.normal(2, 3, 4), 0, 2), call(s.normal(2, 3), -1, -2)],
    torch="swapaxes",
    numpy=[np.swapaxes],
)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return np.swapaxes(a, axis1, axis2)


@composite(
    "matrix_transpose",
    formula=r"y = a^\top \text{ over the last two axes}",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3, 4))],
    torch=lambda torch, x: x.mT,
    numpy=[np.matrix_transpose],
)
def matrix_transpose(x: Any) -> Any:
    """Each matrix of a batch, of shape (..., m, n), transposed."""
    return np.swapaxes(x, -1, -2)


@op(
    "moveaxis",
    formula=r"y = a \text{ with axes moved, the others in their order}",
    derivative=r"\bar a = \bar y \text{ with them moved back}",
    vjps=(lambda g, y, a, source, destination: np.moveaxis(g, destination, source),),
    samples=lambda s: [
        call(s.normal(2, 3, 4), 0, -1),
        call(s.normal(2, 3, 4), (0, 1), (-1, 0)),
    ],
    torch="moveaxis",
    numpy=[np.moveaxis],
)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """The axes `source` moved to the places `destination`; integers or tuples of equal length."""
    return np.moveaxis(a, source, destination)


def _rolled_axes(ndim: int, axis: int, start: int) -> tuple[int, ...]:
    """Where NumPy's rollaxis takes each axis from: an array with axes of length 0, 1, 2… tells."""
    return np.rollaxis(np.empty(tuple(range(ndim))), axis, start).shape


@composite(
    "rollaxis",
    formula=r"y = a \text{ with one axis moved before another}",
    samples=lambda s: [
        call(s.normal(2, 3, 4), 2),
        call(s.normal(2, 3, 4), 0, 3),
        call(s.normal(2, 3, 4), -2, start=-1),
    ],
    torch=lambda torch, a, axis, start=0: torch.permute(a, _rolled_axes(a.ndim, axis, start)),
    numpy=[np.rollaxis],
)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The axis moved back until it stands before `start`; np.moveaxis is clearer."""
    ndim = as_array(a).ndim
    axis = normalized_axis(axis, ndim)
    start = start + ndim if start < 0 else start
    if not 0 <= start <= ndim:
        raise np.exceptions.AxisError(start, ndim, "rollaxis start")
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


@op(
    "broadcast_to",
    formula=r"y = a \text{ repeated to a shape}",
    derivative=r"\bar a = \sum_{\text{repeats}} \bar y",
    # The backward walk sums over the repeated axes.
    vjps=(lambda g, y, array, shape: g,),
    samples=lambda s: [
        call(s.normal(3), (2, 3)),
        call(s.normal(2, 1), shape=(4, 2, 3)),
        call(s.normal(), (2,)),
        call(s.normal(1, 3), (0, 3)),
    ],
    torch=lambda torch, array, shape: torch.broadcast_to(array, shape),
    numpy=[np.broadcast_to],
)
def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeated to `shape` without being copied; the result is read-only.

    Raises:
        ValueError: the array does not broadcast to it.
    """
    return np.broadcast_to(array, shape)


@composite(
    "broadcast_arrays",
    formula=r"y_i = a_i \text{ repeated to the common shape}",
    samples=lambda s: [call(s.normal(2, 1), s.normal(3)), call(s.normal(2), s.normal())],
    torch=lambda torch, *args: torch.broadcast_tensors(*(torch.as_tensor(arg) for arg in args)),
    numpy=[np.broadcast_arrays],
)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """All arguments repeated to the shape that they have in common.

    Raises:
        ValueError: they have none.
    """
    arrays = [as_array(arg) for arg in args]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return tuple(np.broadcast_to(array, shape) for array in arrays)


def _at_least(name: str, ndim: int, new_shape: Any) -> Any:
    """Make atleast_{ndim}d, where `new_shape` gives the new shape of an array with fewer axes."""

    def atleast(*arys: Any) -> Any:
        arrays = [as_array(array) for array in arys]
        results = tuple(
            array if array.ndim >= ndim else np.reshape(array, new_shape(array.shape))
            for array in arrays
        )
        return results if len(results) != 1 else results[0]

    atleast.__doc__ = (
        f"The arguments with at least {ndim} {'axis' if ndim == 1 else 'axes'}; "
        f"a tuple where several are given."
    )
    function = getattr(np, name)
    return composite(
        name,
        formula=rf"y = a \text{{ with at least {ndim} axes}}",
        samples=lambda s: [
            call(s.normal()),
            call(s.normal(3)),
            call(s.normal(2, 3)),
            call(s.normal(2, 1, 2, 2)),
            call(s.normal(2), s.normal()),
        ],
        torch=lambda torch, *arys: (
            getattr(torch, name)(*arys)
            if ndim < 3
            else tuple(_torch_like(np.atleast_3d)(torch, array) for array in arys)
            if len(arys) > 1
            else _torch_like(np.atleast_3d)(torch, arys[0])
        ),
        numpy=[function],
    )(atleast)


atleast_1d = _at_least("atleast_1d", 1, lambda shape: (1,))
atleast_2d = _at_least("atleast_2d", 2, lambda shape: (1, *shape) if shape else (1, 1))
atleast_3d = _at_least(
    "atleast_3d", 3, lambda shape: (*((1,) if len(shape) < 2 else ()), *(shape or (1,)), 1)
)


@op(
    "astype",
    formula=r"y = a \text{ in another dtype}",
    derivative=r"\bar a = \bar y \text{ in the dtype of } a",
    # The backward walk gives a gradient the dtype of what it belongs to.
    vjps=(lambda g, y, x, dtype, copy: g,),
    samples=lambda s: [call(s.normal(2, 3), np.float64), call(s.normal(), "float64")],
    torch=lambda torch, x, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
    numpy=[np.astype],
)
def astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    """In another dtype; gradients flow between floating-point dtypes, and stop at others.

    Args:
        x: array of any shape.
        dtype: NumPy dtype, or its name.
        copy: whether the result has memory of its own even where the dtype is the same.
    """
    return as_array(x).astype(dtype, copy=copy)


@op(
    "copy",
    formula="y = a",
    derivative=r"\bar a = \bar y",
    vjps=(lambda g, y, a: g,),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch="clone",
    numpy=[np.copy],
)
def copy(a: Any) -> Any:
    """The same numbers in memory of their own."""
    return np.copy(a)


@composite(
    "meshgrid",
    formula=r"y^{(k)}_{i_0 \dots i_{n-1}} = x^{(k)}_{i_k}",
    samples=lambda s: [
        call(s.normal(2), s.normal(3)),
        call(s.normal(2), s.normal(3), s.normal(4), indexing="ij"),
        call(s.normal(2), s.normal(3), sparse=True),
        call(s.normal(2), s.normal()),
    ],
    torch=lambda torch, *xi, indexing="xy", sparse=False: tuple(
        grid[tuple(slice(length) for length in thin.shape)]
        for grid, thin in zip(
            torch.meshgrid(*(torch.atleast_1d(x) for x in xi), indexing=indexing),
            np.meshgrid(*(np.empty(x.numel()) for x in xi), indexing=indexing, sparse=sparse),
            strict=True,
        )
    ),
    numpy=[np.meshgrid],
)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinate grids from the coordinates along each axis.

    Args:
        xi: n arrays of one axis, or numbers.
        copy: give the grids memory of their own instead of views that repeat it.
        sparse: leave each grid with length 1 along the other axes, to be broadcast.
        indexing: "ij" for axes in the order of `xi`; "xy" with the first two exchanged.

    Raises:
        ValueError: another `indexing`.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid takes indexing 'xy' or 'ij', got {indexing!r}.")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = [1, 0]
    grids: tuple[Any, ...] = tuple(
        np.reshape(as_array(x), [-1 if axis == place else 1 for axis in range(len(xi))])
        for x, place in zip(xi, places, strict=True)
    )
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(np.copy(grid) for grid in grids) if copy else grids
