"""Matrix decompositions, of one matrix or a batch of them.

The rules follow M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), M. Seeger et al., "Auto-differentiating linear algebra" (2017),
and J. Townsend, "Differentiating the singular value decomposition" (2016). They are written in
NumPy's own decompositions, so that gradients of gradients need nothing more.

On a GPU a matrix that has no decomposition raises nothing and gives numbers without meaning, unless
CuPy is told to look at every result: `with cupyx.errstate(linalg="raise")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array

if TYPE_CHECKING:
    from nnscratch.autograd import SampleSource


def require_matrices(name: str, a: Any, square: bool = True) -> None:
    """Raise LinAlgError, in the name of an op, unless `a` holds (square) matrices."""
    shape = as_array(a).shape
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        kind = "square matrices" if square else "matrices"
        raise np.linalg.LinAlgError(
            f"{name} needs {kind} along the last two axes, got an array of shape {shape}."
        )


def _symmetric_part(a: Any) -> Any:
    return (a + a.mT) / 2


def _quotient(numerator: Any, gap: Any) -> Any:
    """Divide, but 0 where both are 0: equal values that no cotangent tells apart."""
    idle = (numerator == 0) & (gap == 0)
    return numerator / np.where(idle, 1.0, gap)


def _skew_part(a: Any) -> Any:
    return (a - a.mT) / 2


def _positive_definite(s: SampleSource, *shape: int) -> Any:
    factor = s.matrix(*shape) / shape[-1]
    return factor @ factor.mT + np.eye(shape[-1])


def _symmetric(s: SampleSource, *shape: int) -> Any:
    """Symmetric matrices with eigenvalues about 2 apart."""
    return _symmetric_part(s.unit(*shape)) + np.diag(2.0 * np.arange(shape[-1]))


def rectangular(s: SampleSource, *shape: int) -> Any:
    """Matrices with singular values about 2 apart, none of them near zero."""
    rows, columns = shape[-2:]
    diagonal = np.eye(rows, columns) * (2.0 * np.arange(columns) + 2.0)
    return s.unit(*shape) / 2 + diagonal


def _cholesky_vjp(g: Any, y: Any, a: Any, upper: bool) -> Any:
    """Giles 2008, 3.4.2, in the blocked form of I. Murray (2016); symmetric, as A is."""
    if upper:
        g, y = g.mT, y.mT
    n, make = a.shape[-1], array_module(g)
    lower_half = make.tri(n, dtype=g.dtype) - make.eye(n, dtype=g.dtype) / 2
    phi = lower_half * (y.mT @ g)
    right = np.linalg.solve(y.mT, phi.mT)
    return _symmetric_part(np.linalg.solve(y.mT, right.mT))


@op(
    "cholesky",
    formula=r"A = L L^\top",
    derivative=r"\bar A = \mathrm{sym}(L^{-\top}\, \Phi(L^\top \bar L)\, L^{-1}), "
    r"\quad \Phi(X)\ \mathrm{lower\ half\ of}\ X",
    vjps=(_cholesky_vjp,),
    samples=lambda s: [
        call(_positive_definite(s, 3, 3)),
        call(_positive_definite(s, 2, 2, 2)),
        call(_positive_definite(s, 3, 3), upper=True),
        call(s.normal(0, 2, 2)),
    ],
    torch=lambda torch, a, upper=False: torch.linalg.cholesky((a + a.mT) / 2, upper=upper),
    numpy=[np.linalg.cholesky],
)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Lower triangular L with A = L Lᵀ, or the upper Lᵀ, for each positive definite matrix.

    It reads the symmetric part (A + Aᵀ) / 2, where NumPy reads one triangle: for the symmetric
    matrices that it is meant for the result is the same, and the gradient is symmetric.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square or not positive definite.
    """
    require_matrices("cholesky", a)
    try:
        factor = np.linalg.cholesky(_symmetric_part(a))
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            f"cholesky met a matrix that is not positive definite in its argument of shape "
            f"{a.shape}: add a small multiple of the identity."
        ) from None
    return factor.mT if upper else factor


def _eigh_vjp(g: Any, y: Any, a: Any, UPLO: str) -> Any:
    """Giles 2008, 3.1; the cotangent of eigenvectors matters only where it is skew."""
    (of_values, of_vectors), (values, vectors) = g, y
    gaps = values[..., None, :] - values[..., :, None]
    inner = _quotient(_skew_part(vectors.mT @ of_vectors), gaps)
    diagonal = of_values[..., None, :] * array_module(a).eye(a.shape[-1], dtype=a.dtype)
    return vectors @ (inner + diagonal) @ vectors.mT


def _eigh_torch(torch: Any, a: Any, UPLO: str = "L") -> Any:
    values, vectors = torch.linalg.eigh((a + a.mT) / 2)
    signs = _signs_towards(torch, vectors, np.linalg.eigh(a.detach().numpy())[1])
    return values, vectors * signs


def _signs_towards(torch: Any, columns: Any, reference: Any) -> Any:
    """For each column +1 or -1, so that it points as in NumPy: both LAPACKs are free in that."""
    return (columns * torch.as_tensor(reference)).sum(-2, keepdim=True).sign().detach()


@op(
    "eigh",
    formula=r"A = V\, \mathrm{diag}(w)\, V^\top",
    derivative=r"\bar A = V (\mathrm{diag}(\bar w) + F \odot \mathrm{skew}(V^\top \bar V)) V^\top,"
    r"\quad F_{ij} = \frac{1}{w_j - w_i}",
    vjps=(_eigh_vjp,),
    samples=lambda s: [
        call(_symmetric(s, 3, 3)),
        call(_symmetric(s, 2, 2, 2)),
        call(_symmetric(s, 3, 3), UPLO="U"),
        call(s.normal(0, 2, 2)),
    ],
    torch=_eigh_torch,
    numpy=[np.linalg.eigh],
)
def eigh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors, in columns, of each symmetric matrix.

    It reads the symmetric part (A + Aᵀ) / 2, where NumPy reads the triangle that `UPLO` names: for
    symmetric matrices the result is the same, and the gradient is symmetric. The sign of an
    eigenvector is LAPACK's choice, so only functions that do not depend on it have a meaningful
    gradient; where eigenvalues are equal, the gradient of their eigenvectors does not exist.

    Raises:
        numpy.linalg.LinAlgError: a matrix that is not square.
    """
    require_matrices("eigh", a)
    return np.linalg.eigh(_symmetric_part(a), UPLO)


@composite(
    "eigvalsh",
    formula=r"A = V\, \mathrm{diag}(y)\, V^\top",
    samples=lambda s: [call(_symmetric(s, 3, 3)), call(_symmetric(s, 2, 2, 2), UPLO="U")],
    torch=lambda torch, a, UPLO="L": torch.linalg.eigvalsh((a + a.mT) / 2),
    numpy=[np.linalg.eigvalsh],
)
def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, of each symmetric matrix; see `eigh`."""
    require_matrices("eigvalsh", a)
    return eigh(a, UPLO)[0]


def _svd_vjp(g: Any, y: Any, a: Any, full_matrices: bool, compute_uv: bool) -> Any:
    """Townsend 2016, with V in rows as NumPy returns it."""
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        return (u * g[..., None, :]) @ vh
    (of_u, of_s, of_vh), (u, s, vh) = g, y
    gaps = (s[..., None, :] - s[..., :, None]) * (s[..., None, :] + s[..., :, None])
    rotation_u, rotation_v = u.mT @ of_u, vh @ of_vh.mT
    inner = (
        _quotient(2 * _skew_part(rotation_u), gaps) * s[..., None, :]
        + _quotient(2 * _skew_part(rotation_v), gaps) * s[..., :, None]
        + of_s[..., None, :] * array_module(a).eye(s.shape[-1], dtype=a.dtype)
    )
    gradient = u @ inner @ vh
    rows, columns = a.shape[-2:]
    if rows > columns:  # what of_u asks for outside the space of u's columns
        gradient = gradient + _quotient(of_u - u @ rotation_u, s[..., None, :]) @ vh
    if columns > rows:
        gradient = gradient + u @ _quotient(of_vh - rotation_v.mT @ vh, s[..., :, None])
    return gradient


def _svd_torch(torch: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return torch.linalg.svdvals(a)
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    signs = _signs_towards(torch, u, np.linalg.svd(a.detach().numpy(), full_matrices=False)[0])
    return u * signs, s, vh * signs.mT


@op(
    "svd",
    formula=r"A = U\, \mathrm{diag}(s)\, V^\top",
    derivative=r"\bar A = U (\mathrm{diag}(\bar s) + 2 (F \odot \mathrm{skew}(U^\top \bar U)) S + "
    r"2 S (F \odot \mathrm{skew}(V^\top \bar V))) V^\top + (I - U U^\top) \bar U S^{-1} V^\top + "
    r"U S^{-1} \bar V^\top (I - V V^\top), \quad F_{ij} = \frac{1}{s_j^2 - s_i^2}",
    vjps=(_svd_vjp,),
    samples=lambda s: [
        call(rectangular(s, 3, 3)),
        call(rectangular(s, 3, 2), full_matrices=False),
        call(rectangular(s, 2, 3), full_matrices=False),
        call(rectangular(s, 2, 3, 2), full_matrices=False),
        call(rectangular(s, 3, 2), compute_uv=False),
        call(s.normal(0, 2, 2)),
    ],
    torch=_svd_torch,
    numpy=[np.linalg.svd],
)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition (U, S, Vh) of each matrix, or S alone without `compute_uv`.

    The sign of each pair of singular vectors is LAPACK's choice: only functions that do not depend
    on it have a meaningful gradient. Where singular values are equal, or zero for a matrix that is
    not square, the gradient of their vectors does not exist.

    Raises:
        numpy.linalg.LinAlgError: an argument that is not a matrix.
        ValueError: `full_matrices` for a matrix that is not square: the columns that it adds are
            arbitrary and have no gradient.
    """
    require_matrices("svd", a, square=False)
    if full_matrices and compute_uv and a.shape[-1] != a.shape[-2]:
        raise ValueError(
            f"svd with full_matrices=True has no gradient for matrices that are not square, got "
            f"shape {a.shape}: pass full_matrices=False."
        )
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    return np.linalg.svd(a, full_matrices)


@composite(
    "svdvals",
    formula=r"A = U\, \mathrm{diag}(y)\, V^\top",
    samples=lambda s: [call(rectangular(s, 3, 2)), call(rectangular(s, 2, 2, 3))],
    torch="linalg.svdvals",
    numpy=[np.linalg.svdvals],
)
def svdvals(x: Any, /) -> Any:
    """Singular values, descending, of each matrix."""
    require_matrices("svdvals", x, square=False)
    return svd(x, compute_uv=False)


def _qr_vjp(g: Any, y: Any, a: Any, mode: str) -> Any:
    """Seeger et al. 2017 for QR; a wide A is [X, Q Z] with R = [R of X, Z]."""
    (of_q, of_r), (q, r) = g, y
    rows, columns = a.shape[-2:]
    if rows >= columns:
        return _tall_qr_vjp(of_q, of_r, q, r)
    of_z = of_r[..., rows:]
    of_x = _tall_qr_vjp(of_q + a[..., rows:] @ of_z.mT, of_r[..., :rows], q, r[..., :rows])
    return np.concatenate([of_x, q @ of_z], axis=-1)


def _tall_qr_vjp(of_q: Any, of_r: Any, q: Any, r: Any) -> Any:
    inner = r @ of_r.mT - of_q.mT @ q
    lower, below = np.tril(inner), np.tril(inner, -1)
    try:
        return np.linalg.solve(r, (of_q + q @ (lower + below.mT)).mT).mT
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            f"the gradient of qr exists only at full rank, got a Q of shape {q.shape} with a zero "
            f"on R's diagonal: use svd, or add a small multiple of the identity."
        ) from None


@op(
    "qr",
    formula=r"A = Q R",
    derivative=r"\bar A = (\bar Q + Q\, \mathrm{copyltu}(R \bar R^\top - \bar Q^\top Q)) R^{-\top}",
    vjps=(_qr_vjp,),
    samples=lambda s: [
        call(rectangular(s, 3, 3)),
        call(rectangular(s, 3, 2)),
        call(rectangular(s, 2, 3)),
        call(rectangular(s, 2, 3, 2)),
        call(s.normal(0, 2, 2)),
    ],
    torch=lambda torch, a, mode="reduced": torch.linalg.qr(a, mode),
    numpy=[np.linalg.qr],
)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Orthonormal Q and upper triangular R with A = Q R, for each matrix of full rank.

    Raises:
        numpy.linalg.LinAlgError: an argument that is not a matrix; in the gradient, a rank that is
            not full.
        ValueError: a `mode` other than "reduced".
    """
    require_matrices("qr", a, square=False)
    if mode != "reduced":
        raise ValueError(f"qr on a Tensor has a gradient only with mode='reduced', got {mode!r}.")
    return np.linalg.qr(a)
