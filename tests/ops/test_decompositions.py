"""Inverses, determinants, decompositions and norms against PyTorch, to second order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import nnscratch as ns

inf = np.inf
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCES = {np.float32: {"rtol": 1e-3, "atol": 1e-4}, np.float64: {"rtol": 1e-8, "atol": 1e-9}}


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def well_conditioned(seed, *shape, dtype=np.float64):
    """Singular values about 2 apart, the smallest near 2."""
    rows, columns = shape[-2:]
    spread = np.eye(rows, columns) * (2.0 * np.arange(columns) + 2.0)
    return (0.4 * normal(seed, *shape) + spread).astype(dtype)


def assert_like_torch(ours, theirs, *arrays):
    """Compare f, the gradient of Σ w f, and the gradient of Σ w f's squared gradient."""
    tolerances = TOLERANCES[arrays[0].dtype.type]
    everything = tuple(range(len(arrays)))
    inputs = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = theirs(*inputs)
    result = ours(*(ns.Tensor(array, requires_grad=True) for array in arrays))
    torch.testing.assert_close(torch.tensor(result.numpy()), expected.detach(), **tolerances)

    weights = normal(1, *result.shape, dtype=result.dtype)
    gradient = ns.grad(lambda *values: np.sum(ours(*values) * weights), everything)
    first = torch.autograd.grad(
        (expected * torch.tensor(weights)).sum(), inputs, create_graph=True, materialize_grads=True
    )
    for found, wanted in zip(gradient(*arrays), first, strict=True):
        torch.testing.assert_close(torch.tensor(found), wanted.detach(), **tolerances)

    penalty = sum((one**2).sum() for one in first)
    if not penalty.requires_grad:
        return
    second = torch.autograd.grad(penalty, inputs, materialize_grads=True)
    of_penalty = ns.grad(
        lambda *values: sum(np.sum(one**2) for one in gradient(*values)), everything
    )
    for found, wanted in zip(of_penalty(*arrays), second, strict=True):
        torch.testing.assert_close(torch.tensor(found), wanted, **tolerances)


# --- inverses, solutions, determinants --------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2, 2), (1, 1)])
def test_functions_of_square_matrices(shape, dtype):
    a = well_conditioned(0, *shape, dtype=dtype) / 2
    assert_like_torch(np.linalg.inv, torch.linalg.inv, a)
    assert_like_torch(np.linalg.det, torch.linalg.det, a)
    assert_like_torch(
        lambda a: np.linalg.slogdet(a).logabsdet, lambda a: torch.linalg.slogdet(a).logabsdet, a
    )


@each_dtype
@pytest.mark.parametrize(("of_a", "of_b"), [
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 3, 3), (2, 3, 4)),
    ((3, 3), (2, 3, 1)),
    ((2, 1, 3, 3), (4, 3, 2)),
])  # fmt: skip
def test_solve(of_a, of_b, dtype):
    a, b = well_conditioned(0, *of_a, dtype=dtype), normal(1, *of_b, dtype=dtype)
    assert_like_torch(np.linalg.solve, torch.linalg.solve, a, b)


def test_solve_for_one_vector_and_a_batch_of_matrices():
    a, b = well_conditioned(0, 2, 3, 3), normal(1, 3)
    assert_like_torch(np.linalg.solve, lambda a, b: torch.linalg.solve(a, b[:, None])[..., 0], a, b)


def test_solve_differentiates_only_what_is_asked_for():
    a, b = well_conditioned(0, 3, 3), normal(1, 3)
    assert_like_torch(
        lambda b: np.linalg.solve(a, b), lambda b: torch.linalg.solve(torch.tensor(a), b), b
    )
    assert_like_torch(
        lambda a: np.linalg.solve(a, b), lambda a: torch.linalg.solve(a, torch.tensor(b)), a
    )


@pytest.mark.parametrize("rank", [2, 1])
def test_gradient_of_det_at_singular_matrices(rank):
    """The determinant is a polynomial: its gradient, the cofactors, is smooth everywhere."""
    a = normal(0, 3, rank) @ normal(1, rank, 3)
    a = np.stack([np.diag([1.0, 2.0, 0.0] if rank == 2 else [0.0, 2.0, 0.0]), np.round(a, 2)])
    cofactors = np.empty_like(a)
    for n, i, j in np.ndindex(a.shape):
        minor = np.delete(np.delete(a[n], i, 0), j, 1)
        cofactors[n, i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    assert np.linalg.det(a)[0] == 0
    gradient = ns.grad(lambda a: np.sum(np.linalg.det(a)))(a)
    np.testing.assert_allclose(gradient, cofactors, atol=1e-12)


@each_dtype
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_pinv(shape, dtype):
    assert_like_torch(np.linalg.pinv, torch.linalg.pinv, well_conditioned(0, *shape, dtype=dtype))


def test_pinv_of_a_matrix_of_lower_rank():
    """On matrices of one rank the gradient is PyTorch's too, with the same cut-off."""
    factor, other = normal(0, 4, 2), normal(1, 2, 3)
    assert_like_torch(
        lambda u, v: np.linalg.pinv(u @ v, rcond=1e-9),
        lambda u, v: torch.linalg.pinv(u @ v, rtol=1e-9),
        factor,
        other,
    )


# --- decompositions ---------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2, 2)])
def test_cholesky(shape, upper, dtype):
    a = well_conditioned(0, *shape, dtype=dtype)

    def gram(a):
        return a @ a.mT / 4

    assert_like_torch(
        lambda a: np.linalg.cholesky(gram(a), upper=upper),
        lambda a: torch.linalg.cholesky(gram(a), upper=upper),
        a,
    )


def test_gradients_of_symmetric_functions_are_symmetric_as_in_pytorch():
    a = well_conditioned(0, 3, 3)
    a = a + a.T
    weights, reference = normal(1, 3, 3), torch.tensor(a, requires_grad=True)
    (torch.linalg.cholesky(reference) * torch.tensor(weights)).sum().backward()
    gradient = ns.grad(lambda a: np.sum(np.linalg.cholesky(a) * weights))(a)
    torch.testing.assert_close(torch.tensor(gradient), reference.grad)
    ns.gradcheck(np.linalg.cholesky, a)
    np.testing.assert_allclose(gradient, gradient.T, atol=1e-14)


@each_dtype
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2, 2)])
def test_eigh_through_functions_that_no_sign_changes(shape, dtype):
    a = well_conditioned(0, *shape, dtype=dtype)

    def symmetric(a):
        return (a + a.mT) / 2

    def of_numpy(a):
        values, vectors = np.linalg.eigh(symmetric(a))
        return vectors**2 * np.exp(values / 8)[..., None, :]

    def of_torch(a):
        values, vectors = torch.linalg.eigh(symmetric(a))
        return vectors**2 * torch.exp(values / 8)[..., None, :]

    assert_like_torch(of_numpy, of_torch, a)
    assert_like_torch(
        lambda a: np.linalg.eigvalsh(symmetric(a)), lambda a: torch.linalg.eigvalsh(symmetric(a)), a
    )


def test_matrix_logarithm_by_eigh():
    """V diag(ln w) Vᵀ is smooth, whatever LAPACK chooses."""

    def logarithm(a):
        values, vectors = np.linalg.eigh(a @ a.mT)
        return (vectors * np.log(values)[..., None, :]) @ vectors.mT

    ns.gradcheck(logarithm, well_conditioned(0, 3, 3), order=2)


def test_eigenvalues_that_are_equal_have_gradients_where_only_values_are_used():
    identity = np.eye(3)
    np.testing.assert_array_equal(
        ns.grad(lambda a: np.sum(np.linalg.eigh(a).eigenvalues))(identity), identity
    )
    np.testing.assert_allclose(
        ns.grad(lambda a: np.sum(np.linalg.svd(a).S))(identity), identity, atol=1e-15
    )


def test_eigenvectors_of_equal_eigenvalues_have_no_gradient_and_say_so():
    weights = normal(0, 3, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = ns.grad(lambda a: np.sum(np.linalg.eigh(a).eigenvectors * weights))(np.eye(3))
    assert not np.isfinite(gradient).all()


@each_dtype
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3)])
def test_svd_through_functions_that_no_sign_changes(shape, dtype):
    a = well_conditioned(0, *shape, dtype=dtype)
    for pick in (
        lambda u, s, vh: u**2,
        lambda u, s, vh: s,
        lambda u, s, vh: vh**2,
        lambda u, s, vh: (u * (s**0.5)[..., None, :]) @ vh,
    ):
        assert_like_torch(
            lambda a, pick=pick: pick(*np.linalg.svd(a, full_matrices=False)),
            lambda a, pick=pick: pick(*torch.linalg.svd(a, full_matrices=False)),
            a,
        )
    assert_like_torch(lambda a: np.linalg.svd(a, compute_uv=False), torch.linalg.svdvals, a)
    assert_like_torch(np.linalg.svdvals, torch.linalg.svdvals, a)


@each_dtype
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 4)])
def test_qr(shape, dtype):
    a = well_conditioned(0, *shape, dtype=dtype)
    assert_like_torch(lambda a: np.linalg.qr(a).Q, lambda a: torch.linalg.qr(a).Q, a)
    assert_like_torch(lambda a: np.linalg.qr(a).R, lambda a: torch.linalg.qr(a).R, a)
    assert_like_torch(
        lambda a: np.sin(np.linalg.qr(a)[0]) @ np.linalg.qr(a)[1],
        lambda a: torch.sin(torch.linalg.qr(a)[0]) @ torch.linalg.qr(a)[1],
        a,
    )


def test_results_have_numpys_names():
    a = ns.Tensor(well_conditioned(0, 3, 3), requires_grad=True)
    assert np.linalg.svd(a)._fields == ("U", "S", "Vh")
    assert np.linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
    assert np.linalg.qr(a)._fields == ("Q", "R")
    assert np.linalg.slogdet(a)._fields == ("sign", "logabsdet")


# --- norms ------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 1, 0)])
@pytest.mark.parametrize("order", [0, 1, 1.5, 2, 3, 4, inf, -inf])
def test_vector_norm(order, axis, keepdims, dtype):
    x = normal(0, 2, 3, 2, dtype=dtype)
    assert_like_torch(
        lambda x: np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=order),
        lambda x: torch.linalg.vector_norm(x, order, dim=axis, keepdim=keepdims),
        x,
    )


@each_dtype
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [(-2, -1), (2, 0)])
@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
def test_matrix_norm(order, axes, keepdims, dtype):
    x = well_conditioned(0, 3, 3, 2, dtype=dtype)
    assert_like_torch(
        lambda x: np.linalg.norm(x, order, axis=axes, keepdims=keepdims),
        lambda x: torch.linalg.matrix_norm(x, order, dim=axes, keepdim=keepdims),
        x,
    )
    if axes == (-2, -1):
        assert_like_torch(
            lambda x: np.linalg.matrix_norm(x, ord=order, keepdims=keepdims),
            lambda x: torch.linalg.matrix_norm(x, order, keepdim=keepdims),
            x,
        )


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "order"), [
    ((3,), None), ((2, 3, 2), None), ((), None), ((4,), 3), ((4,), inf), ((3, 2), None),
    ((3, 2), 1), ((3, 2), "nuc"),
])  # fmt: skip
def test_norm_of_the_whole_array(shape, order, keepdims):
    x = normal(0, *shape)
    assert_like_torch(
        lambda x: np.linalg.norm(x, order, keepdims=keepdims),
        lambda x: torch.linalg.norm(x, order, keepdim=keepdims),
        x,
    )


@pytest.mark.parametrize("order", [1, 1.5, 2, 3, inf, -inf])
def test_gradient_of_a_norm_at_zero_is_pytorchs(order):
    """Zero, in one row of zeros beside one that has a single zero."""
    x = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, -4.0]])
    reference = torch.tensor(x, requires_grad=True)
    torch.linalg.vector_norm(reference, order, dim=1).sum().backward()
    gradient = ns.grad(lambda x: np.sum(np.linalg.norm(x, order, axis=1)))(x)
    np.testing.assert_array_equal(gradient[0], np.zeros(3))
    torch.testing.assert_close(torch.tensor(gradient), reference.grad)


def test_second_order_of_the_euclidean_norm_where_elements_are_zero():
    hessian = ns.hessian(np.linalg.norm)
    x = np.array([0.0, 2.0, 0.0])
    wanted = torch.autograd.functional.hessian(torch.linalg.norm, torch.tensor(x))
    torch.testing.assert_close(torch.tensor(hessian(x)), wanted)
    np.testing.assert_array_equal(hessian(np.zeros(3)), np.zeros((3, 3)))  # PyTorch gives NaN


def test_equal_largest_elements_share_the_gradient_of_the_maximum_norm():
    x = np.array([3.0, -3.0, 1.0])
    assert_like_torch(
        lambda x: np.linalg.norm(x, inf), lambda x: torch.linalg.vector_norm(x, inf), x
    )


# --- errors -----------------------------------------------------------------------------------

ones = np.ones((2, 2))
wide = np.ones((2, 3))


@pytest.mark.parametrize(("call", "error", "sentence"), [
    (lambda a: np.linalg.inv(a(ones)), np.linalg.LinAlgError, "^inv met a singular matrix.*pinv"),
    (lambda a: np.linalg.solve(a(ones), ones), np.linalg.LinAlgError, "^solve met a singular"),
    (lambda a: np.linalg.solve(a(ones), wide.T), ValueError, "^solve needs a right side with 2"),
    (lambda a: np.linalg.solve(a(ones), 1.0), ValueError, "^solve needs a right side with 2"),
    (lambda a: np.linalg.cholesky(a(-ones)), np.linalg.LinAlgError, "^cholesky.*positive definite"),
    (lambda a: np.linalg.inv(a(wide)), np.linalg.LinAlgError, r"^inv needs square.*\(2, 3\)"),
    (lambda a: np.linalg.solve(a(wide), ones), np.linalg.LinAlgError, "^solve needs square"),
    (lambda a: np.linalg.det(a(wide)), np.linalg.LinAlgError, "^det needs square"),
    (lambda a: np.linalg.slogdet(a(wide)), np.linalg.LinAlgError, "^slogdet needs square"),
    (lambda a: np.linalg.cholesky(a(wide)), np.linalg.LinAlgError, "^cholesky needs square"),
    (lambda a: np.linalg.eigh(a(wide)), np.linalg.LinAlgError, "^eigh needs square"),
    (lambda a: np.linalg.eigvalsh(a(wide)), np.linalg.LinAlgError, "^eigvalsh needs square"),
    (lambda a: np.linalg.svdvals(a(wide[0])), np.linalg.LinAlgError, "^svdvals needs matrices"),
    (lambda a: np.linalg.svd(a(wide[0])), np.linalg.LinAlgError, r"^svd needs matrices.*\(3,\)"),
    (lambda a: np.linalg.pinv(a(wide[0])), np.linalg.LinAlgError, "^pinv needs matrices"),
    (lambda a: np.linalg.qr(a(wide[0])), np.linalg.LinAlgError, "^qr needs matrices"),
    (lambda a: np.linalg.svd(a(wide)), ValueError, "^svd with full_matrices=True.*=False"),
    (lambda a: np.linalg.svd(a(ones), hermitian=True), TypeError, "^svd.*hermitian"),
    (lambda a: np.linalg.qr(a(wide), mode="complete"), ValueError, "^qr.*mode='reduced'"),
    (lambda a: np.linalg.norm(a(ones), 3), ValueError, "matrix norm's ord.*got 3"),
    (lambda a: np.linalg.norm(a(ones), "fro", axis=0), ValueError, "'fro' is one of matrices"),
    (lambda a: np.linalg.norm(a(np.ones((2, 2, 2))), 1), ValueError, "^norm.*two axes, got 3"),
    (lambda a: np.linalg.matrix_norm(a(wide[0])), ValueError, "^matrix_norm needs at least two"),
])  # fmt: skip
def test_errors_name_the_op(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(lambda array: ns.Tensor(array, requires_grad=True))


@pytest.mark.parametrize("differentiate", [
    lambda f, a: ns.grad(f)(a),
    lambda f, a: ns.grad(f)(ns.Tensor(a)),
])  # fmt: skip
def test_gradients_that_do_not_exist_name_the_op(differentiate):
    with (
        np.errstate(divide="ignore"),
        pytest.raises(np.linalg.LinAlgError, match=r"^the gradient of slogdet met a singular"),
    ):
        differentiate(lambda a: np.linalg.slogdet(a)[1], ones)
    with pytest.raises(
        np.linalg.LinAlgError, match=r"^the gradient of qr exists only at full rank"
    ):
        differentiate(lambda a: np.sum(np.linalg.qr(a)[0]), np.zeros((2, 2)))
