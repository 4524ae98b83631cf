"""Choosing elements: indexing and its adjoint, differentiable updates, take, where, select."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.autograd.tensor import INDEXING, plain_index
from nnscratch.ops.arguments import as_array, normalized_axis, numbers
from nnscratch.ops.indexed_writing import add_into, fitted, may_repeat, set_on_gpu, written
from nnscratch_kernels.devices import is_on_gpu

_NUMBERS = (int, float)


def _torch_positions(torch: Any, a: Any, index: Any) -> Any:
    """Where in the flattened `a` the elements stand that NumPy selects (slices may run back)."""
    return torch.as_tensor(np.arange(a.numel()).reshape(tuple(a.shape))[index].copy())


def _torch_getitem(torch: Any, a: Any, index: Any) -> Any:
    return a.reshape(-1)[_torch_positions(torch, a, index)]


def _torch_update(torch: Any, a: Any, value: Any, index: Any, accumulate: bool) -> Any:
    positions = _torch_positions(torch, a, index)
    value = torch.as_tensor(value, dtype=a.dtype).expand(positions.shape)
    return a.reshape(-1).index_put((positions,), value, accumulate).reshape(a.shape)


def _torch_scatter(torch: Any, values: Any, shape: tuple[int, ...], index: Any) -> Any:
    return _torch_update(torch, values.new_zeros(shape), values, index, True)


def _getitem_vjp(g: Any, y: Any, a: Any, index: Any) -> Any:
    return scatter(g, a.shape, index)


@op(
    "getitem",
    formula=r"y_k = a_{i(k)}",
    derivative=r"\bar a_j = \sum_{k:\, i(k) = j} \bar y_k",
    vjps=(_getitem_vjp,),
    samples=lambda s: [
        call(s.normal(4, 3), index=1),
        call(s.normal(4, 3), index=(slice(None, None, -2), None, 0)),
        call(s.normal(2, 3, 4), index=(..., slice(1, 3))),
        call(s.normal(2, 3), index=(1, 2)),
        call(s.normal(), index=()),
        call(s.normal(4, 3), index=np.array([[0, 2], [-4, 3]])),
        call(s.normal(4, 3), index=(np.array([1, 1, 2]), np.array([0, 0, -1]))),
        call(s.normal(4, 3, 2), index=(slice(1, None), [0, 0, 2])),
        call(s.normal(2, 3), index=np.array([[True, False, True], [False, True, True]])),
        call(s.normal(3, 2), index=(np.array([True, False, True]), [0, 0])),
        call(s.normal(3, 2), index=slice(3, 3)),
        call(s.normal(3, 2), index=np.array([], dtype=int)),
    ],
    torch=_torch_getitem,
)
def getitem(a: Any, index: Any) -> Any:
    """Select elements of `a` as `a[index]` does; `t[index]` on a tensor calls this.

    Args:
        a: array of any shape.
        index: NumPy's basic and advanced indices: integers, slices, None, Ellipsis, boolean masks,
            integer arrays (an element may be selected several times), and tuples of them. On a
            GPU, index arrays may be there or on the CPU; integers in them that are out of range
            count around, since to check them would be to wait for the GPU.

    Raises:
        IndexError: the index does not fit the shape.
    """
    return a[plain_index(index)]


@op(
    "scatter",
    formula=r"y_j = \sum_{k:\, i(k) = j} v_k",
    derivative=r"\bar v_k = \bar y_{i(k)}",
    vjps=(lambda g, y, values, shape, index: getitem(g, index),),
    samples=lambda s: [
        call(s.normal(3), shape=(4, 3), index=1),
        call(s.normal(2, 3), shape=(4, 3), index=slice(None, None, -2)),
        call(s.normal(3), shape=(4, 5), index=(np.array([1, 1, 2]), np.array([0, 0, -1]))),
        call(s.normal(2, 2, 3), shape=(4, 3), index=np.array([[0, 2], [-4, 2]])),
        call(s.normal(2, 3), shape=(2, 5), index=(slice(None), [0, 0, 2])),
        call(s.normal(2), shape=(3,), index=np.array([True, False, True])),
        call(s.normal(0, 3), shape=(2, 3), index=slice(2, 2)),
    ],
    torch=_torch_scatter,
)
def scatter(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `values` added at `index`: the adjoint of `getitem`.

    Args:
        values: array of the shape that `index` selects from an array of `shape`.
        shape: shape of the result.
        index: as in `getitem`; values of an index that stands there several times add up.
    """
    result = array_module(values).zeros(shape, values.dtype)
    add_into(result, values, plain_index(index))
    return result


def _set_at_vjp(g: Any, y: Any, a: Any, value: Any, index: Any) -> Any:
    return set_at(g, 0, index)


@op(
    "set_at",
    formula=r"y = a, \quad y_{i(k)} = v_k",
    derivative=r"\bar a_j = \bar y_j\,[j \notin i], \quad "
    r"\bar v_k = \bar y_{i(k)}\,[k \text{ is the last with this } i(k)]",
    vjps=(
        _set_at_vjp,
        lambda g, y, a, value, index: written(getitem(g, index), a.shape, index),
    ),
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3), index=1),
        call(s.normal(4, 3), 2.0, index=(slice(None, None, -2), 0)),
        call(s.normal(4, 3), s.normal(2, 1), index=np.array([0, -1])),
        call(
            s.normal(2, 3), s.normal(), index=np.array([[True, False, True], [False, True, True]])
        ),
        call(s.normal(), s.normal(), index=()),
        call(s.normal(2, 3), s.normal(0, 3), index=slice(2, 2)),
    ],
    torch=lambda torch, a, value, index: _torch_update(torch, a, value, index, False),
)
def set_at(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` in which `index` selects `value`; `t.at[index].set(value)` calls this.

    Args:
        a: array of any shape.
        value: array or number that broadcasts to the selected elements; it takes the dtype of `a`.
        index: as in `getitem`; of an index that stands there several times the last value wins.

    Raises:
        ValueError: the value does not broadcast to the selected elements.
        TypeError: a fractional value for integers, which would be cut.
    """
    index = plain_index(index)
    value = fitted("set", value, a, index)
    if is_on_gpu(a) and may_repeat(index):
        return set_on_gpu(a, value, index)
    result = array_module(a).array(a)  # also of one of NumPy's numbers, which no index can change
    result[index] = value
    return result


@op(
    "add_at",
    formula=r"y_j = a_j + \sum_{k:\, i(k) = j} v_k",
    derivative=r"\bar a = \bar y, \quad \bar v_k = \bar y_{i(k)}",
    vjps=(
        lambda g, y, a, value, index: g,
        lambda g, y, a, value, index: getitem(g, index),
    ),
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3), index=1),
        call(s.normal(4, 3), 2.0, index=(slice(None, None, -2), 0)),
        call(s.normal(4, 3), s.normal(3, 1), index=np.array([0, -1, 0])),
        call(s.normal(2, 4), s.normal(2, 3), index=(slice(None), [1, 1, 3])),
        call(
            s.normal(2, 3), s.normal(), index=np.array([[True, False, True], [False, True, True]])
        ),
        call(s.normal(), s.normal(), index=()),
    ],
    torch=lambda torch, a, value, index: _torch_update(torch, a, value, index, True),
)
def add_at(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with `value` added at `index`; `t.at[index].add(value)` calls this.

    Args:
        a: array of any shape.
        value: array or number that broadcasts to the selected elements; it takes the dtype of `a`.
        index: as in `getitem`; values of an index that stands there several times add up.

    Raises:
        ValueError: the value does not broadcast to the selected elements.
        TypeError: a fractional value for integers, which would be cut.
    """
    index = plain_index(index)
    result = array_module(a).array(a, order="C")
    add_into(result, fitted("add", value, result, index), index)
    return result


INDEXING.update(getitem=getitem, set_at=set_at, add_at=add_at)


@composite(
    "take",
    formula=r"y_k = a_{i(k)} \text{ along an axis}",
    samples=lambda s: [
        call(s.normal(4, 3), np.array([0, 2, 2, -1]), axis=0),
        call(s.normal(2, 4, 3), np.array([[0, 1], [3, 1]]), axis=-2),
        call(s.normal(2, 3), np.array([5, 0, 0])),
        call(s.normal(2, 3), 1, axis=1),
    ],
    torch=lambda torch, a, indices, axis=None: _torch_getitem(
        torch,
        a if axis is not None else a.reshape(-1),
        (slice(None),) * ((axis or 0) % a.ndim) + (np.asarray(indices),),
    ),
    numpy=[np.take],
)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements by their `indices` along `axis`; without an axis, of the flattened array.

    Args:
        a: array of any shape.
        indices: integers of any shape, negative ones counted from the end.
        axis: the axis that the shape of `indices` replaces.

    Raises:
        IndexError: an index that the axis does not have.
    """
    places = indices if isinstance(indices, int) else numbers(indices)
    if axis is None:
        return as_array(a).reshape(-1)[places]
    a = as_array(a)
    return a[(slice(None),) * normalized_axis(axis, a.ndim) + (places,)]


@composite(
    "take_along_axis",
    formula=r"y_{i,k,j} = a_{i,\, n(i,k,j),\, j}",
    samples=lambda s: [
        call(s.normal(3, 4), s.integers(4, 3, 2), axis=1),
        call(s.normal(3, 2), s.integers(3, 5, 2), axis=0),
        call(s.normal(2, 3), s.integers(6, 4), axis=None),
    ],
    torch=lambda torch, arr, indices, axis=-1: torch.take_along_dim(
        arr, torch.as_tensor(indices), axis
    ),
    numpy=[np.take_along_axis],
)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Match each line of `indices` along `axis` with that of `arr`: what argsort gives, sorts.

    Args:
        arr: array of shape (..., n, ...).
        indices: integers of shape (..., k, ...), with as many axes; the others must broadcast.
        axis: the axis of length n and k; None stands for the flattened array.

    Raises:
        ValueError: the numbers of axes differ.
    """
    arr, indices = as_array(arr), numbers(indices)
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    if indices.ndim != arr.ndim:
        raise ValueError(
            f"take_along_axis needs indices with as many axes as the array, got shape "
            f"{indices.shape} for an array of shape {arr.shape}: add axes with np.expand_dims."
        )
    axis = normalized_axis(axis, arr.ndim)
    make = array_module(indices)
    grid = make.ix_(*(make.arange(length) for length in arr.shape))
    return arr[(*grid[:axis], indices, *grid[axis + 1 :])]


@op(
    "where",
    formula=r"y = \begin{cases} a & \text{where } c \\ b & \text{elsewhere} \end{cases}",
    derivative=r"\bar a = \bar y\,[c], \quad \bar b = \bar y\,[\lnot c]",
    vjps=(
        None,
        lambda g, y, condition, x, y_: _chosen(condition, g, 0),
        lambda g, y, condition, x, y_: _chosen(condition, 0, g),
    ),
    samples=lambda s: [
        call(s.mask(2, 3), s.normal(2, 3), s.normal(2, 3)),
        call(s.mask(4, 1, 3), s.normal(3), s.normal(2, 1)),
        call(s.mask(3), s.normal(3), 2.0),
        call(True, s.normal(), s.normal(2)),
    ],
    torch=lambda torch, condition, x, y: torch.where(torch.as_tensor(condition), x, y),
    numpy=[np.where],
)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`x` where the condition holds, `y` elsewhere; the gradient goes to the one chosen.

    Args:
        condition: booleans; numbers count as true unless they are 0.
        x: array or number; the three broadcast.
        y: array or number; leave both away for the indices of the true elements, as np.nonzero.

    Raises:
        ValueError: only one of `x` and `y` is given.
    """
    if (x is None) != (y is None):
        raise ValueError("where takes both x and y, or neither of them: give the missing one.")
    return np.nonzero(condition) if x is None else _chosen(condition, x, y)


def _chosen(condition: Any, x: Any, y: Any) -> Any:
    """`np.where`, which CuPy has only for a condition that is an array."""
    if isinstance(condition, _NUMBERS):
        condition = array_module(y if isinstance(x, _NUMBERS) else x).asarray(condition)
    return np.where(condition, x, y)


def _torch_select(torch: Any, condlist: Any, choicelist: Any, default: Any) -> Any:
    result = torch.as_tensor(default, dtype=choicelist[0].dtype)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        result = torch.where(torch.as_tensor(condition), choice, result)
    return result


@composite(
    "select",
    formula=r"y = a_k \text{ for the first } k \text{ with } c_k, \text{ else } d",
    samples=lambda s: [
        call([s.mask(2, 3), s.mask(2, 3)], [s.normal(2, 3), s.normal(3)]),
        call([s.mask(3)], [s.normal(3)], default=-1.0),
        call([s.mask(4), s.mask(1)], [s.normal(4), s.normal()], s.normal(4)),
    ],
    torch=lambda torch, condlist, choicelist, default=0: _torch_select(
        torch, condlist, choicelist, default
    ),
    numpy=[np.select],
)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """From each place the choice whose condition is the first to hold there.

    Args:
        condlist: sequence of boolean arrays.
        choicelist: as many arrays or numbers; all of them broadcast.
        default: array or number where no condition holds.

    Raises:
        ValueError: the two lists are empty or differ in length.
    """
    if len(condlist) == 0 or len(condlist) != len(choicelist):
        raise ValueError(
            f"select needs one choice for each condition, got {len(condlist)} conditions and "
            f"{len(choicelist)} choices."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


@composite(
    "compress",
    formula=r"y = (a_k : c_k) \text{ along an axis}",
    samples=lambda s: [
        call([True, False, True], s.normal(3, 2), axis=0),
        call([False, True], s.normal(2, 4), axis=-1),
        call([False, True, True], s.normal(2, 3)),
    ],
    torch=lambda torch, condition, a, axis=None: torch.index_select(
        a if axis is not None else a.reshape(-1),
        axis or 0,
        torch.as_tensor(condition).nonzero()[:, 0],
    ),
    numpy=[np.compress],
)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The slices along `axis` for which the condition holds.

    Args:
        condition: booleans along one axis; where it ends early, nothing more is selected.
        a: array of any shape; without an axis, flattened.
        axis: the axis to select along.
    """
    return take(a, np.flatnonzero(numbers(condition)), axis=axis)


@composite(
    "extract",
    formula=r"y = (a_k : c_k)",
    samples=lambda s: [
        call(np.array([[True, False], [True, True]]), s.normal(2, 2)),
        call([0, 1, 1], s.normal(3)),
    ],
    torch=lambda torch, condition, arr: torch.masked_select(arr, torch.as_tensor(condition) != 0),
    numpy=[np.extract],
)
def extract(condition: Any, arr: Any) -> Any:
    """The elements of `arr` for which the condition, of as many elements, holds; one axis."""
    return take(arr, np.flatnonzero(numbers(condition)))
