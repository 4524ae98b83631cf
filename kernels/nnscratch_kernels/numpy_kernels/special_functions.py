"""Special functions on plain arrays: sigmoid, erf, softplus, relu, and the softmax family.

NumPy has none of them. Each keeps the floating-point dtype of its input (integers give float64),
takes any shape, and stays accurate where the textbook formula overflows or cancels. float16 is
computed in float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import working_values

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Rectified linear unit, max(x, 0), with the options of `keras.activations.relu`.

    With them it is x where x > threshold, at most max_value, and elsewhere
    negative_slope · (x - threshold).

    Args:
        x: array of any shape and numeric dtype.
        negative_slope: the slope from the threshold down.
        max_value: the ceiling; with one, the part above the threshold is also kept from going
            below 0. None means no ceiling.
        threshold: where the line starts.

    Returns:
        Array of the shape and dtype of `x`; NaN stays NaN.
    """
    y = np.maximum(x, 0) if threshold == 0 else np.where(x <= threshold, 0, x)
    if max_value is not None:
        y = np.clip(y, 0, max_value)
    return y - negative_slope * np.maximum(threshold - x, 0) if negative_slope else y


def sigmoid(x: Any) -> Any:
    """Logistic function, 1 / (1 + exp(-x)).

    It is computed as exp(min(x, 0)) / (1 + exp(-|x|)): no exponential overflows, and the relative
    error stays at rounding level down to the smallest positive number.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, in [0, 1].
    """
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def softplus(x: Any) -> Any:
    """Smooth rectifier, log(1 + exp(x)).

    It is computed as max(x, 0) + log1p(exp(-|x|)), which neither overflows nor loses digits.

    Args:
        x: array of any shape and floating-point dtype.

    Returns:
        Array of the shape and dtype of `x`, not negative.
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, log Σ exp(x), shifted by the largest element.

    Args:
        x: array of any shape.
        axis: the axis or axes to sum over; None means all.
        keepdims: whether the axes summed over stay, with length 1.

    Returns:
        Array without `axis`, of the dtype of `x`. A sum over nothing, or over -inf only, is -inf.
    """
    values, dtype = working_values(x)
    largest = np.max(values, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0)  # inf - inf would be NaN
    with np.errstate(divide="ignore", over="ignore"):  # log 0 = -inf and exp(inf) are meant
        total = np.log(np.sum(np.exp(values - shift), axis=axis, keepdims=True)) + shift
    return (total if keepdims else np.squeeze(total, axis=axis)).astype(dtype, copy=False)


def softmax(x: Any, axis: Axis = -1) -> Any:
    """Exponentials normalised to sum 1, exp(x) / Σ exp(x), shifted by the largest element.

    Args:
        x: array of logits.
        axis: the axis or axes along which the result sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    values, dtype = working_values(x)
    exponentials = np.exp(values - values.max(axis=axis, keepdims=True, initial=-np.inf))
    exponentials /= exponentials.sum(axis=axis, keepdims=True)
    return exponentials.astype(dtype, copy=False)


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """Logarithm of the softmax, x - log Σ exp(x), without taking the logarithm of a tiny number.

    Args:
        x: array of logits.
        axis: the axis or axes along which the exponentials sum to 1; None means all.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    values, dtype = working_values(x)
    shifted = values - np.max(values, axis=axis, keepdims=True, initial=-np.inf)
    total = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return (shifted - total).astype(dtype, copy=False)


def erf(x: Any) -> Any:
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt.

    Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error
    function", Mathematics of Computation 23 (1969), pages 631-637.

    Args:
        x: array of any shape.

    Returns:
        Array of the shape and dtype of `x`, in [-1, 1], with a relative error below 1e-15 in
        float64 and 3e-7 in float32; erf(±inf) = ±1 and NaN stays NaN.
    """
    values, dtype = working_values(x)
    far = np.copysign(1 - _erfc_of_magnitude(values), values)
    return np.where(np.abs(values) <= _NEAR, _erf_near_zero(values), far).astype(dtype, copy=False)


def erfc(x: Any) -> Any:
    """Complementary error function, 1 - erf(x), accurate where erf(x) is close to 1.

    By the same approximations as `erf`.

    Args:
        x: array of any shape.

    Returns:
        Array of the shape and dtype of `x`, in [0, 2].
    """
    values, dtype = working_values(x)
    far = _erfc_of_magnitude(values)
    far = np.where(values < 0, 2 - far, far)
    near = 1 - _erf_near_zero(values)
    return np.where(np.abs(values) <= _NEAR, near, far).astype(dtype, copy=False)


# Coefficients of Cody's three approximations, highest power first.
_NEAR = 0.46875
_NEAR_NUMERATOR = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_NEAR_DENOMINATOR = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
_MIDDLE_NUMERATOR = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_MIDDLE_DENOMINATOR = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
_TAIL = 4.0
_TAIL_NUMERATOR = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
_TAIL_DENOMINATOR = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346725e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)
_INVERSE_SQRT_PI = 0.56418958354775628695
_ERFC_IS_ZERO = 28.0  # erfc(28) is below the smallest float64


def _erf_near_zero(x: Any) -> Any:
    """Compute erf(x) for |x| ≤ 0.46875."""
    clipped = np.clip(x, -_NEAR, _NEAR)
    square = clipped * clipped
    return clipped * _polynomial(square, _NEAR_NUMERATOR) / _polynomial(square, _NEAR_DENOMINATOR)


def _erfc_of_magnitude(x: Any) -> Any:
    """Compute erfc(|x|) for |x| ≥ 0.46875."""
    z = np.clip(np.abs(x), _NEAR, _ERFC_IS_ZERO)
    inner = np.minimum(z, _TAIL)
    middle = _polynomial(inner, _MIDDLE_NUMERATOR) / _polynomial(inner, _MIDDLE_DENOMINATOR)
    outer = np.maximum(z, _TAIL)
    w = 1 / (outer * outer)
    ratio = w * _polynomial(w, _TAIL_NUMERATOR) / _polynomial(w, _TAIL_DENOMINATOR)
    scaled = np.where(z <= _TAIL, middle, (_INVERSE_SQRT_PI - ratio) / outer)
    # exp(-z²) magnifies the rounding of z², so z² = head² + (z - head)(z + head), head² exact.
    head = np.trunc(16 * z) / 16
    return scaled * np.exp(-head * head) * np.exp(-(z - head) * (z + head))


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """Evaluate a polynomial, highest power first, by Horner's rule."""
    result: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result
