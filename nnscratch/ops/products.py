"""Products of vectors, matrices and tensors: matmul, dot, tensordot and what is built on them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, composite, op
from nnscratch.ops.arguments import as_array

# --- matrix products --------------------------------------------------------------------------


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ b.mT


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return a.T @ g
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim > 2:
        return a.mT @ g
    # One matrix for the whole batch: a single product also adds up the batch.
    rows = prod(a.shape[:-1])
    return a.reshape(rows, a.shape[-1]).T @ g.reshape(rows, *b.shape[1:])


matmul = Op(
    "matmul",
    np.matmul,
    formula=r"Y = A B, \quad y_{ij} = \sum_k a_{ik} b_{kj}",
    derivative=r"\bar A = \bar Y B^\top, \quad \bar B = A^\top \bar Y",
    vjps=(_matmul_left, _matmul_right),
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(3, 4)),
        call(s.normal(3), s.normal(3)),
        call(s.normal(3), s.normal(3, 2)),
        call(s.normal(2, 3), s.normal(3)),
        call(s.normal(3), s.normal(2, 3, 2)),
        call(s.normal(2, 2, 3), s.normal(3)),
        call(s.normal(2, 2, 3), s.normal(3, 2)),
        call(s.normal(2, 3), s.normal(2, 3, 2)),
        call(s.normal(2, 1, 2, 3), s.normal(3, 3, 1)),
        call(s.normal(0, 3), s.normal(3, 2)),
        call(s.normal(2, 0, 3), s.normal(3, 2)),
        call(s.normal(2, 0), s.normal(0, 3)),
    ],
    torch="matmul",
    numpy=[np.matmul, np.linalg.matmul],
)


@composite(
    "vecdot",
    formula=r"y = \sum_i a_i b_i",
    samples=lambda s: [
        call(s.normal(3), s.normal(3)),
        call(s.normal(4, 1, 3), s.normal(2, 3)),
        call(s.normal(3, 2), s.normal(3, 2), axis=0),
    ],
    torch=lambda torch, x1, x2, axis=-1: torch.linalg.vecdot(x1, x2, dim=axis),
    numpy=[np.vecdot, np.linalg.vecdot],
)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Dot product of the vectors along `axis`; the other axes broadcast."""
    return np.sum(np.multiply(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)), axis=-1)


@composite(
    "matvec",
    formula=r"y_i = \sum_k a_{ik} b_k",
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(3)),
        call(s.normal(4, 1, 2, 3), s.normal(2, 3)),
    ],
    torch=lambda torch, x1, x2: (x1 @ x2[..., None])[..., 0],
    numpy=[np.matvec] if hasattr(np, "matvec") else [],
)
def matvec(x1: Any, x2: Any) -> Any:
    """Product of each matrix, the last two axes of `x1`, with a vector, the last axis of `x2`."""
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


@composite(
    "vecmat",
    formula=r"y_j = \sum_k a_k b_{kj}",
    samples=lambda s: [
        call(s.normal(3), s.normal(3, 2)),
        call(s.normal(2, 3), s.normal(4, 1, 3, 2)),
    ],
    torch=lambda torch, x1, x2: (x1[..., None, :] @ x2)[..., 0, :],
    numpy=[np.vecmat] if hasattr(np, "vecmat") else [],
)
def vecmat(x1: Any, x2: Any) -> Any:
    """Product of each vector, the last axis of `x1`, with a matrix, the last two axes of `x2`."""
    return np.matmul(np.expand_dims(x1, -2), x2)[..., 0, :]


# --- sums over chosen axes --------------------------------------------------------------------


def contracted_axes(axes: Any, ndim_a: int, ndim_b: int) -> tuple[list[int], list[int]]:
    """The axes of `a` and of `b` that `tensordot` sums over, in pairs, none of them negative."""
    if not hasattr(axes, "__iter__"):
        return list(range(ndim_a - axes, ndim_a)), list(range(axes))
    of_a, of_b = (list(part) if hasattr(part, "__iter__") else [part] for part in axes)
    return [axis % ndim_a for axis in of_a], [axis % ndim_b for axis in of_b]


def _free(ndim: int, contracted: list[int]) -> list[int]:
    return [axis for axis in range(ndim) if axis not in contracted]


def _tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any) -> Any:
    ndim_a, ndim_b = as_array(a).ndim, as_array(b).ndim
    of_a, of_b = contracted_axes(axes, ndim_a, ndim_b)
    free_a, free_b = _free(ndim_a, of_a), _free(ndim_b, of_b)
    product = np.tensordot(g, b, (tuple(range(len(free_a), g.ndim)), tuple(free_b)))
    # The product has the free axes of a, then those summed over, in the order they have in b.
    holds = free_a + [axis for _, axis in sorted(zip(of_b, of_a, strict=True))]
    return np.transpose(product, [holds.index(axis) for axis in range(ndim_a)])


def _tensordot_right(g: Any, y: Any, a: Any, b: Any, axes: Any) -> Any:
    ndim_a, ndim_b = as_array(a).ndim, as_array(b).ndim
    of_a, of_b = contracted_axes(axes, ndim_a, ndim_b)
    free_a, free_b = _free(ndim_a, of_a), _free(ndim_b, of_b)
    product = np.tensordot(a, g, (tuple(free_a), tuple(range(len(free_a)))))
    # The product has the axes summed over, in the order they have in a, then the free axes of b.
    holds = [axis for _, axis in sorted(zip(of_a, of_b, strict=True))] + free_b
    return np.transpose(product, [holds.index(axis) for axis in range(ndim_b)])


@op(
    "tensordot",
    formula=r"y_{ij} = \sum_k a_{ik} b_{kj}, \quad i, j, k\ \mathrm{groups\ of\ axes}",
    derivative=r"\bar a_{ik} = \sum_j \bar y_{ij} b_{kj}, \quad "
    r"\bar b_{kj} = \sum_i a_{ik} \bar y_{ij}",
    vjps=(_tensordot_left, _tensordot_right),
    samples=lambda s: [
        call(s.normal(2, 3, 2), s.normal(3, 2, 2)),
        call(s.normal(2, 3), s.normal(3, 2), axes=1),
        call(s.normal(2), s.normal(3), axes=0),
        call(s.normal(2, 3, 4), s.normal(4, 2, 2), axes=([0, 2], [2, 0])),
        call(s.normal(2, 3), s.normal(2, 3), axes=(-1, 1)),
        call(s.normal(2, 0), s.normal(0, 3), axes=1),
    ],
    torch=lambda torch, a, b, axes=2: torch.tensordot(
        a, b, axes if isinstance(axes, int) else contracted_axes(axes, a.ndim, b.ndim)
    ),
    numpy=[np.tensordot, np.linalg.tensordot],
)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes.

    Args:
        a: array whose other axes come first in the result.
        b: array whose other axes come last in the result.
        axes: a number n, for the last n of `a` with the first n of `b`; or the axes of `a` and
            the axes of `b`, each an integer or a sequence.
    """
    return np.tensordot(a, b, axes)


@composite(
    "dot",
    formula=r"y_{ij} = \sum_k a_{ik} b_{kj}",
    samples=lambda s: [
        call(s.normal(3), s.normal(3)),
        call(s.normal(2, 3), s.normal(3, 2)),
        call(s.normal(2, 2, 3), s.normal(3)),
        call(s.normal(3), s.normal(2, 3, 2)),
        call(s.normal(2, 2, 3), s.normal(2, 3, 2)),
        call(s.normal(2, 3), s.normal()),
        call(s.normal(), s.normal(3)),
        call(s.normal(), s.normal()),
    ],
    torch=lambda torch, a, b: (
        a * b if not a.ndim or not b.ndim
        else a @ b if b.ndim == 1
        else torch.tensordot(a, b, ([a.ndim - 1], [b.ndim - 2]))
    ),
    numpy=[np.dot],
)  # fmt: skip
def dot(a: Any, b: Any) -> Any:
    """Sum over the last axis of `a` and the last but one of `b` (the only one of a vector)."""
    if not as_array(a).ndim or not as_array(b).ndim:
        return np.multiply(a, b)
    if as_array(b).ndim <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, (-1, -2))


@composite(
    "inner",
    formula=r"y_{ij} = \sum_k a_{ik} b_{jk}",
    samples=lambda s: [
        call(s.normal(3), s.normal(3)),
        call(s.normal(2, 3), s.normal(3)),
        call(s.normal(2, 2, 3), s.normal(2, 3)),
        call(s.normal(2, 3), s.normal()),
    ],
    torch="inner",
    numpy=[np.inner],
)
def inner(a: Any, b: Any) -> Any:
    """Sum over the last axes of `a` and `b`."""
    if not as_array(a).ndim or not as_array(b).ndim:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


@composite(
    "vdot",
    formula=r"y = \sum_i a_i b_i",
    samples=lambda s: [
        call(s.normal(3), s.normal(3)),
        call(s.normal(2, 3), s.normal(3, 2)),
        call(s.normal(), s.normal()),
    ],
    torch=lambda torch, a, b: torch.vdot(a.reshape(-1), b.reshape(-1)),
    numpy=[np.vdot],
)
def vdot(a: Any, b: Any) -> Any:
    """Dot product of all elements of two arrays, in C order."""
    return np.matmul(np.ravel(a), np.ravel(b))


@composite(
    "outer",
    formula=r"y_{ij} = a_i b_j",
    samples=lambda s: [
        call(s.normal(3), s.normal(2)),
        call(s.normal(2, 2), s.normal(1, 3)),
        call(s.normal(), s.normal(2)),
        call(s.normal(0), s.normal(2)),
    ],
    torch=lambda torch, a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
    numpy=[np.outer],
)
def outer(a: Any, b: Any) -> Any:
    """Every product of an element of `a` and an element of `b`; both are flattened first."""
    return np.multiply(np.expand_dims(np.ravel(a), 1), np.ravel(b))


@composite(
    "linalg_outer",
    formula=r"y_{ij} = a_i b_j",
    samples=lambda s: [call(s.normal(3), s.normal(2))],
    torch="outer",
    numpy=[np.linalg.outer],
)
def linalg_outer(x1: Any, x2: Any) -> Any:
    """Every product of an element of the vector `x1` and one of the vector `x2`.

    Raises:
        ValueError: an argument that is not a vector.
    """
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"linalg.outer needs two vectors, got shapes {x1.shape} and {x2.shape}: use "
            f"np.outer, which flattens its arguments."
        )
    return np.outer(x1, x2)


# --- built on the others ----------------------------------------------------------------------


@composite(
    "kron",
    formula=r"y_{(ik)(jl)} = a_{ij} b_{kl}",
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(3, 2)),
        call(s.normal(2), s.normal(3)),
        call(s.normal(2), s.normal(2, 2, 2)),
        call(s.normal(), s.normal(2)),
    ],
    torch="kron",
    numpy=[np.kron],
)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: each element of `a` times the whole of `b`, as blocks."""
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    shape_a = (1,) * (ndim - a.ndim) + a.shape
    shape_b = (1,) * (ndim - b.ndim) + b.shape
    spread_a = tuple(length for n in shape_a for length in (n, 1))
    spread_b = tuple(length for n in shape_b for length in (1, n))
    blocks = np.multiply(np.reshape(a, spread_a), np.reshape(b, spread_b))
    return np.reshape(blocks, tuple(n * m for n, m in zip(shape_a, shape_b, strict=True)))


@composite(
    "cross",
    formula=r"y_i = \sum_{jk} \varepsilon_{ijk}\, a_j b_k",
    samples=lambda s: [
        call(s.normal(3), s.normal(3)),
        call(s.normal(2, 1, 3), s.normal(4, 3)),
        call(s.normal(3, 2), s.normal(3, 2), axis=0),
        call(s.normal(3, 2), s.normal(2, 3), axisa=0, axisc=0),
    ],
    torch=lambda torch, a, b, axisa=-1, axisb=-1, axisc=-1, axis=None: torch.linalg.cross(
        *torch.broadcast_tensors(
            a.movedim(axisa if axis is None else axis, -1),
            b.movedim(axisb if axis is None else axis, -1),
        )
    ).movedim(-1, axisc if axis is None else axis),
    numpy=[np.cross],
)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Vector product of vectors of 3 elements; `axis` stands for all three axes.

    Raises:
        ValueError: vectors of another length.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(
            f"cross needs vectors of 3 elements, got {a.shape[-1]} and {b.shape[-1]}: append a "
            f"zero to vectors of two."
        )
    product = np.roll(a, -1, -1) * np.roll(b, 1, -1) - np.roll(a, 1, -1) * np.roll(b, -1, -1)
    return np.moveaxis(product, -1, axisc)


@composite(
    "linalg_cross",
    formula=r"y_i = \sum_{jk} \varepsilon_{ijk}\, a_j b_k",
    samples=lambda s: [
        call(s.normal(2, 3), s.normal(3)),
        call(s.normal(3, 2), s.normal(3, 2), axis=0),
    ],
    torch=lambda torch, x1, x2, axis=-1: torch.linalg.cross(
        *torch.broadcast_tensors(x1, x2), dim=axis
    ),
    numpy=[np.linalg.cross],
)
def linalg_cross(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Vector product of the vectors of 3 elements along `axis`."""
    return np.cross(x1, x2, axis=axis)


@composite(
    "trace",
    formula=r"y = \sum_i a_{i, i + \mathrm{offset}}",
    samples=lambda s: [
        call(s.normal(3, 3)),
        call(s.normal(2, 4), offset=1),
        call(s.normal(2, 3, 3), offset=-1, axis1=2, axis2=1),
        call(s.normal(3, 2, 3), axis1=0, axis2=-1),
    ],
    torch=lambda torch, a, offset=0, axis1=0, axis2=1: torch.diagonal(a, offset, axis1, axis2).sum(
        -1
    ),
    numpy=[np.trace],
)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum of a diagonal of the matrices along two axes."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composite(
    "linalg_trace",
    formula=r"y = \sum_i a_{i, i + \mathrm{offset}}",
    samples=lambda s: [call(s.normal(3, 3)), call(s.normal(2, 3, 4), offset=1)],
    torch=lambda torch, x, offset=0: torch.diagonal(x, offset, -2, -1).sum(-1),
    numpy=[np.linalg.trace],
)
def linalg_trace(x: Any, /, *, offset: int = 0) -> Any:
    """Sum of a diagonal of the matrices along the last two axes."""
    return np.trace(x, offset, -2, -1)


@composite(
    "linalg_diagonal",
    formula=r"y_i = a_{i, i + \mathrm{offset}}",
    samples=lambda s: [call(s.normal(3, 3)), call(s.normal(2, 3, 4), offset=-1)],
    torch=lambda torch, x, offset=0: torch.diagonal(x, offset, -2, -1),
    numpy=[np.linalg.diagonal],
)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """A diagonal of the matrices along the last two axes."""
    return np.diagonal(x, offset, -2, -1)


@composite(
    "linalg_matrix_transpose",
    formula=r"Y = A^\top",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3, 4))],
    torch=lambda torch, x: x.mT,
    numpy=[np.linalg.matrix_transpose],
)
def linalg_matrix_transpose(x: Any, /) -> Any:
    """Each matrix, the last two axes, transposed."""
    return np.swapaxes(x, -1, -2)
