"""Several arrays into one and one into several: concatenate, stack, split, and `ns.array`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from nnscratch.autograd import Tensor, call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.autograd.tensor import placed
from nnscratch.ops.arguments import as_array, normalized_axis
from nnscratch_kernels.devices import is_on_gpu


def _concatenate_vjp(i: int, g: Any, y: Any, *arrays: Any, axis: int) -> Any:
    start = 0
    for array in arrays[:i]:
        start += array.shape[axis]
    lead = (slice(None),) * normalized_axis(axis, arrays[i].ndim)
    return g[(*lead, slice(start, start + arrays[i].shape[axis]))]


@op(
    "concatenate_arrays",
    formula=r"y = (a_0, a_1, \dots) \text{ along an axis}",
    derivative=r"\bar a_i = \text{the part of } \bar y \text{ that came from } a_i",
    variadic=True,
    vjps=(_concatenate_vjp,),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(1, 3)),
        call(s.normal(2, 3), s.normal(2, 1), s.normal(2, 0), axis=-1),
        call(s.normal(2)),
    ],
    torch=lambda torch, *arrays, axis=0: torch.cat(arrays, axis),
)
def concatenate_arrays(*arrays: Any, axis: int = 0) -> Any:
    """What `concatenate` records: its arrays as separate arguments, with an axis that they have."""
    return np.concatenate(arrays, axis=axis)


@op(
    "stack_arrays",
    formula=r"y_i = a_i \text{ along a new axis}",
    derivative=r"\bar a_i = \bar y_i",
    variadic=True,
    vjps=(lambda i, g, y, *arrays, axis: g[(slice(None),) * normalized_axis(axis, g.ndim) + (i,)],),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2, 3)),
        call(s.normal(2), s.normal(2), s.normal(2), axis=-1),
        call(s.normal(), s.normal()),
    ],
    torch=lambda torch, *arrays, axis=0: torch.stack(arrays, axis),
)
def stack_arrays(*arrays: Any, axis: int = 0) -> Any:
    """What `stack` records: its arrays as separate arguments."""
    return np.stack(arrays, axis=axis)


@op(
    "split_array",
    formula=r"y_k = a_{i_{k-1} \dots i_k} \text{ along an axis}",
    derivative=r"\bar a = (\bar y_0, \bar y_1, \dots)",
    vjps=(lambda g, y, a, ends, axis: np.concatenate(g, axis=axis),),
    samples=lambda s: [
        call(s.normal(5, 2), ends=(0, 2, 5)),
        call(s.normal(2, 4), ends=(0, 1, 1, 4), axis=-1),
    ],
    torch=lambda torch, a, ends, axis=0: torch.tensor_split(a, ends[1:-1], dim=axis),
)
def split_array(a: Any, ends: tuple[int, ...], axis: int = 0) -> tuple[Any, ...]:
    """What the split functions record: parts from each of `ends` to the next.

    Args:
        a: array of at least one axis, of length n.
        ends: at least three integers that do not fall, from 0 to n.
        axis: the axis to cut.
    """
    lead = (slice(None),) * normalized_axis(axis, a.ndim)
    return tuple(a[(*lead, slice(*pair))] for pair in pairwise(ends))


@composite(
    "concatenate",
    formula=r"y = (a_0, a_1, \dots) \text{ along an axis}",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(1, 3)]),
        call([s.normal(2, 3), s.normal(2, 1)], axis=-1),
        call([s.normal(2, 2), s.normal(3)], axis=None),
    ],
    torch=lambda torch, arrays, axis=0: (
        torch.cat([a.reshape(-1) for a in arrays]) if axis is None else torch.cat(arrays, axis)
    ),
    numpy=[np.concatenate],
)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Arrays one after another along an axis that they have; None flattens them first.

    Args:
        arrays: sequence of arrays, equal in shape but for the axis.
        axis: the axis to join along.

    Raises:
        ValueError: no arrays, or shapes that do not fit.
    """
    parts = [as_array(array) for array in arrays]
    if axis is None:
        parts, axis = [np.reshape(part, -1) for part in parts], 0
    _require_joinable("concatenate", parts, axis)
    return concatenate_arrays(*parts, axis=axis)


def _require_joinable(name: str, parts: list[Any], axis: int | None) -> None:
    """Check that the shapes are equal, but for `axis` where one is given."""
    if not parts:
        raise ValueError(f"{name} needs at least one array, got an empty sequence.")
    shapes = [part.shape for part in parts]
    if axis is not None:
        if not shapes[0]:
            raise ValueError(f"{name} cannot join numbers, which have no axis: use np.stack.")
        place = normalized_axis(axis, len(shapes[0]))
        fitting = all(
            len(shape) == len(shapes[0])
            and shape[:place] + shape[place + 1 :] == shapes[0][:place] + shapes[0][place + 1 :]
            for shape in shapes
        )
    else:
        fitting = all(shape == shapes[0] for shape in shapes)
    if not fitting:
        needed = "equal shapes" if axis is None else f"shapes that are equal but for axis {axis}"
        raise ValueError(
            f"{name} needs {needed}, got {', '.join(map(str, shapes))}: reshape or broadcast them."
        )


@composite(
    "stack",
    formula=r"y_i = a_i \text{ along a new axis}",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(2, 3)]),
        call([s.normal(2, 3), s.normal(2, 3)], axis=-1),
        call([s.normal(), s.normal()]),
    ],
    torch=lambda torch, arrays, axis=0: torch.stack(arrays, axis),
    numpy=[np.stack],
)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape along a new axis, which stands at `axis` in the result.

    Raises:
        ValueError: no arrays, or different shapes.
    """
    parts = [as_array(array) for array in arrays]
    _require_joinable("stack", parts, None)
    return stack_arrays(*parts, axis=axis)


@composite(
    "vstack",
    formula=r"y = (a_0; a_1; \dots)",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(1, 3)]),
        call([s.normal(3), s.normal(3)]),
        call([s.normal(3), s.normal(2, 3)]),
    ],
    torch="vstack",
    numpy=[np.vstack],
)
def vstack(tup: Any) -> Any:
    """Arrays below one another: along the first axis, vectors as rows."""
    return np.concatenate([np.atleast_2d(as_array(array)) for array in tup])


@composite(
    "hstack",
    formula=r"y = (a_0, a_1, \dots)",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(2, 1)]),
        call([s.normal(3), s.normal(2)]),
        call([s.normal(), s.normal(2)]),
    ],
    torch="hstack",
    numpy=[np.hstack],
)
def hstack(tup: Any) -> Any:
    """Arrays beside one another: along the second axis, vectors along their only one."""
    parts = [np.atleast_1d(as_array(array)) for array in tup]
    return np.concatenate(parts, axis=0 if parts and parts[0].ndim == 1 else 1)


@composite(
    "dstack",
    formula=r"y_{\cdot\cdot k} = a_k",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(2, 3)]),
        call([s.normal(3), s.normal(3)]),
        call([s.normal(2, 3, 2), s.normal(2, 3, 1)]),
    ],
    torch="dstack",
    numpy=[np.dstack],
)
def dstack(tup: Any) -> Any:
    """Arrays behind one another: along the third axis."""
    return np.concatenate([np.atleast_3d(as_array(array)) for array in tup], axis=2)


@composite(
    "column_stack",
    formula=r"y_{\cdot k} = a_k",
    samples=lambda s: [
        call([s.normal(3), s.normal(3)]),
        call([s.normal(3), s.normal(3, 2)]),
    ],
    torch="column_stack",
    numpy=[np.column_stack],
)
def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix; matrices beside one another."""
    parts = [as_array(array) for array in tup]
    columns = [part if part.ndim > 1 else np.reshape(part, (-1, 1)) for part in parts]
    return np.concatenate(columns, axis=1)


@composite(
    "append",
    formula=r"y = (a, v)",
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(2)),
        call(s.normal(2, 3), s.normal(1, 3), axis=0),
        call(s.normal(2), s.normal()),
    ],
    torch=lambda torch, arr, values, axis=None: (
        torch.cat([arr.reshape(-1), values.reshape(-1)])
        if axis is None
        else torch.cat([arr, values], axis)
    ),
    numpy=[np.append],
)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` put behind `arr` along `axis`; without one, both are flattened."""
    return np.concatenate([as_array(arr), as_array(values)], axis=axis)


def _split_ends(length: int, sections: Any) -> tuple[int, ...]:
    """Where the parts begin and end: after `sections` equal parts, or at the indices given."""
    if isinstance(sections, int | np.integer):
        if sections < 1:
            raise ValueError(f"A split needs at least 1 part, got {sections}.")
        size, longer = divmod(length, int(sections))
        sizes = [size + 1] * longer + [size] * (int(sections) - longer)
        return tuple(int(end) for end in np.cumsum([0, *sizes]))
    cuts = [slice(None, int(cut)).indices(length)[1] for cut in sections]
    return (0, *cuts, length)


@composite(
    "array_split",
    formula=r"y_k = a_{i_{k-1} \dots i_k} \text{ along an axis}",
    samples=lambda s: [
        call(s.normal(5, 2), 3),
        call(s.normal(2, 5), [1, 3], axis=-1),
        call(s.normal(3), 1),
    ],
    torch=lambda torch, ary, sections, axis=0: torch.tensor_split(ary, sections, dim=axis),
    numpy=[np.array_split],
)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along an axis, which need not be equal.

    Args:
        ary: array of at least one axis.
        indices_or_sections: how many parts (the first ones are longer by one where it does not
            divide), or the indices where new parts begin.
        axis: the axis to cut.
    """
    ary = as_array(ary)
    axis = normalized_axis(axis, ary.ndim)
    ends = _split_ends(ary.shape[axis], indices_or_sections)
    if len(ends) == 2:
        return [ary]
    if any(end > following for end, following in pairwise(ends)):  # parts that overlap, or empty
        lead = (slice(None),) * axis
        return [ary[(*lead, slice(*pair))] for pair in pairwise(ends)]
    return list(split_array(ary, ends=ends, axis=axis))


@composite(
    "split",
    formula=r"y_k = a_{i_{k-1} \dots i_k} \text{ along an axis}",
    samples=lambda s: [
        call(s.normal(4, 2), 2),
        call(s.normal(2, 5), [1, 3], axis=-1),
        call(s.normal(5), (2, 2, 7)),
    ],
    torch=lambda torch, ary, sections, axis=0: torch.tensor_split(ary, sections, dim=axis),
    numpy=[np.split],
)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Equal parts along an axis, or parts that begin at given indices.

    Args:
        ary: array of at least one axis.
        indices_or_sections: how many parts, or the indices where new parts begin.
        axis: the axis to cut.

    Raises:
        ValueError: the number of parts does not divide the axis.
    """
    ary = as_array(ary)
    length = ary.shape[normalized_axis(axis, ary.ndim)]
    sections = indices_or_sections
    if isinstance(sections, int | np.integer) and sections > 0 and length % sections:
        raise ValueError(
            f"split cannot cut axis {axis} of shape {ary.shape} into {sections} equal parts: use "
            f"np.array_split for unequal ones."
        )
    return np.array_split(ary, sections, axis=axis)


@composite(
    "vsplit",
    formula=r"a = (y_0; y_1; \dots)",
    samples=lambda s: [call(s.normal(4, 2), 2), call(s.normal(3, 2), [1])],
    torch=lambda torch, ary, sections: torch.vsplit(ary, sections),
    numpy=[np.vsplit],
)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the first axis of an array of two axes or more; see `split`."""
    ary = _require_axes("vsplit", ary, 2)
    return np.split(ary, indices_or_sections, axis=0)


@composite(
    "hsplit",
    formula=r"a = (y_0, y_1, \dots)",
    samples=lambda s: [call(s.normal(2, 4), 2), call(s.normal(3), [1])],
    torch=lambda torch, ary, sections: torch.hsplit(ary, sections),
    numpy=[np.hsplit],
)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the second axis, or along the only one; see `split`."""
    ary = _require_axes("hsplit", ary, 1)
    return np.split(ary, indices_or_sections, axis=1 if ary.ndim > 1 else 0)


@composite(
    "dsplit",
    formula=r"y_k = a_{\cdot\cdot\, i_{k-1} \dots i_k}",
    samples=lambda s: [call(s.normal(2, 1, 4), 2), call(s.normal(1, 2, 3), [1])],
    torch=lambda torch, ary, sections: torch.dsplit(ary, sections),
    numpy=[np.dsplit],
)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the third axis of an array of three axes or more; see `split`."""
    ary = _require_axes("dsplit", ary, 3)
    return np.split(ary, indices_or_sections, axis=2)


def _require_axes(name: str, ary: Any, ndim: int) -> Any:
    ary = as_array(ary)
    if ary.ndim < ndim:
        raise ValueError(f"{name} needs an array of at least {ndim} axes, got shape {ary.shape}.")
    return ary


@composite(
    "unstack",
    formula=r"y_i = x_i \text{ along an axis}",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3), axis=-1), call(s.normal(1, 2))],
    torch=lambda torch, x, axis=0: torch.unbind(x, axis),
    numpy=[np.unstack],
)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, which they lose: undoes `stack`."""
    x = _require_axes("unstack", x, 1)
    axis = normalized_axis(axis, x.ndim)
    if x.shape[axis] == 0:
        return ()
    return tuple(np.squeeze(part, axis) for part in np.split(x, x.shape[axis], axis=axis))


@composite(
    "array",
    formula=r"y = (a_0, a_1, \dots) \text{ nested}",
    samples=lambda s: [
        call([s.normal(), 1.0, s.normal()]),
        call([[s.normal(), 2.0], [0, s.normal()]]),
        call([s.normal(2), [1.0, s.normal()]]),
        call(s.normal(2, 2)),
        call((s.normal(2, 3), s.normal(2, 3))),
    ],
)
def array(data: Any, dtype: Any = None) -> Any:
    """One array of nested lists in which tensors, arrays and numbers may be mixed.

    The result is a tensor, recorded, if there is a tensor anywhere in `data`; gradients flow to
    each of them. (NumPy's own `np.array` cannot be differentiated.) It is where the tensors, or
    arrays, in `data` are; of numbers alone, on the device that `ns.device` names.

    Args:
        data: tensor, array, number, or nested lists or tuples of them, of rectangular shape.
        dtype: dtype of the result; by default what NumPy's promotion gives, in which Python's
            numbers adopt the dtype of the tensors and arrays beside them.

    Raises:
        ValueError: parts whose shapes differ.
    """
    if _is_joined(data):
        return np.astype(data, data.dtype if dtype is None else dtype)
    joined = list(filter(_is_joined, _leaves(data)))
    if not joined:
        return placed(np.array(data, dtype=dtype))
    natural = np.result_type(*(getattr(leaf, "dtype", leaf) for leaf in _leaves(data)))
    result = _stacked(data, natural, joined[0])
    target = natural if dtype is None else np.dtype(dtype)
    return result if result.dtype == target else np.astype(result, target)


def _is_joined(data: Any) -> bool:
    """Whether NumPy cannot make an array of lists with this in them, so that it is stacked."""
    return isinstance(data, Tensor) or is_on_gpu(data)


def _leaves(data: Any) -> list[Any]:
    """What is in nested lists; of Python's numbers the dtype adopts that of the others."""
    if isinstance(data, list | tuple):
        return [leaf for part in data for leaf in _leaves(part)]
    return [data]


def _stacked(data: Any, dtype: Any, like: Any) -> Any:
    leaves = _leaves(data)
    if not any(map(_is_joined, leaves)):
        made = np.array(data, dtype=dtype)
        arrays = any(isinstance(leaf, np.ndarray) for leaf in leaves)
        return made if arrays else array_module(like).asarray(made)  # only numbers are moved
    parts = [part if _is_joined(part) else _stacked(part, dtype, like) for part in data]
    _require_joinable("array", parts, None)
    return stack_arrays(*parts)
