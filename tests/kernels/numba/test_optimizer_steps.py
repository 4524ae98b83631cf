"""The compiled steps against NumPy's, bit for bit, and the factors that both fold in."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
import pytest

import nnscratch_kernels.numba_kernels.optimizer_steps as compiled
import nnscratch_kernels.numpy_kernels.optimizer_steps as reference
from nnscratch_kernels import set_thread_count, thread_count

generator = np.random.default_rng(0)

SGD = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}
RMSPROP = {"learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3}
ADAM = {"step": 3, "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7}
NADAM = ADAM | {"decay": 0.49, "next_decay": 0.48, "decay_product": 0.3}
FTRL = {
    "learning_rate": 0.1,
    "learning_rate_power": -0.5,
    "l1": 0.2,
    "l2": 0.1,
    "l2_shrinkage": 0.05,
    "beta": 0.3,
}

# The step; its slots: None where there is none, 0 for numbers of both signs, 1 for positive ones, 9
# for a mean of squares that no mean exceeds; and its numbers.
STEPS: dict[str, tuple[str, list[int | None], dict[str, Any]]] = {
    "sgd": ("sgd_step", [None], SGD),
    "momentum": ("sgd_step", [0], SGD),
    "nesterov": ("sgd_step", [0], SGD | {"nesterov": True}),
    "rmsprop": ("rmsprop_step", [1, None, None], RMSPROP),
    "rmsprop-momentum": ("rmsprop_step", [1, None, 0], RMSPROP),
    "centered": ("rmsprop_step", [9, 0, None], RMSPROP),
    "centered-momentum": ("rmsprop_step", [9, 0, 0], RMSPROP),
    "adam": ("adam_step", [0, 1, None], ADAM),
    "amsgrad": ("adam_step", [0, 1, 1], ADAM),
    "adagrad": ("adagrad_step", [1], {"learning_rate": 0.1, "epsilon": 1e-7}),
    "adadelta": ("adadelta_step", [1, 1], {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7}),
    "adamax": ("adamax_step", [0, 1], ADAM),
    "nadam": ("nadam_step", [0, 1], NADAM),
    "ftrl": ("ftrl_step", [1, 0], FTRL),
    "ftrl-other-power": ("ftrl_step", [1, 0], FTRL | {"learning_rate_power": -0.7}),
    "lion": ("lion_step", [0], {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.99}),
}

every_step = pytest.mark.parametrize(("name", "signs", "options"), STEPS.values(), ids=STEPS)


def buffers(size: int, signs: list[int | None], dtype: Any) -> list[Any]:
    """Values, gradients and slots of many magnitudes."""
    drawn = [None if s is None else generator.normal(size=size) for s in (0, 0, *signs)]
    drawn[1] *= 10.0 ** generator.integers(-5, 2, size)
    return [
        None if array is None else (abs(array) + sign**2 - 1 if sign else array).astype(dtype)
        for array, sign in zip(drawn, (0, 0, *signs), strict=True)
    ]


def copies(arrays: list[Any]) -> list[Any]:
    return [None if array is None else array.copy() for array in arrays]


def same_bits(arrays: list[Any], expected: list[Any]) -> bool:
    pairs = zip(arrays, expected, strict=True)
    return all(a is b is None or np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def test_every_step_has_a_twin():
    assert {name for name, _, _ in STEPS.values()} == {
        name for name in vars(reference) if name.endswith("_step")
    }
    for name, _, _ in STEPS.values():
        assert signature(getattr(compiled, name)) == signature(getattr(reference, name))


@every_step
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factors", [{}, {"value_factor": 0.99, "gradient_factor": 0.3}])
def test_several_steps_have_the_bits_of_numpy(name, signs, options, dtype, factors):
    """Sizes around vectors, the reference's blocks and the parts for threads."""
    for size in (0, 1, 7, 16, 33, 100, 32_769, 600_001):
        ours = buffers(size, signs, dtype)
        numpys = copies(ours)
        for _ in range(1 if size > 1000 else 3):
            assert getattr(compiled, name)(*ours, **options, **factors) is None
            getattr(reference, name)(*numpys, **options, **factors)
        assert same_bits(ours, numpys)


@every_step
def test_it_is_numpys_step_in_double_precision(name, signs, options):
    """Single precision strays from double no further than its rounding, so no formula is lost."""
    wide = buffers(1000, signs, np.float32)
    narrow = copies(wide)
    wide = [None if array is None else array.astype(np.float64) for array in wide]
    getattr(compiled, name)(*narrow, **options)
    getattr(reference, name)(*wide, **options)
    for array, expected in zip(narrow, wide, strict=True):
        if array is not None:
            scale = np.abs(expected).max()
            np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-5 * scale)


@every_step
@pytest.mark.parametrize("kernels", [reference, compiled])
@pytest.mark.parametrize("size", [10, 40_000])
def test_factors_are_passes_of_their_own(name, signs, options, kernels, size):
    ours = buffers(size, signs, np.float64)
    values, gradients, *slots = copies(ours)
    before = ours[1].copy()
    getattr(kernels, name)(*ours, **options, value_factor=0.9, gradient_factor=0.25)
    values *= 0.9
    getattr(kernels, name)(values, gradients * 0.25, *slots, **options)
    assert same_bits([ours[0], *ours[2:]], [values, *slots])
    np.testing.assert_array_equal(ours[1], before)


@every_step
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, 1e-42, -0.0])
def test_edge_values_go_where_numpy_lets_them(name, signs, options, bad):
    ours = buffers(40, signs, np.float32)
    for place, array in enumerate(ours):
        if array is not None:
            array[place] = bad if np.isnan(bad) or place < 2 else abs(bad)
    numpys = copies(ours)
    with np.errstate(all="ignore"):
        getattr(compiled, name)(*ours, **options)
        getattr(reference, name)(*numpys, **options)
    assert same_bits(ours, numpys)


@every_step
@pytest.mark.parametrize("gradient", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(name, signs, options, gradient):
    arrays = buffers(2, signs, np.float64)
    arrays[1][0] = gradient
    with np.errstate(all="ignore"):
        getattr(compiled, name)(*arrays, **options)
    # Lion takes a step of ±η even along an infinite gradient.
    assert np.isfinite(arrays[0][0]) == (name == "lion_step" and np.isinf(gradient))
    assert np.isfinite(arrays[0][1])


@every_step
def test_a_step_changes_its_stretch_and_nothing_else(name, signs, options):
    whole = [None if sign is None else np.ones(60) for sign in (0, 0, *signs)]
    stretch = [None if array is None else array[13:46] for array in whole]
    stretch[1][:] = 2
    getattr(compiled, name)(*stretch, **options)
    for array in whole:
        if array is not None:
            np.testing.assert_array_equal(np.delete(array, range(13, 46)), np.ones(27))
    assert (stretch[0] != 1).all()


@every_step
@pytest.mark.parametrize("kind", ["strided", "reversed", "half", "matrix"])
def test_what_the_loops_cannot_take_goes_to_numpy(name, signs, options, kind):
    arrays = buffers(24, signs, np.float16 if kind == "half" else np.float64)

    def laid_out(array: Any) -> Any:
        if array is None or kind == "half":
            return copies([array])[0]
        if kind == "matrix":
            return np.asfortranarray(array.reshape(4, 6))
        laid = np.zeros(48)[::2] if kind == "strided" else np.zeros(24)[::-1]
        laid[:] = array
        return laid

    ours, expected = [[laid_out(array) for array in arrays] for _ in range(2)]
    getattr(compiled, name)(*ours, **options)
    getattr(reference, name)(*expected, **options)
    assert same_bits(ours, expected)
    assert not np.array_equal(ours[0], laid_out(arrays[0]))


def test_mixed_dtypes_go_to_numpy():
    (values, expected), gradients = np.ones((2, 3), np.float32), np.full(3, 1 / 3)
    (momentum, expected_momentum) = np.ones((2, 3))
    compiled.sgd_step(values, gradients, momentum, **SGD)
    reference.sgd_step(expected, gradients, expected_momentum, **SGD)
    assert same_bits([values, momentum], [expected, expected_momentum])


def test_integers_as_numbers():
    values, expected = np.ones(5, np.float32), np.ones(5, np.float32)
    gradients = np.full(5, 0.1, np.float32)
    options = {"learning_rate": 1, "momentum": 0, "nesterov": False}
    compiled.sgd_step(values, gradients, None, **options)
    reference.sgd_step(expected, gradients, None, **options)
    np.testing.assert_array_equal(values, expected)


def test_threads_change_nothing():
    arrays = buffers(1_000_001, [0, 1, None], np.float32)
    before = thread_count()
    results = []
    try:
        for count in (1, 2, 3):
            set_thread_count(count)
            ours = copies(arrays)
            compiled.adam_step(*ours, **ADAM)
            results.append(ours)
    finally:
        set_thread_count(before)
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])
