"""The functions of one number against mpmath: relative errors everywhere, exact special values."""

from __future__ import annotations

import math
import re
from typing import Any

import mpmath
import numpy as np
import pytest

import nnscratch_kernels.numba_kernels.vector_math as vector_math
from nnscratch_kernels.numba_kernels.compilation import compiled

DTYPES = [np.float32, np.float64]
DIGITS = mpmath.workprec(160)

# What mpmath computes, where, and the least relative error asked for in float32 and float64.
EXACT = {
    "exp": (mpmath.exp, (-745, 709), 3e-7, 1e-15),
    "log": (mpmath.log, (1e-300, 1e300), 3e-7, 1e-15),
    "tanh": (mpmath.tanh, (-25, 25), 3e-7, 1e-15),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), (-745, 40), 3e-7, 1e-15),
    "erf": (mpmath.erf, (-7, 7), 3e-7, 1e-15),
    "erfc": (mpmath.erfc, (-7, 27), 6e-7, 1e-15),
    "normal_distribution": (mpmath.ncdf, (-38, 9), 6e-7, 1e-15),
    "normal_density": (mpmath.npdf, (-38, 38), 3e-7, 1e-15),
    "exp_of_nonpositive": (mpmath.exp, (-745, -1e-9), 3e-7, 1e-15),
    "expm1_of_nonpositive": (mpmath.expm1, (-45, -1e-9), 3e-7, 1e-15),
    "log1p_of_unit": (mpmath.log1p, (1e-9, 1), 3e-7, 1e-15),
}

# Of -inf, -huge, -1, -0, 0, huge and inf; None where it is not special.
SPECIAL = {
    "exp": [0.0, 0.0, None, 1.0, 1.0, math.inf, math.inf],
    "log": [math.nan, math.nan, math.nan, -math.inf, -math.inf, None, math.inf],
    "tanh": [-1.0, -1.0, None, -0.0, 0.0, 1.0, 1.0],
    "sigmoid": [0.0, 0.0, None, 0.5, 0.5, 1.0, 1.0],
    "erf": [-1.0, -1.0, None, -0.0, 0.0, 1.0, 1.0],
    "erfc": [2.0, 2.0, None, 1.0, 1.0, 0.0, 0.0],
    "normal_distribution": [0.0, 0.0, None, 0.5, 0.5, 1.0, 1.0],
    "normal_density": [0.0, 0.0, None, None, None, 0.0, 0.0],
}


def made_loop(function: Any) -> Any:
    @compiled
    def loop(first: int, last: int, x: Any, y: Any) -> None:
        x, y = x[first:last], y[first:last]
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


LOOPS = {name: made_loop(getattr(vector_math, name)) for name in EXACT}


def applied(name: str, x: Any) -> Any:
    y = np.full_like(x, 7)
    LOOPS[name](0, x.size, x, y)
    return y


def points(low: float, high: float, dtype: Any) -> Any:
    """Numbers of every size between two bounds, zero left out."""
    generator = np.random.default_rng(0)
    most = max(abs(low), abs(high))
    sizes = np.exp(generator.uniform(np.log(1e-12), np.log(most), 400))
    numbers = np.concatenate(
        [
            generator.uniform(low, high, 300),
            generator.choice([-1, 1], 400) * sizes,
            3 * generator.standard_normal(300),
            generator.uniform(-1, 1, 200),
            1 + 0.01 * generator.standard_normal(100),
        ]
    )
    if low > 0 and high > 2:  # for the logarithm, sizes from end to end
        numbers = np.append(numbers, np.exp(generator.uniform(np.log(low), np.log(high), 300)))
    with np.errstate(over="ignore", under="ignore"):
        numbers = numbers.astype(dtype)
    inside = (numbers >= np.float64(low)) & (numbers <= np.float64(high))
    return numbers[inside & np.isfinite(numbers) & (numbers != 0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_relative_error(name, dtype):
    function, (low, high), single, double = EXACT[name]
    x = points(low, high, dtype)
    y = applied(name, x)
    limit = single if dtype == np.float32 else double
    format = np.finfo(dtype)
    with DIGITS:
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            true = function(mpmath.mpf(a))
            if abs(true) > float(format.max):
                assert math.isinf(b), a
                continue
            rounding = float(format.smallest_subnormal) if abs(true) < float(format.tiny) else 0
            assert abs(b - true) <= limit * abs(true) + rounding, (a, b, true)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    huge = np.finfo(dtype).max
    x = np.array([-np.inf, -huge, -1, -0.0, 0.0, huge, np.inf, np.nan], dtype)
    y = applied(name, x)
    for expected, found in zip([*SPECIAL[name], math.nan], y, strict=True):
        if expected is not None:
            np.testing.assert_array_equal(found, expected)
            assert expected != 0 or np.signbit(found) == np.signbit(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "erf", "log", "exp"])
def test_subnormal_arguments(name, dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = least * np.array([1, 2, 3, 1000, 12345], dtype)
    with DIGITS:
        expected = [float(EXACT[name][0](mpmath.mpf(float(a)))) for a in x]
    np.testing.assert_allclose(applied(name, x), expected, rtol=2e-7, atol=float(least))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_odd_functions(name, dtype):
    x = points(1e-9, 10, dtype)
    np.testing.assert_array_equal(applied(name, -x), -applied(name, x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "erf"])
def test_a_number_is_the_same_in_every_lane(name, dtype):
    """The vectorised loop and the loop over what is left over give the same bits."""
    x = points(-30, 30, dtype)
    whole = applied(name, x)
    np.testing.assert_array_equal(whole, [applied(name, x[i : i + 1])[0] for i in range(x.size)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_the_loop_is_vectorised(name, dtype):
    applied(name, np.ones(4, dtype))
    kind = "float" if dtype == np.float32 else "double"
    code = [
        code
        for signature, code in LOOPS[name].inspect_llvm().items()
        if str(signature[2].dtype) == np.dtype(dtype).name
    ]
    assert len(code) == 1
    assert re.search(rf"@llvm\.fmuladd\.v\d+f\d+\(<\d+ x {kind}>", code[0])
    assert "@exp" not in code[0]


def test_constants_are_for_compiled_code():
    with pytest.raises(NotImplementedError, match="is for compiled loops: call it in one"):
        vector_math.constants(1.0)
