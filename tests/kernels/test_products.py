"""The reference kernels against PyTorch, on every dtype and layout."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import products as kernels
from tests.kernels.array_layouts import layouts, unchanged

DTYPES = [np.float32, np.float64]
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
}
generator = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [((), ()), ((5,), (5,)), ((2, 1), (3,)), ((), (4,)), ((0,), (1,))],
    ids=str,
)
def test_matmul(of_a, of_b, transpose_a, transpose_b, dtype):
    a = generator.normal(size=(*of_a, *((3, 4) if transpose_a else (4, 3)))).astype(dtype)
    b = generator.normal(size=(*of_b, *((2, 3) if transpose_b else (3, 2)))).astype(dtype)
    left, right = (torch.tensor(one, dtype=torch.float64) for one in (a, b))
    expected = (left.mT if transpose_a else left) @ (right.mT if transpose_b else right)
    tolerance = 20 * np.finfo(dtype).eps
    for a_, b_ in itertools.product(layouts(a), layouts(b)):
        c = unchanged(kernels.matmul, a_, b_, transpose_a, transpose_b)
        assert c.dtype == dtype
        np.testing.assert_allclose(c, expected.numpy(), rtol=tolerance, atol=tolerance)


def test_matmul_of_single_axes():
    row, matrix, column = (generator.normal(size=shape) for shape in ((3,), (3, 4), (4,)))
    np.testing.assert_allclose(kernels.matmul(row, matrix), row @ matrix)
    np.testing.assert_allclose(kernels.matmul(matrix, column), matrix @ column)
    np.testing.assert_allclose(kernels.matmul(column, matrix, transpose_b=True), matrix @ column)
    np.testing.assert_allclose(kernels.matmul(row, row), row @ row)


@pytest.mark.parametrize(("name", "place"), [("a", 0), ("b", 1)])
def test_a_single_axis_has_no_transpose(name, place):
    operands = [np.ones((3, 3)), np.ones((3, 3))]
    operands[place] = np.ones(3)
    with pytest.raises(ValueError, match=rf"of {name}, .* \(3,\): leave out transpose_{name}"):
        kernels.matmul(*operands, **{f"transpose_{name}": True})


def test_matmul_writes_where_it_is_told():
    a, b = generator.normal(size=(2, 6, 6))
    out = np.empty((6, 6))
    assert kernels.matmul(a, b, out=out) is out
    np.testing.assert_array_equal(out, a @ b)


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("transpose", [False, True])
def test_matmul_may_write_over_what_it_multiplies(operand, transpose):
    numbers = generator.normal(size=(8, 6))
    operands = [generator.normal(size=(6, 6)), generator.normal(size=(6, 6))]
    operands[operand] = numbers[2:]
    expected = operands[0] @ (operands[1].T if transpose else operands[1])
    out = numbers[1:-1]  # overlaps, and is not the same
    kernels.matmul(*operands, transpose_b=transpose, out=out)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (0, 3)], ids=str)
def test_dense(dtype, activation, shape):
    x = generator.normal(size=shape).astype(dtype)
    kernel = generator.normal(size=(3, 4)).astype(dtype)
    bias = generator.normal(size=4).astype(dtype)
    expected_z = torch.nn.functional.linear(*map(torch.from_numpy, (x, kernel.T.copy(), bias)))
    expected = ACTIVATIONS[activation](expected_z)
    for x_ in layouts(x):
        for kernel_ in layouts(kernel):
            y = unchanged(kernels.dense, x_, kernel_, bias, activation=activation)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, expected.numpy(), rtol=1e-5, atol=2e-6)
    both = unchanged(kernels.dense_with_preactivation, x, kernel, bias, activation=activation)
    for found, other in zip(both, (expected, expected_z), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, other.numpy(), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (0, 3)], ids=str)
def test_dense_gradient(dtype, activation, shape):
    x, kernel, bias = (generator.normal(size=size).astype(dtype) for size in (shape, (3, 4), (4,)))
    y, z = kernels.dense_with_preactivation(x, kernel, bias, activation)
    saved = z if activation.startswith("gelu") else y
    g = generator.normal(size=y.shape).astype(dtype)
    tensors = [
        torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (x, kernel, bias)
    ]
    result = ACTIVATIONS[activation](tensors[0] @ tensors[1] + tensors[2])
    expected = torch.autograd.grad(result, tensors, torch.tensor(g).double())
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for wanted in itertools.product([False, True], repeat=3):
        for g_, saved_, x_, kernel_ in zip(*map(layouts, (g, saved, x, kernel)), strict=True):
            found = unchanged(
                kernels.dense_gradient, wanted, g_, saved_, x_, kernel_, activation=activation
            )
            for one, other, is_wanted in zip(found, expected, wanted, strict=True):
                assert (one is not None) == is_wanted
                if is_wanted:
                    assert one.dtype == dtype
                    np.testing.assert_allclose(one, other.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: kernels.dense(x, x, x[0], "swish"),
        lambda x: kernels.dense_with_preactivation(x, x, x[0], "swish"),
        lambda x: kernels.dense_gradient((True,) * 3, x, x, x, x, "swish"),
    ],
)
def test_an_activation_that_dense_does_not_know(call):
    with pytest.raises(ValueError, match=r"^dense.* knows the activations .* got 'swish'"):
        call(np.ones((2, 2)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_lets_nan_through(activation):
    y = kernels.dense(np.array([[np.nan, 1.0]]), np.ones((2, 1)), np.zeros(1), activation)
    assert np.isnan(y).all()


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (128, 64), (129, 64), (3, 0)], ids=str)
def test_column_sums(dtype, shape):
    """Sizes around the bound at which it changes its way."""
    for rows in layouts(generator.normal(size=shape).astype(dtype)):
        sums = unchanged(kernels.column_sums, rows)
        exact = torch.tensor(rows.astype(np.float64)).sum(0).numpy()
        assert (sums.shape, sums.dtype) == (exact.shape, rows.dtype.newbyteorder("="))
        most = len(rows) * np.finfo(dtype).eps * np.abs(rows.astype(np.float64)).sum(axis=0)
        assert np.all(np.abs(sums - exact) <= most)


@pytest.mark.parametrize("rows", [4, 9000])
def test_column_sums_of_what_is_not_finite(rows):
    a = np.ones((rows, 3))
    a[1] = np.nan, np.inf, -np.inf
    a[2, 2] = np.inf
    with np.errstate(invalid="ignore"):
        sums = kernels.column_sums(a)
    np.testing.assert_array_equal(sums, [np.nan, np.inf, np.nan])
