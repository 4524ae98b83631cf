"""exp, log, tanh, sigmoid and erf of one number, made so that a loop over them is vectorised.

LLVM cannot vectorise a loop that calls the C library, and the Numba of PyPI has no vector library.
These are polynomials without a branch: compiled into the caller's loop they work on as many
numbers at once as the processor has lanes. Each takes and gives one float32 or one float64, and
belongs into compiled loops only:

    @compiled
    def exponentials(first, last, x, y):
        x, y = x[first:last], y[first:last]
        for i in range(x.size):
            y[i] = exp(x[i])

Cut the arrays as above. Of an index from `range(first, last)` the compiler cannot know that it is
not negative, NumPy's index from the end; it then gathers single elements, ten times as slowly. And
write `number(0.5, x[i])`, since Numba takes a plain 0.5 for a float64 and leaves float32.

The relative error is below 3e-7 in float32 and 1e-15 in float64, in the tails too (6e-7 and 1e-15
for erfc and the normal distribution; their far tails lose digits where the processor has no fused
multiply-add). Results below the normal numbers are rounded to subnormal ones. NaN gives
NaN, and the values at 0 and ±inf are exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from nnscratch_kernels.numba_kernels.vector_constants import FLOAT32, FLOAT64

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Rounding by adding and subtracting a constant must stay as it is written, so not "reassoc". LLVM
# inlines the function with its own options; Numba's inline="always" would take the caller's.
_inlined: Decorator = numba.njit(
    forceinline=True, error_model="numpy", fastmath={"contract", "nsz"}, boundscheck=False
)
_instruction: Decorator = intrinsic


@_instruction
def number(typing_context: Any, value: Any, like: Any) -> Any:
    """`value`, a number of any type, in the type of `like`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], value, like)

    return like(value, like), generate


@_instruction
def bits_of(typing_context: Any, x: Any) -> Any:
    """The bits of a float as an integer of the same width."""
    integer = types.int32 if x == types.float32 else types.int64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(integer))

    return integer(x), generate


@_instruction
def float_of(typing_context: Any, bits: Any, like: Any) -> Any:
    """The float of the type of `like` that has these bits; higher ones are dropped."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = args[0]
        if bits.bitwidth > like.bitwidth:
            value = builder.trunc(value, context.get_value_type(types.int32))
        return builder.bitcast(value, context.get_value_type(like))

    return like(bits, like), generate


@_instruction
def multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """The sum a b + c, rounded once where the processor has an instruction for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _multiply_add(builder, *args)

    return a(a, b, c), generate


@_instruction
def polynomial(typing_context: Any, x: Any, coefficients: Any) -> Any:
    """A polynomial, coefficients from the highest power on, written out without a loop.

    By the scheme of G. Estrin (1960): pairs of terms are joined, then pairs of pairs, so that fewer
    operations wait for each other than in Horner's rule.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, values = args
        terms = [builder.extract_value(values, i) for i in reversed(range(len(coefficients)))]
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            odd = terms[-1:] if len(terms) % 2 else []
            terms = [_multiply_add(builder, high, x, low) for low, high in pairs] + odd
            x = builder.fmul(x, x)
        return terms[0]

    return x(x, coefficients), generate


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    signature = ir.FunctionType(a.type, (a.type, a.type, a.type))
    function = builder.module.declare_intrinsic("llvm.fmuladd", (a.type,), signature)
    return builder.call(function, (a, b, c))


def constants(x: Any) -> Any:
    """The constants of the format of `x`, in compiled code."""
    raise NotImplementedError(f"constants({x!r}) is for compiled loops: call it in one.")


@overload(constants, inline="always")
def _constants_in_compiled_code(x: Any) -> Callable[[Any], Any]:
    def of_float32(x: Any) -> Any:
        return FLOAT32

    def of_float64(x: Any) -> Any:
        return FLOAT64

    return of_float32 if x == types.float32 else of_float64


@_inlined
def magnitude(x: Any) -> Any:
    """|x|."""
    return float_of(bits_of(x) & constants(x).magnitude_mask, x)


@_inlined
def with_sign_of(x: Any, y: Any) -> Any:
    """|x| with the sign of y."""
    mask = constants(x).magnitude_mask
    return float_of((bits_of(x) & mask) | (bits_of(y) & ~mask), x)


@_inlined
def clipped(x: Any, low: Any, high: Any) -> Any:
    """min(max(x, low), high); NaN stays."""
    low, high = number(low, x), number(high, x)
    x = low if x < low else x
    return high if x > high else x


@_inlined
def hypotenuse(a: Any, b: Any) -> Any:
    """√(a² + b²) for a, b ≥ 0, not both 0; the squares cannot overflow."""
    longer = b if a < b else a
    ratio = (a if a < b else b) / longer
    return longer * math.sqrt(constants(a).one + ratio * ratio)


@_inlined
def _reduced(x: Any) -> Any:
    """(m, bits) with exp(x) = 2^k (1 + m), |m| < 0.5; k is in the low part of bits."""
    return _reduced_product(x, constants(x).one)


@_inlined
def _reduced_product(x: Any, y: Any) -> Any:
    """(m, bits) with exp(x y) = 2^k (1 + m); x y is not rounded, which exp would magnify."""
    c = constants(x)
    shifted = multiply_add(x * c.log2_e, y, c.round)
    k = shifted - c.round
    r = multiply_add(x, y, -k * c.ln2_high) - k * c.ln2_low
    return r + r * r * polynomial(r, c.expm1), bits_of(shifted)


@_inlined
def _power_of_two(bits: Any, x: Any) -> Any:
    """2^k in the format of x, for k in the low part of bits and 2^k normal."""
    c = constants(x)
    return float_of((bits << c.mantissa_bits) + c.one_bits, x)


@_inlined
def _scaled_down(m: Any, bits: Any, factor: Any) -> Any:
    """Give 2^k (1 + m) factor for k ≤ 0 in the low part of bits, rounded once if subnormal."""
    c = constants(m)
    scale = float_of((bits << c.mantissa_bits) + c.lifted_one_bits, m)
    return multiply_add(m, scale, scale) * factor * c.drop


@_inlined
def exp(x: Any) -> Any:
    """e^x."""
    c = constants(x)
    x = clipped(x, c.exp_is_zero, c.exp_is_infinite)
    m, bits = _reduced(x)
    # 2^k itself may be too large or too small for the format, so it is applied in two halves.
    half_bits = bits_of((float_of(bits, x) - c.round) * c.half + c.round)
    first = _power_of_two(half_bits, x)
    return multiply_add(m, first, first) * _power_of_two(bits - half_bits, x)


@_inlined
def exp_of_nonpositive(x: Any) -> Any:
    """e^x for x ≤ 0, in less time than `exp`."""
    c = constants(x)
    x = c.exp_is_zero if x < c.exp_is_zero else x
    m, bits = _reduced(x)
    return _scaled_down(m, bits, c.one)


@_inlined
def expm1_of_nonpositive(x: Any) -> Any:
    """e^x - 1 for x ≤ 0."""
    c = constants(x)
    limit = -c.two * c.tanh_is_one  # there it is -1
    m, bits = _reduced(limit if x < limit else x)
    scale = _power_of_two(bits, x)
    return scale * m + (scale - c.one)


@_inlined
def log(x: Any) -> Any:
    """Natural logarithm; NaN below zero."""
    c = constants(x)
    subnormal = x < c.least_normal
    y = x * c.lift if subnormal else x
    # y = 2^k (1 + f) with 1 + f between √½ and √2.
    bits = bits_of(y) - c.sqrt_half_bits
    k = float_of((bits >> c.mantissa_bits) + c.round_bits, x) - c.round
    k = k - c.lift_exponent if subnormal else k
    f = float_of((bits & c.mantissa_mask) + c.sqrt_half_bits, x) - c.one
    # With s = f / (2 + f), ln(1 + f) = 2 artanh(s) = f - f²/2 + s (f²/2 + s² P(s²)).
    s = f / (c.two + f)
    square = s * s
    half_square = c.half * f * f
    rest = s * (half_square + square * polynomial(square, c.log)) + k * c.ln2_low
    result = k * c.ln2_high + (f - (half_square - rest))
    result = result if x < c.infinity else x
    result = -c.infinity if x == c.zero else result
    return c.nan if x < c.zero else result


@_inlined
def log1p_of_unit(x: Any) -> Any:
    """ln(1 + x) for 0 ≤ x ≤ 1, as 2 artanh(s) with s = x / (2 + x)."""
    c = constants(x)
    s = x / (c.two + x)
    square = s * s
    return s * (c.two + square * polynomial(square, c.log1p))


@_inlined
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, as e / (e + 2) with e = exp(2|x|) - 1."""
    c = constants(x)
    a = magnitude(x)
    a = c.tanh_is_one if a > c.tanh_is_one else a
    m, bits = _reduced(c.two * a)
    scale = _power_of_two(bits, x)
    e = scale * m + (scale - c.one)
    return with_sign_of(e / (e + c.two), x)


@_inlined
def sigmoid(x: Any) -> Any:
    """Logistic function 1 / (1 + exp(-x))."""
    c = constants(x)
    e = exp_of_nonpositive(-magnitude(x))
    return (e if x < c.zero else c.one) / (c.one + e)


@_inlined
def sigmoid_and_slope(x: Any) -> Any:
    """The sigmoid σ(x) and its derivative σ(x) σ(-x), with a small relative error in both tails."""
    c = constants(x)
    e = exp_of_nonpositive(-magnitude(x))
    inverse = c.one / (c.one + e)
    return (e if x < c.zero else c.one) * inverse, e * inverse * inverse


@_inlined
def erf(x: Any) -> Any:
    """Error function, as 1 - exp(-t) with t = -ln erfc(|x|), which is a polynomial in |x|."""
    c = constants(x)
    a = magnitude(x)
    a = c.erf_is_one if a > c.erf_is_one else a
    bend = multiply_add(a, polynomial(a, c.erf), c.erf_slope_rest)
    m, bits = _reduced(-multiply_add(a, c.erf_slope, a * bend))
    scale = _power_of_two(bits, x)
    return with_sign_of((c.one - scale) - scale * m, x)


@_inlined
def _scaled_erfc(a: Any) -> Any:
    """exp(a²) erfc(a) for a ≥ 0."""
    c = constants(a)
    inverse = c.one / (a + c.erfc_center)
    return inverse * polynomial(c.one - c.two * c.erfc_center * inverse, c.erfc)


@_inlined
def erfc(x: Any) -> Any:
    """Complementary error function 1 - erf(x)."""
    c = constants(x)
    a = magnitude(x)
    a = c.erfc_is_zero if a > c.erfc_is_zero else a
    m, bits = _reduced_product(-a, a)
    tail = _scaled_down(m, bits, _scaled_erfc(a))
    return c.two - tail if x < c.zero else tail


@_inlined
def normal_distribution(x: Any) -> Any:
    """Φ(x) = erfc(-x / √2) / 2, with a small relative error in the lower tail."""
    c = constants(x)
    sqrt_half = number(0.7071067811865476, x)
    a = magnitude(x)
    limit = c.erfc_is_zero / sqrt_half
    a = limit if a > limit else a
    m, bits = _reduced_product(-c.half * a, a)
    tail = c.half * _scaled_down(m, bits, _scaled_erfc(sqrt_half * a))
    return tail if x < c.zero else c.one - tail


@_inlined
def normal_density(x: Any) -> Any:
    """φ(x) = exp(-x²/2) / √(2π)."""
    c = constants(x)
    a = magnitude(x)
    a = c.density_is_zero if a > c.density_is_zero else a
    m, bits = _reduced_product(-c.half * a, a)
    return _scaled_down(m, bits, number(0.3989422804014327, x))
