"""Norms of vectors and matrices."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch_kernels.devices import is_on_gpu


def _keep_axes(reduced: Any, ndim: int, axis: Any) -> Any:
    """Put back, with length one, the axes that a reduction over `axis` removed."""
    if axis is None:
        return np.reshape(reduced, (1,) * ndim)
    return np.expand_dims(reduced, axis)


def _vector_norm_vjp(g: Any, y: Any, x: Any, axis: Any, keepdims: bool, ord: Any) -> Any:
    if not keepdims:
        g, y = _keep_axes(g, x.ndim, axis), _keep_axes(y, x.ndim, axis)
    if ord == 0:
        return g * np.zeros_like(x)
    if abs(ord) == inf:
        reached = (np.abs(x) == y).astype(x.dtype)
        return g * np.sign(x) * reached / np.sum(reached, axis=axis, keepdims=True)
    if ord == 1:
        return g * np.sign(x)
    zero = y == 0
    scale = np.where(zero, 1.0, y)
    if ord == 2:
        return np.where(zero, 0.0, g * x / scale)
    return np.where(zero, 0.0, g * np.sign(x) * (np.abs(x) / scale) ** (ord - 1))


@op(
    "vector_norm",
    formula=r"y = (\sum_i |x_i|^p)^{1/p}",
    derivative=r"\bar x_i = \bar y\, \mathrm{sign}(x_i) \left(\frac{|x_i|}{y}\right)^{p-1}",
    vjps=(_vector_norm_vjp,),
    samples=lambda s: [
        call(s.normal(3)),
        call(s.normal(2, 3), axis=-1),
        call(s.normal(2, 3, 2), axis=(0, -1), keepdims=True),
        call(s.normal(2, 3), ord=1),
        call(s.normal(2, 3), axis=0, ord=3),
        call(s.normal(2, 3), axis=1, ord=1.5, keepdims=True),
        call(s.distinct(2, 3), axis=0, ord=inf),
        call(s.distinct(2, 3), ord=-inf),
        call(s.normal(3), ord=0),
        call(s.normal()),
        call(s.normal(0)),
        call(s.normal(2, 0), axis=1),
    ],
    torch=lambda torch, x, axis=None, keepdims=False, ord=2: torch.linalg.vector_norm(
        x, ord, dim=axis, keepdim=keepdims
    ),
    numpy=[np.linalg.vector_norm],
)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of the vectors along `axis`, by default of all elements as one vector.

    The gradient at the zero vector is zero, and equal largest elements share that of ord=inf, as in
    PyTorch.

    Args:
        x: floating-point array.
        axis: None, an integer or a tuple.
        keepdims: whether the axes that are summed over stay, with length one.
        ord: any number p, 0 (how many elements are not zero), inf or -inf (largest or smallest
            absolute value).
    """
    if is_on_gpu(x):
        return _vector_norm(x, axis, keepdims, ord)
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


def _vector_norm(x: Any, axis: Any, keepdims: bool, ord: Any) -> Any:
    """`vector_norm` from functions that CuPy has too."""
    size = np.absolute(x)
    if ord == inf and x.size:
        return np.max(size, axis=axis, keepdims=keepdims)
    if ord == -inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord in (0, inf):  # of nothing, both are 0
        return np.sum((x != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if ord == 2:
        return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)


@composite(
    "matrix_norm",
    formula=r"y = \|A\|",
    samples=lambda s: [
        call(s.normal(3, 2)),
        call(s.normal(2, 3, 2), keepdims=True),
        call(s.matrix(3, 3), ord="nuc"),
        *(call(s.matrix(2, 3, 3), ord=order) for order in (1, -1, 2, -2, inf, -inf)),
    ],
    torch=lambda torch, x, keepdims=False, ord="fro": torch.linalg.matrix_norm(
        x, ord, keepdim=keepdims
    ),
    numpy=[np.linalg.matrix_norm],
)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices along the last two axes.

    Args:
        x: floating-point array of at least two axes.
        keepdims: whether the last two axes stay, with length one.
        ord: "fro" (all elements as one vector), "nuc" (sum of the singular values), 2 or -2
            (largest or smallest singular value), 1 or -1 (largest or smallest sum of a column's
            absolute values), inf or -inf (the same of a row).

    Raises:
        ValueError: another `ord`, or fewer than two axes.
    """
    if x.ndim < 2:
        raise ValueError(f"matrix_norm needs at least two axes, got an array of shape {x.shape}.")
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    if ord is None or ord == "fro":
        return vector_norm(x, axis=axes, keepdims=keepdims)
    matrices = np.moveaxis(x, axes, (-2, -1))
    if ord in ("nuc", 2, -2):
        values = np.linalg.svd(matrices, compute_uv=False)
    elif ord in (1, -1, inf, -inf):
        values = np.sum(np.abs(matrices), axis=-2 if abs(ord) == 1 else -1)
    else:
        raise ValueError(
            f"A matrix norm's ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}."
        )
    if ord == "nuc":
        norm = np.sum(values, axis=-1)
    else:
        norm = np.max(values, axis=-1) if ord > 0 else np.min(values, axis=-1)
    if not keepdims:
        return norm
    return np.expand_dims(norm, tuple(axis % x.ndim for axis in axes))


@composite(
    "norm",
    formula=r"y = \|x\|",
    samples=lambda s: [
        call(s.normal(3)),
        call(s.normal(2, 3)),
        call(s.normal(2, 3, 2), keepdims=True),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3), ord=1, axis=-1, keepdims=True),
        call(s.normal(4), ord=3),
        call(s.distinct(4), ord=inf),
        call(s.normal(3, 2), ord="fro"),
        call(s.matrix(3, 3), ord="nuc"),
        call(s.matrix(3, 3), ord=2),
        call(s.matrix(3, 3), ord=1),
        call(s.normal(3, 2, 4), ord=-inf, axis=(2, 0)),
        call(s.normal(3, 2, 3), ord="nuc", axis=(0, -1), keepdims=True),
    ],
    torch=lambda torch, x, ord=None, axis=None, keepdims=False: torch.linalg.norm(
        x, ord, dim=axis, keepdim=keepdims
    ),
    numpy=[np.linalg.norm],
)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices, by the number of axes: see `vector_norm` and `matrix_norm`.

    Args:
        x: floating-point array.
        ord: None for the square root of the sum of squares, or an order of either kind of norm.
        axis: an integer for vectors, two for matrices; None for the whole array, of any number of
            axes if `ord` is None, else one or two.
        keepdims: whether the axes that are reduced stay, with length one.

    Raises:
        ValueError: an `ord` that the kind of norm does not have, or axes that are not one or two.
    """
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(
                f"The norm {ord!r} is one of matrices, but norm got one axis, {axes[0]}."
            )
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) == 2:
        return _matrix_norm(x, ord, (axes[0], axes[1]), keepdims)
    raise ValueError(
        f"norm with ord={ord!r} works on one or two axes, got {len(axes)}: name them with axis=."
    )
