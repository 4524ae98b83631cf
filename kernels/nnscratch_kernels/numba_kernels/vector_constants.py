"""The two formats of floating-point numbers, and the polynomials of `vector_math` in each.

The polynomials are minimax for the relative error of what they serve to compute. Their coefficients
were computed for this file in 45 digits, by the exchange algorithm of Remez with a weight (E. Remez
1934; N. J. Higham's and J.-M. Muller's books describe it), then rounded.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

Coefficients = tuple[float, ...]


class Constants(NamedTuple):
    """What differs between the formats. Coefficients stand with the highest power first."""

    # Fields of the bits, as integers of the format's width.
    mantissa_bits: Any
    mantissa_mask: Any
    magnitude_mask: Any
    one_bits: Any
    sqrt_half_bits: Any
    round_bits: Any
    lifted_one_bits: Any
    # Floats that many formulas use.
    zero: Any
    half: Any
    one: Any
    two: Any
    infinity: Any
    nan: Any
    least_normal: Any
    round: Any  # 1.5 · 2^mantissa_bits: adding it rounds to an integer, which is in the lowest bits
    lift: Any  # the power of two that makes subnormal numbers normal
    lift_exponent: Any
    drop: Any  # 1 / lift
    log2_e: Any
    ln2_high: Any  # has so few bits that its product with any exponent is exact
    ln2_low: Any
    # From where on the result is its limit.
    exp_is_zero: Any
    exp_is_infinite: Any
    tanh_is_one: Any
    erf_is_one: Any
    erfc_is_zero: Any
    density_is_zero: Any
    erfc_center: Any  # the c below
    erf_slope: Any  # the constant term of the polynomial below
    erf_slope_rest: Any  # what was rounded off it
    # Polynomials.
    expm1: Any  # (exp(r) - 1 - r) / r², for |r| ≤ ln(2) / 2
    log: Any  # (2 artanh(s) - 2 s) / s³ in powers of s², for |s| ≤ (√2 - 1) / (√2 + 1)
    log1p: Any  # the same for |s| ≤ 1/3
    erf: Any  # -ln(1 - erf(a)) / a less its constant term, for 0 ≤ a ≤ erf_is_one
    erfc: Any  # (a + c) exp(a²) erfc(a) in powers of (a - c) / (a + c), for 0 ≤ a ≤ erfc_is_zero


def _constants(
    real: Any,
    integer: Any,
    mantissa_bits: int,
    polynomials: dict[str, Coefficients],
    floats: dict[str, float],
) -> Constants:
    """The constants of a format, its own types put to all numbers."""

    def bits(value: float) -> Any:
        return real(value).view(integer)

    lift = 2.0 ** (mantissa_bits + 2)
    rounding = 1.5 * 2.0**mantissa_bits
    common = {
        "zero": 0.0,
        "half": 0.5,
        "one": 1.0,
        "two": 2.0,
        "infinity": math.inf,
        "nan": math.nan,
        "least_normal": float(np.finfo(real).tiny),
        "round": rounding,
        "lift": lift,
        "lift_exponent": mantissa_bits + 2,
        "drop": 1 / lift,
        "log2_e": 1 / math.log(2),
    }
    return Constants(
        mantissa_bits=integer(mantissa_bits),
        mantissa_mask=integer(2**mantissa_bits - 1),
        magnitude_mask=integer(np.iinfo(integer).max),
        one_bits=bits(1),
        sqrt_half_bits=bits(math.sqrt(0.5)),
        round_bits=bits(rounding),
        lifted_one_bits=bits(lift),
        **{name: real(value) for name, value in (common | floats).items()},
        **{name: tuple(map(real, values)) for name, values in polynomials.items()},
    )


FLOAT32 = _constants(
    np.float32,
    np.int32,
    mantissa_bits=23,
    floats={
        "ln2_high": 0.693359375,
        "ln2_low": -2.1219444005469057e-4,
        "exp_is_zero": -104.0,
        "exp_is_infinite": 89.0,
        "tanh_is_one": 10.0,
        "erf_is_one": 4.0,
        "erfc_is_zero": 10.1,
        "density_is_zero": 14.39,
        "erfc_center": 2.05,
        "erf_slope": 1.128379225730896,
        "erf_slope_rest": -4.928456642794288e-08,
    },
    polynomials={
        "expm1": (
            0.0013882314123545212,
            0.008366518722100001,
            0.04166720389087652,
            0.16666543666769695,
            0.49999998136939444,
        ),
        "log": (0.2987186595510034, 0.39977537329394197, 0.6666677640318064),
        "log1p": (0.2801195482486112, 0.2800181485753423, 0.40021526431111015, 0.6666641630178017),
        "erf": (
            -8.596804506244243e-06,
            0.00011187576558149954,
            -0.0006128838420506905,
            0.0016320286681378424,
            -0.00012732713290275287,
            -0.019169547114129153,
            0.10278174772022719,
            0.6366190375801111,
        ),
        "erfc": (
            -0.00045089424680539613,
            -0.0010151807156120979,
            0.002467792328556824,
            0.007985472953289247,
            -0.019211018609988705,
            -0.048673437460376535,
            0.29860818133941525,
            -0.7012331093662314,
            1.0256496952337817,
        ),
    },
)

FLOAT64 = _constants(
    np.float64,
    np.int64,
    mantissa_bits=52,
    floats={
        "ln2_high": float.fromhex("0x1.62e42fefap-1"),
        "ln2_low": float.fromhex("0x1.cf79abc9e3b398p-40"),
        "exp_is_zero": -746.0,
        "exp_is_infinite": 710.0,
        "tanh_is_one": 20.0,
        "erf_is_one": 6.0,
        "erfc_is_zero": 27.25,
        "density_is_zero": 38.6,
        "erfc_center": 3.25,
        "erf_slope": 1.1283791670955123,
        "erf_slope_rest": 7.612972893961209e-17,
    },
    polynomials={
        "expm1": (
            2.5053767292570473e-08,
            2.762603791858645e-07,
            2.755740756789047e-06,
            2.4801505273770498e-05,
            0.00019841269718977601,
            0.001388888893156482,
            0.008333333333389566,
            0.04166666666657676,
            0.16666666666666588,
            0.5000000000000006,
        ),
        "log": (
            0.14796091710933673,
            0.1531403761931163,
            0.1818356477835117,
            0.2222219856560506,
            0.28571428742449284,
            0.39999999999414465,
            0.6666666666666734,
        ),
        "log1p": (
            0.16966479045082553,
            0.08369974422741278,
            0.12098769617178483,
            0.13301971950784128,
            0.15386476943213354,
            0.1818174823731221,
            0.2222222383149051,
            0.2857142855044127,
            0.4000000000013226,
            0.666666666666664,
        ),
        "erf": (
            8.089122698827004e-15,
            -3.2827925197618044e-13,
            6.024704763982335e-12,
            -6.52033733728505e-11,
            4.4766761246795717e-10,
            -1.842176339450209e-09,
            2.227991740866924e-09,
            2.651396147203894e-08,
            -2.2038212264133037e-07,
            9.466275436851336e-07,
            -2.5768934989862765e-06,
            3.748080004601016e-06,
            2.616772884558305e-06,
            -2.9187858922478023e-05,
            6.421139532716608e-05,
            2.5989348668065904e-05,
            -0.0005901576185129286,
            0.0016962129258153722,
            -0.00020919558186754383,
            -0.01912844693176455,
            0.10277260329859791,
            0.6366197723676384,
        ),
        "erfc": (
            -8.288193092817562e-09,
            -1.729613701597357e-08,
            6.508892362774725e-08,
            1.7443120329720822e-07,
            -3.476910236932842e-07,
            -1.189645204421174e-06,
            2.008481253442841e-06,
            7.420081130771814e-06,
            -1.5307935639122004e-05,
            -4.313577246436145e-05,
            0.0001475101721001982,
            0.00015935971392354808,
            -0.001487910888734148,
            0.001807324851719282,
            0.00952932178290597,
            -0.05667521903949962,
            0.17200591888577227,
            -0.3751649422635562,
            0.6457337773842995,
            -0.912994983295108,
            1.0811797647743422,
        ),
    },
)
