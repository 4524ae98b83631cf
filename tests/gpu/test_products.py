"""Dense layers, their gradients and matrix products on the GPU against NumPy's in float64."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest

from nnscratch_kernels.numpy_kernels import products as reference
from tests.gpu.on_device import assert_near, layouts, run

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float16: 4e-3, np.float32: 2e-6, np.float64: 1e-14}
ACTIVATIONS = sorted(reference._ACTIVATIONS)
# Shape of x, units.
DENSE = [
    ((1, 1), 1),
    ((3, 17), 33),
    ((33, 3), 130),
    ((130, 33), 17),
    ((2, 3, 17), 3),
    ((3,), 17),
    ((0, 3), 17),
    ((17, 3), 0),
    ((17, 0), 3),
    ((40, 5), 1030),
]
generator = np.random.default_rng(0)
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def kernels(cupy):
    return importlib.import_module("nnscratch_kernels.cupy_kernels.products")


@pytest.fixture
def without_reference(kernels, monkeypatch):
    """Nothing is left to the NumPy twin."""
    monkeypatch.setattr(kernels, "numpy_twin", None)


def normal(shape, dtype):
    return generator.normal(size=shape).astype(dtype)


def exactly(function, *arguments, **options):
    """What NumPy gives in float64 for the numbers that a narrower dtype was given."""
    wide = [one.astype(float) if isinstance(one, np.ndarray) else one for one in arguments]
    return function(*wide, **options)


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [((), ()), ((5,), (5,)), ((2, 1), (3,)), ((), (4,)), ((4,), ()), ((2, 3), ()), ((0,), (1,))],
    ids=str,
)
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_matmul(cupy, kernels, transpose_a, transpose_b, of_a, of_b, dtype):
    a = normal((*of_a, *((17, 33) if transpose_a else (33, 17))), dtype)
    b = normal((*of_b, *((3, 17) if transpose_b else (17, 3))), dtype)
    expected = exactly(reference.matmul, a, b, transpose_a, transpose_b)
    for a_, b_ in itertools.product(layouts(cupy, a), layouts(cupy, b)):
        c = run(cupy, kernels.matmul, a_, b_, transpose_a, transpose_b)
        assert c.dtype == dtype
        assert_near(c, expected, TOLERANCE[dtype])


@pytest.mark.parametrize(
    "shapes", [((3,), (3, 4)), ((4, 3), (3,)), ((3,), (3,)), ((2, 4, 3), (3,))]
)
def test_matmul_of_single_axes(cupy, kernels, shapes):
    a, b = (generator.normal(size=shape) for shape in shapes)
    assert_near(run(cupy, kernels.matmul, a, b), a @ b, 1e-14)


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((4, 2, 0), (0, 3))])
def test_matmul_of_nothing(cupy, kernels, shapes):
    a, b = (np.ones(shape, np.float32) for shape in shapes)
    np.testing.assert_array_equal(run(cupy, kernels.matmul, a, b), a @ b)


def test_a_single_axis_has_no_transpose(cupy, kernels):
    with pytest.raises(ValueError, match="leave out transpose_a"):
        kernels.matmul(cupy.ones(3), cupy.ones((3, 3)), transpose_a=True)


@pytest.mark.parametrize("shape", [(6, 6), (2, 6, 6)], ids=str)
def test_matmul_writes_where_it_is_told(cupy, kernels, shape):
    a, b = (cupy.asarray(generator.normal(size=shape)) for _ in range(2))
    for out in layouts(cupy, np.zeros(shape)):
        assert kernels.matmul(a, b, out=out) is out
        assert_near(out.get(), a.get() @ b.get(), 1e-14)


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("transpose", [False, True])
def test_matmul_may_write_over_what_it_multiplies(cupy, kernels, operand, transpose):
    numbers = cupy.asarray(generator.normal(size=(8, 6)))
    operands = [cupy.asarray(generator.normal(size=(6, 6))) for _ in range(2)]
    operands[operand] = numbers[2:]
    a, b = (one.get() for one in operands)
    out = numbers[1:-1]  # overlaps, and is not the same
    assert kernels.matmul(*operands, transpose_b=transpose, out=out) is out
    assert_near(out.get(), a @ (b.T if transpose else b), 1e-13)


@pytest.mark.usefixtures("without_reference")
@every_dtype
@every_activation
@pytest.mark.parametrize(("shape", "units"), DENSE, ids=str)
def test_dense(cupy, kernels, shape, units, activation, dtype):
    x, kernel, bias = normal(shape, dtype), normal((shape[-1], units), dtype), normal(units, dtype)
    expected = exactly(reference.dense_with_preactivation, x, kernel, bias, activation)
    y = run(cupy, kernels.dense, x, kernel, bias, activation)
    both = run(cupy, kernels.dense_with_preactivation, x, kernel, bias, activation)
    assert y.dtype == both[0].dtype == both[1].dtype == dtype
    assert_near(y, expected[0], 4 * TOLERANCE[dtype])
    assert_near(both, expected, 4 * TOLERANCE[dtype])


@every_activation
def test_dense_of_any_layout(cupy, kernels, activation):
    x, kernel, bias = (generator.normal(size=shape) for shape in ((2, 3, 17), (17, 33), (33,)))
    expected = reference.dense_with_preactivation(x, kernel, bias, activation)
    for given in itertools.product(*(layouts(cupy, one) for one in (x, kernel, bias))):
        assert_near(run(cupy, kernels.dense, *given, activation), expected[0], 1e-14)
        both = run(cupy, kernels.dense_with_preactivation, *given, activation)
        assert_near(both, expected, 1e-14)


EDGES = [0, 1e-30, 1e-3, 0.3, 1, 3, 5.5, 9, 14, 40, 90, 800, 1e5, np.inf]


@every_dtype
@every_activation
def test_dense_far_from_zero(cupy, kernels, activation, dtype):
    x = np.array([*EDGES, np.nan, *(-edge for edge in EDGES)], dtype)[:, None]
    kernel, bias = np.ones((1, 1), dtype), np.zeros(1, dtype)
    with np.errstate(all="ignore"):
        expected = exactly(reference.dense, x, kernel, bias, activation)
        y = run(cupy, kernels.dense, x, kernel, bias, activation)
        both = run(cupy, kernels.dense_with_preactivation, x, kernel, bias, activation)
    tolerance = 20 * TOLERANCE[dtype]  # an exponential magnifies the rounding of its argument
    smallest = np.finfo(dtype).tiny
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=smallest)
    np.testing.assert_array_equal(both[0], y)
    np.testing.assert_array_equal(both[1], x)


@pytest.mark.usefixtures("without_reference")
@every_dtype
@every_activation
@pytest.mark.parametrize(("shape", "units"), [*DENSE, ((700, 2), 33)], ids=str)
def test_dense_gradient(cupy, kernels, shape, units, activation, dtype):
    given, expected = gradient_case(shape, units, activation, dtype)
    for wanted in itertools.product([False, True], repeat=3):
        found = run(cupy, kernels.dense_gradient, wanted, *given, activation)
        assert all(one is None or one.dtype == dtype for one in found)
        those = tuple(one if want else None for one, want in zip(expected, wanted, strict=True))
        assert_near(found, those, 4 * TOLERANCE[dtype])


@every_activation
def test_dense_gradient_of_any_layout(cupy, kernels, activation):
    given, expected = gradient_case((2, 3, 17), 33, activation, np.float64)
    for those in zip(*(layouts(cupy, one) for one in given), strict=True):
        found = run(cupy, kernels.dense_gradient, (True, True, True), *those, activation)
        assert_near(found, expected, 1e-13)


@every_dtype
@every_activation
def test_dense_gradient_far_from_zero(cupy, kernels, activation, dtype):
    z = np.array([*EDGES, *(-edge for edge in EDGES)], dtype)[None]
    kernel = np.eye(z.shape[1], dtype=dtype)
    saved = z if activation.startswith("gelu") else reference._ACTIVATIONS[activation](z)
    given = (np.ones_like(z), saved, np.ones_like(z), kernel)
    wanted = (True, False, True)
    expected = exactly(reference.dense_gradient, wanted, *given, activation=activation)
    found = run(cupy, kernels.dense_gradient, wanted, *given, activation=activation)
    tolerance = 20 * TOLERANCE[dtype]
    # In 1 - y² NumPy rounds y² first, to half of the last digit of 1; a GPU need not.
    is_rounded = activation == "tanh" and dtype == np.float64
    least = np.finfo(dtype).eps if is_rounded else np.finfo(dtype).tiny
    for one, other in zip(found, expected, strict=True):
        if other is not None:
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=least)


@every_activation
def test_nan_and_infinity_go_through_as_in_the_reference(cupy, kernels, activation):
    g = np.array([[np.nan, np.inf, -np.inf, 1.0], [1.0, 1.0, 1.0, 1.0]])
    saved = np.array([[0.5, 0.5, 0.0, 0.5], [np.nan, 0.5, 0.5, 0.5]])
    given = (g, saved, np.ones((2, 1)), np.zeros((1, 4)))
    with np.errstate(invalid="ignore"):
        expected = reference.dense_gradient((False, True, True), *given, activation)
        found = run(cupy, kernels.dense_gradient, (False, True, True), *given, activation)
    for one, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def gradient_case(shape, units, activation, dtype):
    """Arguments of `dense_gradient`, and what it gives in float64."""
    x, kernel, bias = normal(shape, dtype), normal((shape[-1], units), dtype), normal(units, dtype)
    y, z = reference.dense_with_preactivation(x, kernel, bias, activation)
    saved = z if activation.startswith("gelu") else y
    given = (normal(y.shape, dtype), saved, x, kernel)
    every = (True, True, True)
    return given, exactly(reference.dense_gradient, every, *given, activation=activation)


@pytest.mark.usefixtures("without_reference")
@every_dtype
@pytest.mark.parametrize(
    "shape",
    [
        (0, 3),
        (3, 0),
        (1, 1),
        (1, 33),
        (17, 3),
        (255, 31),
        (256, 32),
        (257, 33),
        (513, 130),
        (66000, 2),
    ],
    ids=str,
)
def test_column_sums(cupy, kernels, shape, dtype):
    rows = 1 + normal(shape, dtype)
    for those in layouts(cupy, rows):
        sums = run(cupy, kernels.column_sums, those)
        assert sums.dtype == dtype
        exact = rows.sum(axis=0, dtype=np.longdouble)
        magnitude = np.abs(rows).sum(axis=0, dtype=np.longdouble)
        assert np.all(np.abs(sums - exact) <= 2 * np.finfo(dtype).eps * magnitude)


def test_long_columns_lose_no_digits(cupy, kernels, monkeypatch):
    """All rows in one chunk, as they are in each of 256 where there are so many more."""
    rows = generator.uniform(0.5, 1, size=(2_000_000, 1)).astype(np.float32)
    monkeypatch.setattr(kernels, "LEAST_ROWS", len(rows))
    exact = rows.sum(dtype=float)
    sums = run(cupy, kernels.column_sums, rows)
    assert abs(sums[0] - exact) <= np.finfo(np.float32).eps * exact


def test_the_sums_are_an_array_of_their_own(cupy, kernels):
    rows = cupy.ones((1, 4))
    kernels.column_sums(rows)[:] = 2
    assert (rows.get() == 1).all()


def test_column_sums_of_what_is_not_finite(cupy, kernels):
    a = np.ones((900, 3))
    a[1] = np.nan, np.inf, -np.inf
    a[702, 2] = np.inf
    np.testing.assert_array_equal(run(cupy, kernels.column_sums, a), [np.nan, np.inf, np.nan])


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_what_has_no_cuda_kernel_is_computed_by_the_reference(cupy, kernels, activation):
    x, kernel = normal((5, 3), np.float16), normal((3, 4), np.float16)
    bias, g = normal(4, np.float16), normal((5, 4), np.float16)
    y, z = run(cupy, kernels.dense_with_preactivation, x, kernel, bias, activation)
    assert y.dtype == z.dtype == np.float16
    assert_near(
        (y, z), exactly(reference.dense_with_preactivation, x, kernel, bias, activation), 4e-3
    )
    given = (g, z if activation == "gelu" else y, x, kernel)
    found = run(cupy, kernels.dense_gradient, (True, True, True), *given, activation)
    expected = exactly(reference.dense_gradient, (True, True, True), *given, activation=activation)
    assert_near(found, expected, 1e-2)
    one_bias = run(
        cupy, kernels.dense, x.astype(float), kernel.astype(float), np.ones(1), activation
    )
    assert_near(one_bias, exactly(reference.dense, x, kernel, np.ones(1), activation), 1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda kernels, x: kernels.dense(x, x, x[0], "swish"),
        lambda kernels, x: kernels.dense_with_preactivation(x, x, x[0], "swish"),
        lambda kernels, x: kernels.dense_gradient((True,) * 3, x, x, x, x, "swish"),
    ],
)
def test_an_activation_that_dense_does_not_know(cupy, kernels, call):
    with pytest.raises(ValueError, match=r"^dense.* knows the activations .* got 'swish'"):
        call(kernels, cupy.ones((2, 2)))
