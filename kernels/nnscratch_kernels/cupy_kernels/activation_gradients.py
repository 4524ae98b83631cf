"""The gradients of the activation functions on the GPU, each in one pass over the memory.

Names, arguments and formulas are those of `numpy_kernels.activation_gradients`. Every result has
the shape and dtype of `g`; 3 arrays move through memory (4 for the squareplus), since an array that
a gradient can do without is not read. What the kernels do not take (float16, arrays that would have
to be broadcast) goes to the NumPy twin. Sparsemax and the gated linear unit have no kernel here,
nor has g y, which CuPy computes in one pass.
"""

from __future__ import annotations

import math
from math import inf
from typing import Any

from nnscratch_kernels.cupy_kernels.elementwise import can_compute, elementwise
from nnscratch_kernels.numpy_kernels import activation_gradients as reference


def relu_gradient(
    g: Any,
    x: Any,
    y: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Any:
    """Gradient of the relu: g [y > 0], without options from y alone. One pass.

    With them it is g [t < x ≤ m] + s g [x ≤ t], from x alone, in one pass as well.
    """
    plain = negative_slope == 0 and max_value is None and threshold == 0
    if not can_compute(g, y if plain else x):
        return reference.relu_gradient(g, x, y, negative_slope, max_value, threshold)
    if plain:
        return _mapped("relu_gradient", g, y)
    low, high = (-inf, inf) if max_value is None else (0.0, max_value)
    return _mapped("relu_gradient_with_options", g, x, negative_slope, low, high, threshold)


def relu6_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the relu with a ceiling: g [0 < y < 6], from y alone. One pass."""
    if not can_compute(g, y):
        return reference.relu6_gradient(g, x, y)
    return _mapped("relu6_gradient", g, y)


def leaky_relu_gradient(g: Any, x: Any, y: Any, negative_slope: float = 0.2) -> Any:
    """Gradient of the leaky relu: g or, where x ≤ 0, negative_slope · g, from x. One pass."""
    if not can_compute(g, x):
        return reference.leaky_relu_gradient(g, x, y, negative_slope)
    return _mapped("leaky_relu_gradient", g, x, negative_slope)


def elu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the elu: g where x > 0, g α exp(x) elsewhere, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.elu_gradient(g, x, y, alpha)
    return _mapped("elu_gradient", g, x, alpha)


def selu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the selu: 1.0507 times that of elu(x, 1.67326), from x alone. One pass."""
    if not can_compute(g, x):
        return reference.selu_gradient(g, x, y)
    return _mapped("selu_gradient", g, x)


def celu_gradient(g: Any, x: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of the celu: g exp(min(x, 0) / α), from x alone. One pass."""
    if not can_compute(g, x):
        return reference.celu_gradient(g, x, y, alpha)
    return _mapped("celu_gradient", g, x, alpha)


def tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hyperbolic tangent: g (1 - y²), from y alone. One pass."""
    if not can_compute(g, y):
        return reference.tanh_gradient(g, x, y)
    return _mapped("tanh_gradient", g, y)


def sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sigmoid: g y (1 - y), from y alone. One pass."""
    if not can_compute(g, y):
        return reference.sigmoid_gradient(g, x, y)
    return _mapped("sigmoid_gradient", g, y)


def softplus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the softplus: g σ(x), from x alone. One pass."""
    if not can_compute(g, x):
        return reference.softplus_gradient(g, x, y)
    return _mapped("softplus_gradient", g, x)


def log_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the logarithm of the sigmoid: g σ(-x), from x alone. One pass."""
    if not can_compute(g, x):
        return reference.log_sigmoid_gradient(g, x, y)
    return _mapped("log_sigmoid_gradient", g, x)


def gelu_gradient(g: Any, x: Any, y: Any, approximate: bool = False) -> Any:
    """Gradient of the gelu: g (Φ(x) + x φ(x)), or with tanh as `approximate` says. One pass."""
    if not can_compute(g, x):
        return reference.gelu_gradient(g, x, y, approximate)
    return _mapped("tanh_gelu_gradient" if approximate else "gelu_gradient", g, x)


def silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the silu: g (σ(x) + x σ(x) σ(-x)), from x alone. One pass."""
    if not can_compute(g, x):
        return reference.silu_gradient(g, x, y)
    return _mapped("silu_gradient", g, x)


def mish_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the mish: g (ω + x σ(x) (1 - ω²)), ω = tanh(softplus(x)), from x. One pass."""
    if not can_compute(g, x):
        return reference.mish_gradient(g, x, y)
    return _mapped("mish_gradient", g, x)


def hard_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard sigmoid: g / 6 where -3 < x < 3, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.hard_sigmoid_gradient(g, x, y)
    return _mapped("hard_sigmoid_gradient", g, x)


def hard_silu_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard silu: g (x/3 + 1/2) where -3 < x < 3, g from 3 up. One pass."""
    if not can_compute(g, x):
        return reference.hard_silu_gradient(g, x, y)
    return _mapped("hard_silu_gradient", g, x)


def softsign_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the smooth sign: g / (1 + |x|)², from x alone. One pass."""
    if not can_compute(g, x):
        return reference.softsign_gradient(g, x, y)
    return _mapped("softsign_gradient", g, x)


def hard_tanh_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the hard tanh: g where -1 < x < 1, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.hard_tanh_gradient(g, x, y)
    return _mapped("hard_tanh_gradient", g, x)


def tanh_shrink_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of x - tanh(x): g tanh(x)², from x alone. One pass."""
    if not can_compute(g, x):
        return reference.tanh_shrink_gradient(g, x, y)
    return _mapped("tanh_shrink_gradient", g, x)


def hard_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the hard shrinkage: g where |x| > threshold, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.hard_shrink_gradient(g, x, y, threshold)
    return _mapped("shrink_gradient", g, x, threshold)


def soft_shrink_gradient(g: Any, x: Any, y: Any, threshold: float = 0.5) -> Any:
    """Gradient of the soft shrinkage: g where |x| > threshold, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.soft_shrink_gradient(g, x, y, threshold)
    return _mapped("shrink_gradient", g, x, threshold)


def threshold_gradient(g: Any, x: Any, y: Any, threshold: float, default_value: float) -> Any:
    """Gradient of the threshold: g where x > threshold, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.threshold_gradient(g, x, y, threshold, default_value)
    return _mapped("threshold_gradient", g, x, threshold)


def squareplus_gradient(g: Any, x: Any, y: Any, b: float = 4) -> Any:
    """Gradient of the squareplus: g y / √(x² + b). One pass."""
    if not can_compute(g, x, y):
        return reference.squareplus_gradient(g, x, y, b)
    parameters = (math.sqrt(b),)
    return elementwise(
        "activation_gradients", "squareplus_gradient", g, x, y, parameters=parameters
    )


def sparse_plus_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse plus: g times the sparse sigmoid of x, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.sparse_plus_gradient(g, x, y)
    return _mapped("sparse_plus_gradient", g, x)


def sparse_sigmoid_gradient(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the sparse sigmoid: g / 2 where -1 < x < 1, from x alone. One pass."""
    if not can_compute(g, x):
        return reference.sparse_sigmoid_gradient(g, x, y)
    return _mapped("sparse_sigmoid_gradient", g, x)


def _mapped(kernel: str, g: Any, z: Any, *parameters: float) -> Any:
    """The result of a kernel of g and of x or y, whichever the slope is a function of."""
    return elementwise("activation_gradients", kernel, g, z, parameters=parameters)
