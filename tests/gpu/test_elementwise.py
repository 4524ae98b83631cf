"""The CUDA activations, gradients and special functions against their NumPy twins in float64."""

from __future__ import annotations

from inspect import isfunction, signature
from typing import Any

import numpy as np
import pytest

from nnscratch_kernels import numpy_kernels
from tests.gpu.on_device import as_seen
from tests.kernels.activation_cases import DTYPES, ELEMENTWISE, case, inputs, torch_gradient
from tests.kernels.numba.elementwise_checks import assert_close, edges

MODULES = ["activation_functions", "activation_gradients", "special_functions"]
# f(x) - x and the like cancel near zero.
CANCELS = {"tanh_shrink", "soft_shrink"}
# CuPy's own functions take one pass: these have no CUDA kernel of ours.
ONE_PASS = {"tanh", "exponential_gradient", "linear_gradient"}
ACTIVATIONS = [one for one in ELEMENTWISE if one.name not in ONE_PASS]
RELU_OPTIONS = [
    case("relu", None, threshold=1.0),
    case("relu", None, threshold=-1.0, max_value=3.0),
    case("relu", None, negative_slope=0.3, threshold=0.5, max_value=2.0),
    case("relu", None, negative_slope=0.1),
]
SIZES = [0, 1, 2, 255, 256, 257, 1023, 5000]

every_activation = pytest.mark.parametrize("case", ACTIVATIONS, ids=str)
every_gradient = pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def kernels(cupy: Any) -> Any:
    """The kernels of the GPU, which import `cupy`."""
    from nnscratch_kernels import cupy_kernels

    return cupy_kernels


@pytest.fixture
def on_gpu(cupy: Any, kernels: Any) -> Any:
    """A kernel, called with NumPy arrays, on copies of them on the GPU that must stay the same."""

    def call(name: str, *arrays: Any, **options: Any) -> Any:
        there = [None if array is None else cupy.asarray(array) for array in arrays]
        result = getattr(kernels, name)(*there, **options)
        assert isinstance(result, cupy.ndarray)
        for array, copy in zip(arrays, there, strict=True):
            if array is not None:
                np.testing.assert_array_equal(copy.get(), array)
        return result.get()

    return call


def cotangent(x: Any) -> Any:
    return np.random.default_rng(1).standard_normal(x.shape).astype(x.dtype)


def in_double(*arrays: Any) -> list[Any]:
    return [array.astype(np.float64) for array in arrays]


def test_every_elementwise_kernel_is_here(kernels):
    for one in ELEMENTWISE:
        for name in (one.name, f"{one.name}_gradient"):
            assert hasattr(kernels, name) == (name not in ONE_PASS), name


@pytest.mark.parametrize("module", MODULES)
def test_signatures_are_those_of_the_twins(kernels, module):
    package = f"nnscratch_kernels.cupy_kernels.{module}"
    found = {
        name: kernel
        for name, kernel in vars(__import__(package, fromlist=["_"])).items()
        if isfunction(kernel) and kernel.__module__ == package and not name.startswith("_")
    }
    assert found
    for name, kernel in found.items():
        assert signature(kernel) == signature(getattr(numpy_kernels, name)), name


@every_dtype
@pytest.mark.parametrize("case", ACTIVATIONS + RELU_OPTIONS, ids=str)
def test_activation(on_gpu, case, dtype):
    x = inputs(dtype)
    y = on_gpu(case.name, x, **case.parameters)
    assert y.dtype == dtype
    expected = getattr(numpy_kernels, case.name)(*in_double(x), **case.parameters)
    cancelled = x if case.name in CANCELS or case in RELU_OPTIONS else 0
    assert_close(y, expected, cancelled, steep=case.name == "gelu")


@every_dtype
@pytest.mark.parametrize("case", ELEMENTWISE + RELU_OPTIONS, ids=str)
def test_gradient(on_gpu, case, dtype):
    name = f"{case.name}_gradient"
    x = inputs(dtype)
    g, y = cotangent(x), getattr(numpy_kernels, case.name)(x, **case.parameters)
    gradient = on_gpu(name, g, x, y, **case.parameters)
    assert gradient.dtype == dtype
    expected = getattr(numpy_kernels, name)(*in_double(g, x, y), **case.parameters)
    # A slope that goes through zero is a difference of numbers below 1.1.
    assert_close(gradient, expected, cancelled=8 * g)


@pytest.fixture
def without_twins(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs is a CUDA kernel of ours: calls of the reference fail."""
    for module in MODULES:
        package = f"nnscratch_kernels.cupy_kernels.{module}"
        monkeypatch.setattr(__import__(package, fromlist=["_"]), "reference", None)


@pytest.mark.usefixtures("without_twins")
@pytest.mark.parametrize("case", ELEMENTWISE + RELU_OPTIONS, ids=str)
def test_none_stands_for_an_array_that_is_not_read(on_gpu, case):
    if case.name not in ONE_PASS:
        on_gpu(case.name, inputs(np.float32, count=20), **case.parameters)
    x = inputs(np.float64, count=20)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    arrays = [x, x, y]
    if case.name in {"relu6", "tanh", "sigmoid"} or (case.name, case.parameters) == ("relu", {}):
        arrays[1] = None
    elif case.name != "squareplus":
        arrays[2] = None
    name = f"{case.name}_gradient"
    expected = getattr(numpy_kernels, name)(x, x, y, **case.parameters)
    assert_close(on_gpu(name, *arrays, **case.parameters), expected, cancelled=8 * x)


@every_dtype
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions(on_gpu, name, dtype):
    x = inputs(dtype)
    expected = getattr(numpy_kernels, name)(*in_double(x))
    assert_close(on_gpu(name, x), expected, steep=True)


@every_dtype
@every_gradient
def test_activation_and_gradient_are_those_of_pytorch(on_gpu, case, dtype):
    x = inputs(dtype, count=80)
    g = cotangent(x)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    if case in ACTIVATIONS:
        y = on_gpu(case.name, x, **case.parameters)
    gradient = on_gpu(f"{case.name}_gradient", g, x, y, **case.parameters)
    expected, expected_gradient = torch_gradient(case, *in_double(x, g))
    rounded = dtype == np.float32 or case.name in {"hard_sigmoid", "hard_silu"}
    tolerance = {"rtol": 2e-6, "atol": 3e-7} if rounded else {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(y, expected, **tolerance)
    np.testing.assert_allclose(gradient, expected_gradient, **tolerance)


@every_dtype
@pytest.mark.parametrize("case", ELEMENTWISE + RELU_OPTIONS, ids=str)
def test_edges(on_gpu, case, dtype):
    """Infinities, NaN, subnormal and huge numbers go where NumPy sends them."""
    x = edges(dtype)
    g = np.full_like(x, 3)
    with np.errstate(all="ignore"):
        y = getattr(numpy_kernels, case.name)(x, **case.parameters)
        seen = as_seen(x), as_seen(y)
        expected = getattr(numpy_kernels, f"{case.name}_gradient")(g, *seen, **case.parameters)
    if case.name not in ONE_PASS:
        cancelled = x if case.name in CANCELS or case in RELU_OPTIONS else 0
        assert_close(on_gpu(case.name, x, **case.parameters), y, cancelled)
    found = on_gpu(f"{case.name}_gradient", g, x, y, **case.parameters)
    assert_close(found, expected, cancelled=8 * g)


@every_dtype
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_edges_of_error_functions(on_gpu, name, dtype):
    with np.errstate(all="ignore"):
        expected = getattr(numpy_kernels, name)(edges(dtype))
    assert_close(on_gpu(name, edges(dtype)), expected)


@pytest.mark.parametrize("case", ELEMENTWISE + RELU_OPTIONS, ids=str)
def test_cotangents_that_are_not_finite(on_gpu, case):
    x = np.linspace(-4, 4, 12)
    y = getattr(numpy_kernels, case.name)(x, **case.parameters)
    g = np.resize([np.nan, np.inf, -np.inf], 12)
    with np.errstate(invalid="ignore"):
        expected = getattr(numpy_kernels, f"{case.name}_gradient")(g, x, y, **case.parameters)
    found = on_gpu(f"{case.name}_gradient", g, x, y, **case.parameters)
    np.testing.assert_array_equal(found, expected)


@every_dtype
@pytest.mark.parametrize("size", SIZES)
def test_sizes(on_gpu, size, dtype):
    """Around threads, blocks and the tiles of blocks; kernels of one, two and three inputs."""
    x = np.linspace(-9, 9, size).astype(dtype)
    g, y = cotangent(x), numpy_kernels.squareplus(x)
    for name, arrays in (
        ("silu", (x,)),
        ("silu_gradient", (g, x, None)),
        ("tanh_gradient", (g, None, np.tanh(x))),
        ("squareplus_gradient", (g, x, y)),
    ):
        expected = getattr(numpy_kernels, name)(*arrays)
        assert_close(on_gpu(name, *arrays), expected, cancelled=g)


def test_a_grid_that_is_smaller_than_the_array(on_gpu, monkeypatch):
    """Each block then takes several tiles."""
    from nnscratch_kernels.cupy_kernels import elementwise

    monkeypatch.setattr(elementwise, "MOST_BLOCKS", 2)
    for size in (2048, 2049, 4096, 7001):
        x = np.linspace(-9, 9, size)
        assert_close(on_gpu("silu", x), numpy_kernels.silu(x))


def views(cupy: Any, array: Any) -> list[Any]:
    """The same numbers on the GPU, laid out in every way, and at an odd place in memory."""
    x = cupy.asarray(array)
    shifted = cupy.empty(x.size + 1, x.dtype)[1:].reshape(x.shape)
    shifted[...] = x
    backwards = cupy.ascontiguousarray(x[::-1, :, ::-1])[::-1, :, ::-1]
    turned = cupy.ascontiguousarray(x.transpose(1, 2, 0)).transpose(2, 0, 1)
    wide = cupy.repeat(x, 2, axis=-1)[..., ::2]
    return [x, cupy.asfortranarray(x), wide, backwards, turned, shifted]


@every_dtype
def test_layouts_of_one_array(cupy, kernels, dtype):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(dtype)
    expected = numpy_kernels.silu(x)
    for array in views(cupy, x):
        assert_close(kernels.silu(array).get(), expected)
        np.testing.assert_array_equal(array.get(), x)


@every_dtype
def test_layouts_of_three_arrays(cupy, kernels, dtype):
    """Each argument in each layout: elements would be mixed up by a ravel of one."""
    g, x, y = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(dtype)
    expected = numpy_kernels.squareplus_gradient(g, x, y)
    for first in views(cupy, g):
        for second, third in zip(views(cupy, x), views(cupy, y)[::-1], strict=True):
            assert_close(kernels.squareplus_gradient(first, second, third).get(), expected)


def test_fortran_order_stays(cupy, kernels):
    x = cupy.asarray(np.random.default_rng(0).normal(size=(3, 4)))
    y = kernels.silu(cupy.asfortranarray(x))
    assert y.flags.f_contiguous
    assert kernels.silu(x).flags.c_contiguous
    np.testing.assert_array_equal(y.get(), kernels.silu(x).get())
    mixed = kernels.silu_gradient(cupy.asfortranarray(x), x, None)
    assert mixed.flags.c_contiguous
    np.testing.assert_array_equal(mixed.get(), kernels.silu_gradient(x, x, None).get())


@every_dtype
def test_arrays_without_axes_and_without_elements(on_gpu, dtype):
    y = on_gpu("silu", np.array(0.7, dtype))
    assert (y.shape, y.dtype) == ((), dtype)
    assert_close(y, numpy_kernels.silu(np.array([0.7], dtype)).reshape(()))
    empty = on_gpu("silu", np.zeros((3, 0, 2), dtype))
    assert (empty.shape, empty.dtype) == ((3, 0, 2), dtype)


@every_activation
def test_half_precision_is_the_twins(on_gpu, case):
    """No kernel is compiled for it: CuPy runs the reference's steps."""
    x = inputs(np.float16)
    with np.errstate(all="ignore"):
        y = getattr(numpy_kernels, case.name)(x, **case.parameters)
        expected = getattr(numpy_kernels, f"{case.name}_gradient")(x, x, y, **case.parameters)
        found = on_gpu(case.name, x, **case.parameters)
        gradient = on_gpu(f"{case.name}_gradient", x, x, y, **case.parameters)
    assert found.dtype == gradient.dtype == np.float16
    np.testing.assert_allclose(found, y, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "erf", "erfc"])
def test_integers_are_the_twins(on_gpu, name):
    x = np.arange(-3, 4)
    found, expected = on_gpu(name, x), getattr(numpy_kernels, name)(x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_must_be_broadcast_or_cast_is_the_twins(on_gpu):
    g, x = np.random.default_rng(0).normal(size=(4, 1)), np.linspace(-1, 1, 3)
    for one, other in ((g, x), (g.astype(np.float32), g)):
        found, expected = (
            call(one, other, None)
            for call in (
                lambda *arrays: on_gpu("silu_gradient", *arrays),
                numpy_kernels.silu_gradient,
            )
        )
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("alpha", [-0.5, 1e-30])
def test_celu_of_any_scale(on_gpu, alpha):
    x = np.linspace(-4, 4, 9)
    with np.errstate(all="ignore"):
        for name, arrays in (("celu", (x,)), ("celu_gradient", (x, x, None))):
            expected = getattr(numpy_kernels, name)(*arrays, alpha=alpha)
            np.testing.assert_allclose(on_gpu(name, *arrays, alpha=alpha), expected, rtol=1e-14)


@pytest.mark.parametrize("b", [1e-60, 1e-8, 1e30])
def test_squareplus_of_any_roundness(on_gpu, b):
    x = edges(np.float32)
    with np.errstate(all="ignore"):
        assert_close(on_gpu("squareplus", x, b=b), numpy_kernels.squareplus(x, b))
        expected = numpy_kernels.squareplus_gradient(x, x, np.abs(x), b)
        assert_close(on_gpu("squareplus_gradient", x, x, np.abs(x), b=b), expected)


@every_activation
def test_two_runs_give_the_same_bits(on_gpu, case):
    x = inputs(np.float32)
    first, second = (on_gpu(case.name, x, **case.parameters).tobytes() for _ in range(2))
    assert first == second


@every_gradient
def test_nothing_goes_to_the_host(cupy, kernels, host_copies, case):
    x = cupy.asarray(inputs(np.float32))
    with host_copies() as counted:
        getattr(kernels, f"{case.name}_gradient", lambda *_, **__: 0)(x, x, x, **case.parameters)
        getattr(kernels, case.name, lambda *_, **__: 0)(x, **case.parameters)
    assert counted == type(counted)()  # neither copies nor waits
