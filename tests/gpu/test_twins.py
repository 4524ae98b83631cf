"""Every kernel on arrays of the GPU: the names and arguments of its twin, and the same numbers."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from nnscratch_kernels import auto, numpy_kernels, which
from nnscratch_kernels.devices import is_on_gpu
from nnscratch_kernels.laboratory import cases
from nnscratch_kernels.laboratory.cases.declaring import arrays_of, converted
from nnscratch_kernels.subjects import kernel_names
from tests.gpu.on_device import arrays_of as arrays_in
from tests.kernels.test_cases import assert_alike

GPU = "gpu:0"
every_case = pytest.mark.parametrize("name", sorted(cases.recipes()))


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels import cupy_kernels

    return cupy_kernels


def test_which_says_what_runs_on_the_gpu(cupy):
    x = cupy.ones(3, np.float32)
    assert which("gelu", x) == ("cupy", "The array is on gpu:0, for which gelu has a CUDA kernel.")
    assert which("global_norm", [x, x]).implementation == "cupy"
    assert "sparsemax has no CUDA kernel of its own" in which("sparsemax", x).reason


def test_every_kernel_of_the_gpu_has_a_twin_with_the_same_arguments(kernels):
    names = set(kernel_names(kernels.__name__, kernels.SUBJECTS))
    assert names == set(dir(kernels))  # so each of them is in dir(numpy_kernels)
    for name in names:
        twin, own = (
            [(it.name, it.kind, it.default) for it in inspect.signature(kernel).parameters.values()]
            for kernel in (getattr(numpy_kernels, name), getattr(kernels, name))
        )
        assert own == twin, name


@every_case
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("count", [1, 300])
def test_it_gives_on_the_gpu_what_it_gives_on_the_cpu(kernels, name, dtype, count):
    case = cases.make_case(name, count, dtype)
    assert_alike(*both(kernels, case.on(GPU), case), dtype)


@every_case
def test_matrices_in_fortran_order_give_the_same(cupy, kernels, name):
    case = cases.make_case(name, 60, "d")
    there = with_arrays(case.on(GPU), cupy.asfortranarray)
    assert_alike(*both(kernels, there, case), "d")


@pytest.mark.parametrize("name", sorted(set(cases.recipes()) - {"to_bfloat16"}))  # float32 alone
def test_float16_gives_the_same(kernels, name):
    case = with_arrays(
        cases.make_case(name, 60), lambda it: it.astype("e") if it.dtype.kind == "f" else it
    )
    with np.errstate(over="ignore"):  # an intermediate result may, on both
        found, expected = both(kernels, case.on(GPU), case)
    for one, other in zip(found, expected, strict=True):
        largest = np.abs(other[np.isfinite(other)]).max(initial=0)
        np.testing.assert_allclose(one, other, rtol=5e-3, atol=5e-3 * largest)


@every_case
def test_nothing_goes_to_the_host_or_comes_from_there(kernels, host_copies, name):
    case = cases.make_case(name, 60).on(GPU)
    kernel = dispatched(kernels, case)
    case.run(kernel)  # what is made once may be brought there
    with host_copies() as counted:
        case.run(kernel)
    assert counted == type(counted)()


def with_arrays(case, convert):
    """The case with every array converted."""
    return replace(case, arguments=converted(case.arguments, convert))


def both(kernels, there, case):
    """What a call gives on the GPU, and what the reference gives on the CPU."""
    found = on_gpu(kernels, there)
    expected = case.run(getattr(numpy_kernels, case.recipe.kernel))
    assert [array.dtype for array in found] == [array.dtype for array in expected]
    return found, expected


def on_gpu(kernels, case):
    """Results that are all on the GPU, copied from there."""
    kernel, on_host = dispatched(kernels, case), []

    def watched(*arguments, **options):
        results = kernel(*arguments, **options)
        on_host.extend(arrays_in(results, np.ndarray | np.generic | float))
        return results

    found = case.run(watched)
    assert not on_host
    return [array.get() for array in found]


def dispatched(kernels, case):
    """What runs where an array says that it is on the GPU; else the kernel of the GPU by name."""
    has_arrays = any(is_on_gpu(argument) for argument in arrays_of(case.arguments))
    return getattr(auto if has_arrays else kernels, case.recipe.kernel)
