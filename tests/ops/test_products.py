"""Products against PyTorch: values, gradients and gradients of gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import nnscratch as ns
from nnscratch.autograd import OPS

SHORT = settings(max_examples=40, deadline=None, derandomize=True)
lengths = st.integers(1, 3)


def normal(seed, *shapes, dtype=np.float64):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(dtype) for shape in shapes]


def assert_like_torch(ours, theirs, *arrays):
    """Compare f, the gradient of Σ w f, and the gradient of Σ w f's squared gradient."""
    everything = tuple(range(len(arrays)))
    inputs = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = theirs(*inputs)
    tensors = [ns.Tensor(array, requires_grad=True) for array in arrays]
    result = ours(*tensors)
    assert isinstance(result, ns.Tensor)
    torch.testing.assert_close(torch.tensor(result.numpy()), expected.detach())

    (weights,) = normal(1, result.shape, dtype=result.dtype)
    gradient = ns.grad(lambda *values: np.sum(ours(*values) * weights), everything)
    first = torch.autograd.grad(
        (expected * torch.tensor(weights)).sum(), inputs, create_graph=True, materialize_grads=True
    )
    for found, wanted in zip(gradient(*arrays), first, strict=True):
        torch.testing.assert_close(torch.tensor(found), wanted.detach())

    penalty = sum((one**2).sum() for one in first)
    if not penalty.requires_grad:
        return
    second = torch.autograd.grad(penalty, inputs, materialize_grads=True)
    of_penalty = ns.grad(
        lambda *values: sum(np.sum(one**2) for one in gradient(*values)), everything
    )
    for found, wanted in zip(of_penalty(*arrays), second, strict=True):
        torch.testing.assert_close(torch.tensor(found), wanted)


@SHORT
@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_broadcasts(shapes):
    a, b = normal(0, *shapes.input_shapes)
    assert_like_torch(np.matmul, torch.matmul, a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matmul_keeps_dtype(dtype):
    a, b = normal(0, (4, 2, 3), (3, 5), dtype=dtype)
    assert ns.grad(lambda a: np.sum(a @ b))(a).dtype == dtype
    assert_like_torch(lambda a, b: a @ b, torch.matmul, a, b)


def test_matmul_takes_plain_operands_on_either_side():
    (a,) = normal(0, (2, 3))
    rows = [[1.0, 2.0], [3.0, 4.0]]
    assert_like_torch(lambda a: np.matmul(rows, a), lambda a: torch.tensor(rows).double() @ a, a)
    assert_like_torch(
        lambda a: a.T @ np.array(rows), lambda a: a.T @ torch.tensor(rows).double(), a
    )


def test_matmul_of_one_matrix_with_a_batch_is_one_product():
    """The gradient of Dense's kernel on sequences must not be a batch of matrices first."""
    a, b = normal(0, (5, 4, 3), (3, 2))
    rule = OPS["matmul"].vjps[1]
    assert rule(np.ones((5, 4, 2)), None, a, b).shape == (3, 2)


def torch_dot(a, b):
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return torch.tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


@SHORT
@given(st.lists(lengths, max_size=3), st.lists(lengths, max_size=3), lengths)
def test_dot_of_any_number_of_axes(shape_a, shape_b, k):
    if shape_a and shape_b:
        shape_a[-1] = shape_b[max(len(shape_b) - 2, 0)] = k
    a, b = normal(0, tuple(shape_a), tuple(shape_b))
    np.testing.assert_allclose(np.dot(ns.Tensor(a), b).numpy(), np.dot(a, b), atol=1e-14)
    assert_like_torch(np.dot, torch_dot, a, b)


def test_dot_method_and_a_number():
    (a,) = normal(0, (2, 3))
    assert_like_torch(lambda a: a.dot(2.0), lambda a: a * 2, a)
    assert_like_torch(lambda a: np.dot(2.0, a), lambda a: a * 2, a)


@SHORT
@given(st.data())
def test_tensordot_of_any_pairs_of_axes(data):
    ndim_a, ndim_b = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    pairs = data.draw(st.integers(0, min(ndim_a, ndim_b)))
    axes_a = data.draw(st.permutations(range(ndim_a)))[:pairs]
    axes_b = data.draw(st.permutations(range(ndim_b)))[:pairs]
    shape_a = [data.draw(lengths) for _ in range(ndim_a)]
    shape_b = [data.draw(lengths) for _ in range(ndim_b)]
    for i, j in zip(axes_a, axes_b, strict=True):
        shape_b[j] = shape_a[i]
    from_the_end = [j - ndim_b for j in axes_b]
    a, b = normal(0, shape_a, shape_b)
    assert_like_torch(
        lambda a, b: np.tensordot(a, b, (axes_a, from_the_end)),
        lambda a, b: torch.tensordot(a, b, (axes_a, axes_b)),
        a,
        b,
    )


@pytest.mark.parametrize("axes", [0, 1, 2])
def test_tensordot_over_a_number_of_axes(axes):
    a, b = normal(0, (2, 3, 4), (4, 2)[:1] if axes == 1 else (3, 4, 2) if axes else (2,))
    assert_like_torch(
        lambda a, b: np.tensordot(a, b, axes), lambda a, b: torch.tensordot(a, b, axes), a, b
    )


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji", (2, 3)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("bhid,bhjd->bhij", (2, 2, 3, 2), (2, 2, 4, 2)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iii->i", (2, 2, 2)),
    ("iijj->ji", (2, 2, 3, 3)),
    ("iij,j->i", (2, 2, 3), (3,)),
    ("ij->j", (2, 3)),
    ("i->", (3,)),
    ("i,j->", (3,), (2,)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("i,j,k->kji", (2,), (3,), (2,)),
    ("...i->...", (2, 3, 2)),
    ("...ij,...jk", (2, 1, 2, 3), (4, 3, 2)),
    ("i...j,j...->...i", (2, 3, 4), (4, 3)),
    ("...,...->...", (2, 3), (3,)),
    ("ij,ij->ij", (2, 1), (1, 3)),
    ("ij,ij->", (2, 3), (2, 1)),
    ("A b,bA->Ab", (2, 3), (3, 2)),
    (",ij->ij", (), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
]


@pytest.mark.parametrize("optimize", [False, True, "greedy"])
@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum(case, optimize):
    subscripts, *shapes = case
    assert_like_torch(
        lambda *arrays: np.einsum(subscripts, *arrays, optimize=optimize),
        lambda *tensors: torch.einsum(subscripts, *tensors),
        *normal(0, *shapes),
    )


def test_einsum_differentiates_only_the_tensors():
    a, b, c = normal(0, (2, 3), (3, 3), (3,))
    assert_like_torch(
        lambda b: np.einsum("ij,jj,j->i", a, b, c),
        lambda b: torch.einsum("ij,jj,j->i", torch.tensor(a), b, torch.tensor(c)),
        b,
    )


def test_einsum_in_float32():
    a, b = normal(0, (2, 3), (3, 3), dtype=np.float32)
    gradients = ns.grad(lambda a, b: np.sum(np.einsum("ij,jj->i", a, b)), (0, 1))(a, b)
    assert [gradient.dtype for gradient in gradients] == [np.float32, np.float32]


def test_einsum_with_lists_of_axes_names_the_other_form():
    a = ns.Tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(TypeError, match=r"einsum.*as a string.*write the lists of axes as letters"):
        np.einsum(a, [0, 1], a, [1, 2])


VECTORS = {
    "inner": (np.inner, torch.inner, (2, 2, 3), (4, 3)),
    "outer": (np.outer, lambda a, b: torch.outer(a.ravel(), b.ravel()), (2, 2), (3,)),
    "linalg.outer": (np.linalg.outer, torch.outer, (2,), (3,)),
    "vdot": (np.vdot, lambda a, b: a.ravel() @ b.ravel(), (2, 3), (3, 2)),
    "vecdot": (np.vecdot, torch.linalg.vecdot, (4, 1, 3), (2, 3)),
    "linalg.vecdot": (
        lambda a, b: np.linalg.vecdot(a, b, axis=0),
        lambda a, b: torch.linalg.vecdot(a, b, dim=0),
        (3, 2),
        (3, 2),
    ),
    "kron": (np.kron, torch.kron, (2, 3), (3, 2)),
    "kron of unequal ndim": (np.kron, torch.kron, (2,), (2, 3, 2)),
    "cross": (np.cross, lambda a, b: torch.linalg.cross(a, b.expand(2, 3)), (2, 3), (3,)),
    "linalg.cross": (
        lambda a, b: np.linalg.cross(a, b, axis=0),
        lambda a, b: torch.linalg.cross(a, b, dim=0),
        (3, 2),
        (3, 2),
    ),
    "cross with three axes": (
        lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0),
        lambda a, b: torch.linalg.cross(a.movedim(0, -1), b.movedim(1, -1)).movedim(-1, 0),
        (3, 2, 4),
        (2, 3, 4),
    ),
    "linalg.tensordot": (np.linalg.tensordot, torch.tensordot, (2, 3, 2), (3, 2, 2)),
    "linalg.matmul": (np.linalg.matmul, torch.matmul, (2, 3), (3, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_products_of_two(name):
    ours, theirs, *shapes = VECTORS[name]
    assert_like_torch(ours, theirs, *normal(0, *shapes))


def test_matvec_and_vecmat():
    a, x, z = normal(0, (4, 1, 2, 3), (2, 3), (5, 2))
    assert_like_torch(OPS["matvec"], lambda a, x: (a @ x[..., None])[..., 0], a, x)
    assert_like_torch(OPS["vecmat"], lambda z, a: (z[..., None, :] @ a)[..., 0, :], z, a)


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_trace_and_its_kin(offset):
    (a,) = normal(0, (3, 2, 4))
    assert_like_torch(
        lambda a: np.trace(a, offset, axis1=0, axis2=2),
        lambda a: torch.diagonal(a, offset, 0, 2).sum(-1),
        a,
    )
    assert_like_torch(
        lambda a: np.linalg.trace(a, offset=offset),
        lambda a: torch.diagonal(a, offset, -2, -1).sum(-1),
        a,
    )
    assert_like_torch(
        lambda a: np.linalg.diagonal(a, offset=offset),
        lambda a: torch.diagonal(a, offset, -2, -1),
        a,
    )
    assert_like_torch(np.linalg.matrix_transpose, lambda a: a.mT, a)


@pytest.mark.parametrize("shapes", [
    [(2, 3), (3, 4)],
    [(10, 2), (2, 8), (8, 3)],
    [(2, 8), (8, 3), (3, 5), (5, 2)],
    [(3,), (3, 2), (2, 4), (4,)],
    [(3,), (3,)],
])  # fmt: skip
def test_multi_dot(shapes):
    assert_like_torch(
        lambda *arrays: np.linalg.multi_dot(arrays),
        lambda *tensors: torch.linalg.multi_dot(tensors),
        *normal(0, *shapes),
    )


@pytest.mark.parametrize(("shapes", "last"), [
    ([(9, 2), (2, 9), (9, 1)], [(9, 2), (2, 1)]),
    ([(1, 9), (9, 2), (2, 9)], [(1, 2), (2, 9)]),
])  # fmt: skip
def test_multi_dot_takes_the_cheapest_order(shapes, last):
    arrays = [ns.Tensor(array, requires_grad=True) for array in normal(0, *shapes)]
    result = np.linalg.multi_dot(arrays)
    assert [value.shape for value in result.node.inputs] == last


@pytest.mark.parametrize("power", [-3, -1, 0, 1, 2, 5, 8])
def test_matrix_power(power):
    (a,) = normal(0, (2, 3, 3))
    assert_like_torch(
        lambda a: np.linalg.matrix_power(a, power),
        lambda a: torch.linalg.matrix_power(a, power) + 0 * a,
        a + 3 * np.eye(3),
    )


@pytest.mark.parametrize(("call", "error", "sentence"), [
    (lambda a: np.cross(a[:2], a[:2]), ValueError, "cross needs vectors of 3 elements, got 2"),
    (lambda a: np.linalg.outer(a, np.outer(a, a)), ValueError, r"outer needs two vectors.*outer"),
    (lambda a: np.linalg.multi_dot([a]), ValueError, "multi_dot needs two or more matrices"),
    (lambda a: np.linalg.matrix_power(a, 2), np.linalg.LinAlgError, "matrix_power needs square"),
])  # fmt: skip
def test_errors_name_the_op(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(ns.Tensor(np.ones(3), requires_grad=True))
