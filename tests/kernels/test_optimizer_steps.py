"""The steps of the optimizers against their formulas, one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnscratch_kernels.numpy_kernels import optimizer_steps as kernels
from nnscratch_kernels.numpy_kernels.blocks import BLOCK_BYTES

DTYPES = [np.float32, np.float64]
generator = np.random.default_rng(0)


def sgd(w: float, g: float, s: dict[str, float], t: int, o: Any) -> tuple[float, dict[str, float]]:
    if "m" not in s:
        return w - o["learning_rate"] * g, s
    m = o["momentum"] * s["m"] - o["learning_rate"] * g
    step = o["momentum"] * m - o["learning_rate"] * g if o["nesterov"] else m
    return w + step, {"m": m}


def rmsprop(
    w: float, g: float, s: dict[str, float], t: int, o: Any
) -> tuple[float, dict[str, float]]:
    rho, new = o["rho"], dict(s)
    new["v"] = rho * s["v"] + (1 - rho) * g * g
    spread = new["v"]
    if "a" in s:
        new["a"] = rho * s["a"] + (1 - rho) * g
        spread -= new["a"] ** 2
    step = o["learning_rate"] * g / (spread + o["epsilon"]) ** 0.5
    if "m" in s:
        step = new["m"] = o["momentum"] * s["m"] + step
    return w - step, new


def adam(w: float, g: float, s: dict[str, float], t: int, o: Any) -> tuple[float, dict[str, float]]:
    b1, b2, new = o["beta_1"], o["beta_2"], dict(s)
    new["m"] = b1 * s["m"] + (1 - b1) * g
    new["v"] = b2 * s["v"] + (1 - b2) * g * g
    spread = new["v"]
    if "largest" in s:
        spread = new["largest"] = max(s["largest"], new["v"])
    alpha = o["learning_rate"] * (1 - b2**t) ** 0.5 / (1 - b1**t)
    return w - alpha * new["m"] / (spread**0.5 + o["epsilon"]), new


SGD = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}
RMSPROP = {"learning_rate": 0.1, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3}
ADAM = {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}

STEPS: list[tuple[str, Any, Any, list[str], dict[str, Any]]] = [
    ("sgd", kernels.sgd_step, sgd, [""], SGD),
    ("momentum", kernels.sgd_step, sgd, ["m"], SGD),
    ("nesterov", kernels.sgd_step, sgd, ["m"], SGD | {"nesterov": True}),
    ("rmsprop", kernels.rmsprop_step, rmsprop, ["v", "", ""], RMSPROP),
    ("centered", kernels.rmsprop_step, rmsprop, ["v", "a", ""], RMSPROP),
    ("rmsprop-momentum", kernels.rmsprop_step, rmsprop, ["v", "", "m"], RMSPROP),
    ("centered-momentum", kernels.rmsprop_step, rmsprop, ["v", "a", "m"], RMSPROP),
    ("adam", kernels.adam_step, adam, ["m", "v", ""], ADAM),
    ("amsgrad", kernels.adam_step, adam, ["m", "v", "largest"], ADAM),
]


@pytest.mark.parametrize(
    ("kernel", "formula", "slots", "options"), [s[1:] for s in STEPS], ids=[s[0] for s in STEPS]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_steps(kernel, formula, slots, options, dtype):
    size = 6
    values = generator.normal(size=size).astype(dtype)
    buffers = [np.zeros(size, dtype) if name else None for name in slots]
    expected = values.astype(float).tolist()
    states = [{name: 0.0 for name in slots if name} for _ in range(size)]
    for t in range(1, 8):
        gradients = (generator.normal(size=size) * 10.0 ** generator.integers(-3, 2)).astype(dtype)
        gradients[0] = 0
        arguments = options | ({"step": t} if kernel is kernels.adam_step else {})
        before = gradients.copy()
        assert kernel(values, gradients, *buffers, **arguments) is None
        np.testing.assert_array_equal(gradients, before)
        for i in range(size):
            expected[i], states[i] = formula(expected[i], float(before[i]), states[i], t, options)
    tolerance = 1e-4 if dtype is np.float32 else 1e-10
    assert values.dtype == dtype
    np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance)
    for name, buffer in zip(slots, buffers, strict=True):
        if buffer is not None:
            kept = [state[name] for state in states]
            np.testing.assert_allclose(buffer, kept, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("kernel", "slots", "options"), [(s[1], s[3], s[4]) for s in STEPS], ids=[s[0] for s in STEPS]
)
def test_steps_change_their_slice_and_nothing_else(kernel, slots, options):
    """They are called on stretches of a larger buffer."""
    whole = [np.ones(10) for _ in range(2 + len(slots))]
    stretch = [array[3:6] for array in whole]
    arguments = options | ({"step": 1} if kernel is kernels.adam_step else {})
    used = [part if name else None for part, name in zip(stretch[2:], slots, strict=True)]
    kernel(stretch[0], stretch[1], *used, **arguments)
    for array in whole:
        np.testing.assert_array_equal(np.delete(array, [3, 4, 5]), np.ones(7))
    assert not np.array_equal(whole[0][3:6], np.ones(3))


@pytest.mark.parametrize(
    ("kernel", "slots", "options"), [(s[1], s[3], s[4]) for s in STEPS], ids=[s[0] for s in STEPS]
)
@pytest.mark.parametrize("gradient", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_steps_do_not_hide_what_is_not_finite(kernel, slots, options, gradient):
    values = np.ones(2)
    buffers = [np.zeros(2) if name else None for name in slots]
    arguments = options | ({"step": 1} if kernel is kernels.adam_step else {})
    kernel(values, np.array([gradient, 1.0]), *buffers, **arguments)
    assert not np.isfinite(values[0])
    assert np.isfinite(values[1])


@pytest.mark.parametrize(
    ("kernel", "slots", "options"), [(s[1], s[3], s[4]) for s in STEPS], ids=[s[0] for s in STEPS]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_long_arrays_are_changed_element_by_element(kernel, slots, options, dtype):
    """They go in blocks: each element once, as if it stood alone."""
    length = BLOCK_BYTES // dtype().itemsize
    arguments = options | ({"step": 1} if kernel is kernels.adam_step else {})
    some = [generator.random(7).astype(dtype) for _ in range(2 + len(slots))]
    some[2] += 1  # a mean of squares is never below the square of a mean
    long = [np.resize(array, 2 * length + 3) for array in some]
    for arrays in (some, long):
        kernel(
            *arrays[:2],
            *(a if n else None for a, n in zip(arrays[2:], slots, strict=True)),
            **arguments,
        )
    for short, repeated in zip(some, long, strict=True):
        np.testing.assert_allclose(repeated, np.resize(short, repeated.shape), rtol=1e-6)
