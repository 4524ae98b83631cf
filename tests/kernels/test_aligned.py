"""Large arrays begin at a cache line, those that are made and those that kernels give."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch_kernels import aligned, numba_kernels
from nnscratch_kernels.laboratory import cases, contestants
from nnscratch_kernels.laboratory.cases.declaring import arrays_of

COMPILED = contestants.compiled_kernels()
OF_NUMPY = {  # cases that no loop is compiled for
    "dense",
    "dense_gradient",
    "dense_with_preactivation",
    *(f"dense_with_preactivation ({activation})" for activation in ("relu", "sigmoid", "tanh")),
    "relu (leaky, with a ceiling)",
    "relu_gradient (leaky, with a ceiling)",
}
SMALL = {  # kernels that give a number, sums, indices or bits, or change their arrays
    "argmax",
    "column_sums",
    "conv2d_gradient_kernel",
    "dropout_mask",
    "global_norm",
    "mean_binary_crossentropy_from_logits",
    "mean_softmax_crossentropy",
    "mean_sparse_softmax_crossentropy",
    "mean_squared_error",
    "row_sums",
    "softmax_crossentropy",
    "sparse_softmax_crossentropy",
    "top_k",
    *(name for name in COMPILED if name.endswith("_step")),
}
CASES = sorted(
    name
    for name, recipe in cases.recipes().items()
    if recipe.kernel in COMPILED and name not in OF_NUMPY
)


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (5, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, np.bool_])
@pytest.mark.parametrize("make", [aligned.empty, aligned.zeros, aligned.sums])
def test_small_arrays_are_as_numpy_makes_them(make, dtype, shape):
    array = make(shape, np.dtype(dtype))
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.flags.owndata
    assert make is aligned.empty or not array.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
@pytest.mark.parametrize("make", [aligned.empty, aligned.zeros, aligned.sums])
def test_large_arrays_begin_at_a_cache_line(make, dtype):
    kept = [make((3, more + (1 << 18)), np.dtype(dtype)) for more in range(9)]  # here and there
    for array in kept:
        assert address(array) % aligned.LINE == 0
        assert array.flags.carray
        assert make is aligned.empty or not array.any()
        array.fill(1)  # the memory is its own
    assert all(array.min() == 1 for array in kept)


def test_sums_begin_at_a_cache_line_sooner():
    kept = [aligned.sums((2, 512 + more), np.dtype(np.float32)) for more in range(9)]
    assert all(address(array) % aligned.LINE == 0 for array in kept)


@pytest.mark.parametrize("count", [10, 1 << 18])
def test_like_another(count):
    like = np.arange(count, dtype=np.float32)[::-1].reshape(2, -1).T
    array = aligned.empty_like(like)
    assert (array.shape, array.dtype) == (like.shape, like.dtype)
    assert array.flags.c_contiguous
    assert count == 10 or address(array) % aligned.LINE == 0


@pytest.mark.parametrize("count", [10, 1 << 18])
def test_like_another_with_numbers(count):
    like = np.arange(count, dtype=np.float32).reshape(2, -1)
    np.testing.assert_array_equal(aligned.full_like(like, 3), np.full_like(like, 3))
    copied = aligned.full_like(like, like)
    np.testing.assert_array_equal(copied, like)
    assert not np.shares_memory(copied, like)


@pytest.mark.parametrize("name", CASES)
def test_large_results_of_kernels_begin_at_a_cache_line(name):
    count = 1 << 21 if "pool2d" in name else 1 << 19  # a quarter of it is left
    case = cases.make_case(name, count, "float32")
    results = case.call(getattr(numba_kernels, case.recipe.kernel))()
    large = [it for it in arrays_of(results) if it.nbytes >= aligned.LARGE]
    assert bool(large) == (case.recipe.kernel not in SMALL)
    assert [address(it) % aligned.LINE for it in large] == [0] * len(large)
