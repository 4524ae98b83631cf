"""Inverses, linear systems and determinants, of one matrix or a batch of them.

The rules follow M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008). They are written in NumPy's own linear algebra, so that
gradients of gradients need nothing more.

On a GPU a singular matrix raises nothing and gives numbers without meaning, unless CuPy is told to
look at every result: `with cupyx.errstate(linalg="raise")`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, op
from nnscratch.ops.decompositions import rectangular, require_matrices


def _singular(name: str, shape: tuple[int, ...]) -> np.linalg.LinAlgError:
    return np.linalg.LinAlgError(
        f"{name} met a singular matrix in its argument of shape {shape}: use np.linalg.pinv, or "
        f"add a small multiple of the identity."
    )


@op(
    "inv",
    formula=r"Y = A^{-1}",
    derivative=r"\bar A = -Y^\top \bar Y\, Y^\top",
    vjps=(lambda g, y, a: -(y.mT @ g @ y.mT),),
    samples=lambda s: [call(s.matrix(3, 3)), call(s.matrix(2, 2, 2)), call(s.normal(0, 2, 2))],
    torch="linalg.inv",
    numpy=[np.linalg.inv],
)
def inv(a: Any) -> Any:
    """Inverse of each square matrix.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square, or singular.
    """
    require_matrices("inv", a)
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise _singular("inv", a.shape) from None


def _solve_vjp(wanted: Any, g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Both cotangents from one solution with the transposed matrix (Giles 2008, 2.3.1)."""
    if b.ndim == 1:
        of_a, of_b = _solve_vjp(wanted, g[..., None], y[..., None], a, b[:, None])
        return of_a, of_b[..., 0]
    of_b = solve(a.mT, g)
    return (-(of_b @ y.mT) if wanted[0] else None), of_b


@op(
    "solve",
    formula=r"A Y = B, \quad Y = A^{-1} B",
    derivative=r"\bar B = A^{-\top} \bar Y, \quad \bar A = -\bar B\, Y^\top",
    vjps=(_solve_vjp,),
    joint=True,
    arity=2,
    samples=lambda s: [
        call(s.matrix(3, 3), s.normal(3)),
        call(s.matrix(3, 3), s.normal(3, 2)),
        call(s.matrix(2, 2, 2), s.normal(2)),
        call(s.matrix(2, 2, 2), s.normal(2, 3)),
        call(s.matrix(2, 2), s.normal(2, 2, 1)),
        call(s.matrix(3, 3), s.normal(3, 0)),
    ],
    torch=lambda torch, a, b: (
        torch.linalg.solve(a, b[:, None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)
    ),
    numpy=[np.linalg.solve],
)
def solve(a: Any, b: Any) -> Any:
    """The Y with A Y = B, for square A; `b` is one vector, or matrices along its last two axes.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square, or singular.
        ValueError: a `b` with another number of rows than `a`.
    """
    require_matrices("solve", a)
    rows = np.shape(b)[-1:] if np.ndim(b) < 2 else np.shape(b)[-2:-1]
    if rows != a.shape[-1:]:
        raise ValueError(
            f"solve needs a right side with {a.shape[-1]} rows, as many as the matrix of shape "
            f"{a.shape} has, got shape {np.shape(b)}."
        )
    if np.ndim(b) > 1 and a.shape[:-2] != b.shape[:-2]:  # which CuPy does not broadcast
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
        b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise _singular("solve", a.shape) from None


def _pinv_vjp(g: Any, y: Any, a: Any, rcond: Any) -> Any:
    """Golub & Pereyra, "The differentiation of pseudo-inverses" (1973), for constant rank."""
    beside_rows = g.mT - a @ (y @ g.mT)
    beside_columns = g.mT - (g.mT @ y) @ a
    return beside_rows @ y @ y.mT + y.mT @ y @ beside_columns - y.mT @ g @ y.mT


@op(
    "pinv",
    formula=r"Y = A^{+}",
    derivative=r"\bar A = -Y^\top \bar Y Y^\top + (I - A Y) \bar Y^\top Y Y^\top "
    r"+ Y^\top Y \bar Y^\top (I - Y A)",
    vjps=(_pinv_vjp,),
    samples=lambda s: [
        call(rectangular(s, 3, 2)),
        call(rectangular(s, 2, 3)),
        call(s.matrix(2, 2, 2)),
        call(s.normal(0, 3)),
    ],
    torch=lambda torch, a, rcond=None: torch.linalg.pinv(a),
    numpy=[np.linalg.pinv],
)
def pinv(a: Any, rcond: Any = None) -> Any:
    """Moore-Penrose inverse; singular values up to `rcond` times the largest count as zero.

    By default `rcond` is NumPy's 1e-15. Its gradient holds where the rank does not change.

    Raises:
        numpy.linalg.LinAlgError: an argument that is not a matrix.
    """
    require_matrices("pinv", a, square=False)
    return np.linalg.pinv(a, rcond=1e-15 if rcond is None else rcond)


# --- determinants -----------------------------------------------------------------------------


def _det_vjp(g: Any, y: Any, a: Any) -> Any:
    """The cofactors; from singular values where a determinant is 0 and there is no inverse."""
    if np.all(y != 0):
        return (g * y)[..., None, None] * np.linalg.inv(a).mT
    u, s, vh = np.linalg.svd(a)
    n = a.shape[-1]
    # Column i: the product of all singular values but the i-th.
    others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (g * sign)[..., None, None] * ((u * others[..., None, :]) @ vh)


@op(
    "det",
    formula=r"y = \det A",
    derivative=r"\bar A = \bar y\, y\, A^{-\top}",
    vjps=(_det_vjp,),
    samples=lambda s: [
        call(s.matrix(3, 3)),
        call(s.matrix(2, 3, 2, 2)),
        call(s.normal(1, 1)),
        call(s.normal(0, 2, 2)),
    ],
    torch="linalg.det",
    numpy=[np.linalg.det],
)
def det(a: Any) -> Any:
    """Determinant of each square matrix; its gradient is right at singular matrices too.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square.
    """
    require_matrices("det", a)
    return np.linalg.det(a)


def _slogdet_vjp(g: Any, y: Any, a: Any) -> Any:
    try:
        return g[1][..., None, None] * np.linalg.inv(a).mT
    except np.linalg.LinAlgError:
        raise _singular("the gradient of slogdet", a.shape) from None


@op(
    "slogdet",
    formula=r"s = \mathrm{sign}(\det A), \quad y = \ln |\det A|",
    derivative=r"\bar A = \bar y\, A^{-\top}",
    vjps=(_slogdet_vjp,),
    samples=lambda s: [call(s.matrix(3, 3)), call(-s.matrix(2, 3, 3)), call(s.normal(0, 2, 2))],
    torch="linalg.slogdet",
    numpy=[np.linalg.slogdet],
)
def slogdet(a: Any) -> Any:
    """Sign and natural logarithm of the determinant: (sign, logabsdet); the sign has no gradient.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square; in the gradient, a singular one.
    """
    require_matrices("slogdet", a)
    return np.linalg.slogdet(a)
