"""How the host computes those functions for which CuPy's results are not simply NumPy's."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .device_array import ndarray
from .ufuncs import ufunc

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray[Any, Any]


def _take(a: Array, indices: Any, axis: Any = None, out: Any = None) -> Any:
    """Indices beyond the end wrap around."""
    return np.take(a, np.asarray(indices), axis, out, mode="wrap")


def _put(a: Array, ind: Any, v: Any, mode: Any = "wrap") -> None:
    np.put(a, ind, v, mode)


def _wrapped(indices: Array, a: Array, axis: Any) -> Array:
    length = a.size if axis is None else a.shape[axis]
    return indices % length if length else indices


def _take_along_axis(a: Array, indices: Array, axis: Any) -> Any:
    return np.take_along_axis(a, _wrapped(indices, a, axis), axis)


def _put_along_axis(arr: Array, indices: Array, values: Any, axis: Any) -> None:
    np.put_along_axis(arr, _wrapped(indices, arr, axis), values, axis)


def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "wrap", order: Any = "C") -> Any:
    return np.ravel_multi_index(multi_index, dims, mode, order)


def _diag(v: Array, k: int = 0) -> Any:
    """A copy, where NumPy gives a view."""
    return np.diag(v, k).copy()


def _diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A view that can be written to, where NumPy's cannot."""
    view = a.diagonal(offset, axis1, axis2)
    view.flags.writeable = a.flags.writeable
    return view


def _sort(a: Array, axis: Any = -1, kind: Any = None) -> Any:
    return np.sort(a, axis, kind="stable")


def _argsort(a: Array, axis: Any = -1, kind: Any = None) -> Any:
    """CuPy's sort is always stable."""
    return np.argsort(a, axis, kind="stable")


def _argpartition(a: Array, kth: Any, axis: Any = -1) -> Any:
    """Any order on either side of the k-th will do: another one than NumPy's."""
    length = a.size if axis is None else a.shape[axis]
    order = np.argpartition(a, kth, axis)
    if not isinstance(kth, int | np.integer):
        return order
    kth %= length
    below, at, above = np.split(order, [kth, kth + 1], -1 if axis is None else axis)
    return np.concatenate(
        [np.flip(below, axis), at, np.flip(above, axis)], -1 if axis is None else axis
    )


COMPUTATIONS: dict[str, Callable[..., Any]] = {
    "argpartition": _argpartition,
    "argsort": _argsort,
    "diag": _diag,
    "diagonal": _diagonal,
    "put": _put,
    "put_along_axis": _put_along_axis,
    "ravel_multi_index": _ravel_multi_index,
    "sort": _sort,
    "take": _take,
    "take_along_axis": _take_along_axis,
}


def _linear_algebra(compute: Callable[..., Any], like: int) -> Callable[..., Any]:
    """CuPy gives garbage for a matrix that has no answer, unless it is told to look; here NaN.

    Args:
        compute: NumPy's function.
        like: which argument has the shape of the result.
    """

    @wraps(compute)
    def computed(*arrays: Array) -> Any:
        try:
            return compute(*arrays)
        except np.linalg.LinAlgError as error:
            if "ingular" not in str(error) and "definite" not in str(error):
                raise
            return np.full_like(arrays[like], np.nan, dtype=np.result_type(*arrays, np.float32))

    return computed


def _solve(a: Array, b: Array) -> Any:
    """Stacks of matrices are not broadcast, and a vector is one for each matrix."""
    if b.ndim == 1 and a.shape[-1:] == b.shape:
        return _SOLVE(a, np.broadcast_to(b[:, None], (*a.shape[:-1], 1)))[..., 0]
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K)")
    return _SOLVE(a, b)


_SOLVE = _linear_algebra(np.linalg.solve, 1)

LINEAR_ALGEBRA: dict[str, Callable[..., Any]] = {
    "cholesky": _linear_algebra(np.linalg.cholesky, 0),
    "inv": _linear_algebra(np.linalg.inv, 0),
    "solve": _solve,
}


def _clip(x: Array, low: Any, high: Any) -> Any:
    """A bound that is NaN is none, unlike NumPy's."""
    return np.where(low > high, high, np.where(x < low, low, np.where(x > high, high, x)))


_CLIP = ufunc(
    _clip,
    name="cupy_clip",
    loops="???->? bbb->b BBB->B hhh->h HHH->H iii->i III->I lll->l LLL->L qqq->q QQQ->Q eee->e "
    "fff->f ddd->d",
)
_WHERE = ufunc(
    np.where,
    name="cupy_where",
    loops="???->? ?bb->b ?BB->B ?hh->h ?HH->H ?ii->i ?II->I ?ll->l ?LL->L ?qq->q ?QQ->Q ?ee->e "
    "?ff->f ?dd->d ?FF->F ?DD->D",
)


def clip(a: Any, a_min: Any, a_max: Any, out: Any = None) -> ndarray:
    """The elements within bounds, each of which may be None."""
    if not isinstance(a, ndarray):
        raise TypeError(f"Unsupported type {type(a)}")
    if a.dtype.kind in "iuf":
        limits = np.iinfo(a.dtype) if a.dtype.kind in "iu" else None
        least = a.dtype.type("-inf") if limits is None else limits.min
        most = a.dtype.type("inf") if limits is None else limits.max
        a_min, a_max = least if a_min is None else a_min, most if a_max is None else a_max
    clipped: ndarray = _CLIP(a, a_min, a_max, out=out)
    return clipped


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """x where the condition is true, else y; without both, the indices where it is true."""
    if not hasattr(condition, "astype"):
        raise TypeError(f"where(): a condition of type {type(condition)} has no astype")
    if x is None and y is None:
        return condition.nonzero()
    if x is None or y is None:
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    return _WHERE(condition.astype(np.bool_), x, y)
