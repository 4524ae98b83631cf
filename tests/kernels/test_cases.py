"""Every kernel has a case; on it Numba's version equals NumPy's, and PyTorch's gives the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory import cases, contestants

TOLERANCE = {"f": 2e-5, "d": 1e-12}
ROUNDED_BY_PYTORCH = {"hard_sigmoid_gradient"}  # its 1/6 is a float32 even for float64
COMPILED = [
    name for name, it in cases.recipes().items() if it.kernel in contestants.compiled_kernels()
]
IN_TORCH = [
    name for name in cases.recipes() if contestants.same_numbers(cases.make_case(name, 1), "torch")
]


def assert_alike(found, expected, dtype):
    """Equal but for rounding, which is relative to the largest element where sums cancel."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        largest = np.abs(other[np.isfinite(other)]).max(initial=0)
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * largest)


def test_every_kernel_has_a_case_of_its_name():
    assert sorted({it.kernel for it in cases.recipes().values()}) == cases.kernels()
    assert set(cases.kernels()) <= set(cases.recipes())


def test_helpers_are_no_kernels():
    assert set(dir(numpy_kernels)) >= cases.HELPERS


def test_every_compiled_kernel_has_a_reference():
    from nnscratch_kernels import numba_kernels

    assert set(contestants.compiled_kernels()) <= set(cases.kernels())
    assert set(contestants.compiled_kernels()) <= set(dir(numba_kernels))


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", COMPILED)
def test_numba_equals_numpy(name, dtype):
    case = cases.make_case(name, 5000, dtype)
    expected = case.run(contestants.implementation(case.recipe.kernel, "numpy"))
    found = case.run(contestants.implementation(case.recipe.kernel, "numba"))
    assert [array.dtype for array in found] == [array.dtype for array in expected]
    assert_alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", IN_TORCH)
def test_pytorch_gives_the_same(name, dtype):
    case = cases.make_case(name, 2000, dtype)
    expected = case.run(contestants.implementation(case.recipe.kernel, "numpy"))
    results = contestants.peer(case, "torch")()
    results = results if isinstance(results, tuple | list) else [results]
    found = [torch.as_tensor(result).numpy() for result in results]
    assert_alike(found, expected, "f" if name in ROUNDED_BY_PYTORCH else dtype)


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
@pytest.mark.parametrize("name", sorted(cases.recipes()))
def test_a_case_is_the_same_every_time_and_knows_what_it_costs(name, count):
    case, again = cases.make_case(name, count), cases.make_case(name, count)
    for array, same in zip(case.run(_the_arguments), again.run(_the_arguments), strict=True):
        np.testing.assert_array_equal(array, same)
    assert case.operations >= 0
    assert case.bytes_moved > 0
    assert 1 <= case.size <= 12 * count + 200


def _the_arguments(*arguments, **options):
    return arguments


def test_a_call_works_on_copies():
    case = cases.make_case("adam_step", 10)
    before = case.arguments[0].copy()
    case.call(numpy_kernels.adam_step)()
    case.run(numpy_kernels.adam_step)
    np.testing.assert_array_equal(case.arguments[0], before)


@pytest.mark.parametrize("name", ["gelu", "dropout_mask", "clip_by_global_norm", "dense_gradient"])
def test_a_size_is_what_dispatch_counts(name):
    assert 9000 <= cases.make_case(name, 10_000).size <= 11_000


def test_every_array_counts_once_in_the_bytes():
    assert cases.make_case("relu", 1000, np.float64).bytes_moved == 2 * 8000
    assert cases.make_case("adam_step", 1000).bytes_moved == 7 * 4000
    assert cases.make_case("matmul", 100).bytes_moved == 3 * 400
    assert cases.make_case("gelu_gradient", 1000).bytes_moved == 3 * 4000
