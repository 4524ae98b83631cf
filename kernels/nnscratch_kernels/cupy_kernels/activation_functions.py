"""Activation functions on the GPU, each in one pass over the memory.

Names, arguments, formulas and constants are those of `numpy_kernels.activation_functions`, whose
docstrings give the sources. Every result has the shape and dtype of `x`, and moves 2 arrays through
memory. What the kernels do not take (float16, integers) goes to the NumPy twin. Sparsemax and the
gated linear unit, which sort and halve an axis, have no kernel here.
"""

from __future__ import annotations

import math
from typing import Any

from nnscratch_kernels.cupy_kernels.elementwise import can_compute, elementwise
from nnscratch_kernels.numpy_kernels import activation_functions as reference


def relu6(x: Any) -> Any:
    """Rectified linear unit with a ceiling, min(max(x, 0), 6). One pass."""
    return _mapped("clip", x, 0, 6) if can_compute(x) else reference.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Rectifier that leaks: x where x > 0, negative_slope · x elsewhere. One pass."""
    if not can_compute(x):
        return reference.leaky_relu(x, negative_slope)
    return _mapped("leaky_relu", x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: x where x > 0, α (exp(x) - 1) elsewhere. One pass."""
    return _mapped("elu", x, alpha) if can_compute(x) else reference.elu(x, alpha)


def selu(x: Any) -> Any:
    """Scaled exponential linear unit, 1.0507 · elu(x, 1.67326). One pass."""
    return _mapped("selu", x) if can_compute(x) else reference.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """Continuously differentiable ELU: x where x > 0, α (exp(x/α) - 1) elsewhere. One pass."""
    return _mapped("celu", x, alpha) if can_compute(x) else reference.celu(x, alpha)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Gaussian error linear unit, x Φ(x) with the normal distribution Φ. One pass.

    Φ is CUDA's normcdf, whose relative error stays small in the lower tail; with `approximate` it
    is the paper's (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
    """
    if not can_compute(x):
        return reference.gelu(x, approximate)
    return _mapped("tanh_gelu" if approximate else "gelu", x)


def silu(x: Any) -> Any:
    """Sigmoid linear unit or swish, x σ(x). One pass."""
    return _mapped("silu", x) if can_compute(x) else reference.silu(x)


def mish(x: Any) -> Any:
    """Self-regularised rectifier, x tanh(softplus(x)). One pass."""
    return _mapped("mish", x) if can_compute(x) else reference.mish(x)


def hard_sigmoid(x: Any) -> Any:
    """The sigmoid in straight lines, min(max(x/6 + 1/2, 0), 1). One pass."""
    return _mapped("hard_sigmoid", x) if can_compute(x) else reference.hard_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """The silu or swish in straight lines and one parabola, x · hard_sigmoid(x). One pass."""
    return _mapped("hard_silu", x) if can_compute(x) else reference.hard_silu(x)


def softsign(x: Any) -> Any:
    """Smooth sign, x / (1 + |x|). One pass."""
    return _mapped("softsign", x) if can_compute(x) else reference.softsign(x)


def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, -softplus(-x). One pass."""
    return _mapped("log_sigmoid", x) if can_compute(x) else reference.log_sigmoid(x)


def hard_tanh(x: Any) -> Any:
    """The hyperbolic tangent in straight lines, min(max(x, -1), 1). One pass."""
    return _mapped("clip", x, -1, 1) if can_compute(x) else reference.hard_tanh(x)


def tanh_shrink(x: Any) -> Any:
    """What the hyperbolic tangent leaves over, x - tanh(x). One pass."""
    return _mapped("tanh_shrink", x) if can_compute(x) else reference.tanh_shrink(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero, x elsewhere. One pass."""
    if not can_compute(x):
        return reference.hard_shrink(x, threshold)
    return _mapped("hard_shrink", x, threshold)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Zero within `threshold` of zero; elsewhere x, moved towards zero by it. One pass."""
    if not can_compute(x):
        return reference.soft_shrink(x, threshold)
    return _mapped("soft_shrink", x, threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` above `threshold`, `default_value` elsewhere. One pass."""
    if not can_compute(x):
        return reference.threshold(x, threshold, default_value)
    return _mapped("threshold", x, threshold, default_value)


def squareplus(x: Any, b: float = 4) -> Any:
    """Smooth rectifier without an exponential, (x + √(x² + b)) / 2. One pass."""
    if not can_compute(x):
        return reference.squareplus(x, b)
    return _mapped("squareplus", x, math.sqrt(b))


def sparse_plus(x: Any) -> Any:
    """The softplus in a straight line and one parabola; exactly 0 from -1 down. One pass."""
    return _mapped("sparse_plus", x) if can_compute(x) else reference.sparse_plus(x)


def sparse_sigmoid(x: Any) -> Any:
    """The two-class sparsemax, min(max((x + 1) / 2, 0), 1). One pass."""
    return _mapped("sparse_sigmoid", x) if can_compute(x) else reference.sparse_sigmoid(x)


def _mapped(kernel: str, x: Any, *parameters: float) -> Any:
    return elementwise("activation_functions", kernel, x, parameters=parameters)
