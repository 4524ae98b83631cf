"""Elements moved, repeated or padded: flip, roll, tile, repeat, pad, diagonals, triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array, normalized_axis, numbers
from nnscratch.ops.indexing import scatter, take
from nnscratch_kernels.devices import on_host

Axis = int | tuple[int, ...] | None


def _torch_gather(function: Any) -> Any:
    """PyTorch's indexing with the positions that NumPy's function moves to each place."""

    def gather(torch: Any, a: Any, *args: Any, **params: Any) -> Any:
        positions = function(np.arange(a.numel()).reshape(tuple(a.shape)), *args, **params)
        return a.reshape(-1)[torch.as_tensor(positions.copy())]

    return gather


@op(
    "flip",
    formula=r"y_i = m_{n-1-i}",
    derivative=r"\bar m_i = \bar y_{n-1-i}",
    vjps=(lambda g, y, m, axis: np.flip(g, axis),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 4), axis=(0, -1)),
        call(s.normal()),
    ],
    torch=lambda torch, m, axis=None: torch.flip(
        m, tuple(range(m.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ),
    numpy=[np.flip],
)
def flip(m: Any, axis: Axis = None) -> Any:
    """The order of the elements reversed along `axis`, by default along all."""
    return np.flip(m, axis)


@composite(
    "fliplr",
    formula=r"y_{ij} = m_{i,\,n-1-j}",
    samples=lambda s: [call(s.normal(2, 3))],
    torch="fliplr",
    numpy=[np.fliplr],
)
def fliplr(m: Any) -> Any:
    """Left and right exchanged: the second axis reversed."""
    return np.flip(m, 1)


@composite(
    "flipud",
    formula=r"y_{ij} = m_{n-1-i,\,j}",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(3))],
    torch="flipud",
    numpy=[np.flipud],
)
def flipud(m: Any) -> Any:
    """Up and down exchanged: the first axis reversed."""
    return np.flip(m, 0)


@composite(
    "rot90",
    formula=r"y_{ij} = m_{j,\,n-1-i}",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), k=2),
        call(s.normal(2, 3, 4), -1, (1, 2)),
        call(s.normal(2, 3), 4),
    ],
    torch=_torch_gather(np.rot90),
    numpy=[np.rot90],
)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Rotated by k · 90 degrees in the plane of two axes, from the first towards the second."""
    first, second = axes
    k %= 4
    if k >= 2:
        m = np.flip(m, (first, second))
    return np.swapaxes(np.flip(m, second), first, second) if k % 2 else np.copy(m)


def _back(shift: Any) -> Any:
    return tuple(-one for one in shift) if isinstance(shift, tuple | list) else -shift


@op(
    "roll",
    formula=r"y_i = a_{(i - s) \bmod n}",
    derivative=r"\bar a_i = \bar y_{(i + s) \bmod n}",
    vjps=(lambda g, y, a, shift, axis: np.roll(g, _back(shift), axis),),
    samples=lambda s: [
        call(s.normal(2, 3), 1),
        call(s.normal(2, 3), -2, axis=1),
        call(s.normal(2, 3), (1, 2), axis=(0, -1)),
        call(s.normal(), 1),
    ],
    torch=_torch_gather(np.roll),
    numpy=[np.roll],
)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Moved on by `shift` places; what leaves at the end comes in at the front.

    Args:
        a: array of any shape; without an axis it is rolled as if flattened.
        shift: integer, or a tuple of them, one for each axis.
        axis: integer or tuple of integers.
    """
    return np.roll(a, shift, axis)


@composite(
    "tile",
    formula=r"y_i = a_{i \bmod n}",
    samples=lambda s: [
        call(s.normal(2, 3), 2),
        call(s.normal(2, 3), (2, 1, 2)),
        call(s.normal(1, 2, 3), (2,)),
        call(s.normal(), 3),
        call(s.normal(2), 0),
    ],
    torch=lambda torch, A, reps: torch.tile(A, reps if isinstance(reps, tuple) else (reps,)),
    numpy=[np.tile],
)
def tile(A: Any, reps: Any) -> Any:
    """The whole array repeated `reps` times along each axis; fewer `reps` mean the last axes."""
    A = as_array(A)
    times = [int(one) for one in np.atleast_1d(reps)]
    ndim = max(A.ndim, len(times))
    times = [1] * (ndim - len(times)) + times
    shape = (1,) * (ndim - A.ndim) + A.shape
    # Each axis (n) becomes a pair (times, n), of which the first is broadcast.
    apart = np.reshape(A, [part for length in shape for part in (1, length)])
    pairs = [part for pair in zip(times, shape, strict=True) for part in pair]
    return np.reshape(
        np.broadcast_to(apart, pairs), [t * n for t, n in zip(times, shape, strict=True)]
    )


@composite(
    "repeat",
    formula=r"y = (a_0, \dots, a_0, a_1, \dots, a_1, \dots)",
    samples=lambda s: [
        call(s.normal(2, 3), 2),
        call(s.normal(2, 3), 3, axis=0),
        call(s.normal(2, 3), np.array([1, 0, 2]), axis=-1),
        call(s.normal(3), [2, 1, 0]),
        call(s.normal(), 2),
    ],
    torch=_torch_gather(np.repeat),
    numpy=[np.repeat],
)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated on its place.

    Args:
        a: array of any shape.
        repeats: how often; an integer, or one for each element along the axis.
        axis: the axis; None stands for the flattened array.
    """
    a, repeats = as_array(a), on_host(numbers(repeats))  # they decide the shape of the result
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    axis = normalized_axis(axis, a.ndim)
    if repeats.size != 1:
        return take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis=axis)
    before, length, after = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    times = int(repeats.item())
    apart = np.broadcast_to(np.expand_dims(a, axis + 1), (*before, length, times, *after))
    return np.reshape(apart, (*before, length * times, *after))


def _without_padding(g: Any, y: Any, array: Any, widths: Any, value: Any) -> Any:
    before = np.broadcast_to(widths, (array.ndim, 2))[:, 0]
    return g[
        tuple(
            slice(start, start + length) for start, length in zip(before, array.shape, strict=True)
        )
    ]


@op(
    "pad_constant",
    formula=r"y = a \text{ with a border of } c",
    derivative=r"\bar a = \bar y \text{ without the border}",
    vjps=(_without_padding,),
    samples=lambda s: [
        call(s.normal(2, 3), widths=((1, 0), (0, 2)), value=0),
        call(s.normal(3), widths=((2, 1),), value=((1.5, -2.5),)),
    ],
    torch=lambda torch, array, widths, value: (
        torch.as_tensor(
            np.pad(np.zeros(tuple(array.shape)), widths, constant_values=value), dtype=array.dtype
        )
        + torch.nn.functional.pad(array, [width for pair in widths[::-1] for width in pair])
    ),
)
def pad_constant(array: Any, widths: Any, value: Any) -> Any:
    """A border of constants; `np.pad` with mode="constant" calls this.

    Args:
        array: array of any shape.
        widths: for each axis how many elements come before and after.
        value: what the border holds, in any form that np.pad takes as `constant_values`.
    """
    return np.pad(array, widths, constant_values=value)


@composite(
    "pad",
    formula=r"y = a \text{ with a border}",
    samples=lambda s: [
        call(s.normal(2, 3), 1),
        call(s.normal(2, 3), ((1, 0), (0, 2)), constant_values=1.5),
        call(s.normal(2, 3), ((1, 2),), mode="edge"),
        call(s.normal(2, 3), (1, 4), mode="reflect"),
        call(s.normal(2, 3), ((3, 0), (0, 1)), mode="symmetric"),
        call(s.normal(2, 3), 2, "wrap"),
    ],
    torch=lambda torch, array, pad_width, mode="constant", constant_values=0: (
        _torch_gather(np.pad)(torch, array, pad_width, mode)
        if mode != "constant"
        else _torch_gather(np.pad)(torch, array, pad_width, "edge").where(
            torch.as_tensor(np.pad(np.ones(tuple(array.shape), bool), pad_width)),
            torch.tensor(constant_values, dtype=array.dtype),
        )
    ),
    numpy=[np.pad],
)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """With a border around it.

    Args:
        array: array of any shape.
        pad_width: how many elements come before and after: one number for all axes, one pair
            (before, after) for all axes, or a pair for each axis.
        mode: "constant"; or copies of the array's own elements: "edge" (the outermost),
            "reflect" (mirrored at the outermost), "symmetric" (mirrored at the border) or "wrap".
        constant_values: what a constant border holds, in the same forms as `pad_width`.

    Raises:
        ValueError: another mode.
    """
    array = as_array(array)
    pairs = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    widths = tuple((int(before), int(after)) for before, after in pairs)
    if array.ndim == 0:
        return np.copy(array)
    if mode == "constant":
        return pad_constant(array, widths=widths, value=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ValueError(
            f"pad with mode {mode!r} has no gradient rule: use 'constant', 'edge', 'reflect', "
            f"'symmetric' or 'wrap', or join a border of your own with np.concatenate."
        )
    for axis, width in enumerate(widths):
        if any(width):
            places = np.arange(array.shape[axis])
            array = take(array, np.pad(places, width, mode=mode), axis=axis)  # type: ignore[call-overload] # mode was checked
    return array


@composite(
    "diagonal",
    formula=r"y_i = a_{i,\,i+k}",
    samples=lambda s: [
        call(s.normal(3, 4)),
        call(s.normal(3, 4), offset=1),
        call(s.normal(3, 4), -1),
        call(s.normal(2, 3, 4), 0, 2, 0),
        call(s.normal(2, 3, 4), offset=5, axis1=-2, axis2=-1),
    ],
    torch=lambda torch, a, offset=0, axis1=0, axis2=1: _torch_gather(np.diagonal)(
        torch, a, offset, axis1, axis2
    ),
    numpy=[np.diagonal],
)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the matrices in two axes, as the last axis of the result.

    Args:
        a: array of at least two axes.
        offset: how far right of the main diagonal.
        axis1: the axis that counts rows.
        axis2: the axis that counts columns.

    Raises:
        ValueError: fewer than two axes, or twice the same.
    """
    a = as_array(a)
    if a.ndim < 2:
        raise ValueError(f"diagonal needs at least two axes, got shape {a.shape}: see np.diag.")
    matrices = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = matrices.shape[-2:]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    along = array_module(a).arange(length)
    return matrices[..., along + max(-offset, 0), along + max(offset, 0)]


@composite(
    "diag",
    formula=r"Y_{i,\,i+k} = v_i \quad \text{or} \quad y_i = V_{i,\,i+k}",
    samples=lambda s: [
        call(s.normal(3)),
        call(s.normal(2), k=-1),
        call(s.normal(3, 4), 1),
        call(s.normal(0)),
    ],
    torch=lambda torch, v, k=0: torch.diag(v, k),
    numpy=[np.diag],
)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with the vector `v` as its k-th diagonal.

    Raises:
        ValueError: neither one axis nor two.
    """
    v = as_array(v)
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag needs one or two axes, got shape {v.shape}: see np.diagonal.")
    side, along = v.shape[0] + abs(k), array_module(v).arange(v.shape[0])
    return scatter(v, shape=(side, side), index=(along + max(-k, 0), along + max(k, 0)))


@composite(
    "diagflat",
    formula=r"Y_{i,\,i+k} = v_i",
    samples=lambda s: [call(s.normal(3)), call(s.normal(2, 2), k=1), call(s.normal())],
    torch=lambda torch, v, k=0: torch.diagflat(v, k),
    numpy=[np.diagflat],
)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of `v` as its k-th diagonal."""
    return np.diag(np.ravel(v), k)


@op(
    "tril",
    formula=r"y_{ij} = m_{ij}\,[j \le i + k]",
    derivative=r"\bar m_{ij} = \bar y_{ij}\,[j \le i + k]",
    vjps=(lambda g, y, m, k: np.tril(g, k),),
    samples=lambda s: [
        call(s.normal(3, 3)),
        call(s.normal(3, 4), k=1),
        call(s.normal(2, 3, 4), -1),
        call(s.normal(0, 3)),
    ],
    torch=lambda torch, m, k=0: torch.tril(m, k),
    numpy=[np.tril],
)
def tril(m: Any, k: int = 0) -> Any:
    """Lower triangle of each matrix in the last two axes, with zeros above the k-th diagonal."""
    return np.tril(m, k)


@op(
    "triu",
    formula=r"y_{ij} = m_{ij}\,[j \ge i + k]",
    derivative=r"\bar m_{ij} = \bar y_{ij}\,[j \ge i + k]",
    vjps=(lambda g, y, m, k: np.triu(g, k),),
    samples=lambda s: [
        call(s.normal(3, 3)),
        call(s.normal(3, 4), k=1),
        call(s.normal(2, 3, 4), -1),
        call(s.normal(0, 3)),
    ],
    torch=lambda torch, m, k=0: torch.triu(m, k),
    numpy=[np.triu],
)
def triu(m: Any, k: int = 0) -> Any:
    """Upper triangle of each matrix in the last two axes, with zeros below the k-th diagonal."""
    return np.triu(m, k)
