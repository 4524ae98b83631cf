"""What neural networks need and NumPy lacks: sigmoid, erf, softplus, relu, the softmax family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch.autograd import Op, call
from nnscratch.ops.arguments import kept_shape
from nnscratch.ops.kernel_rules import by_kernel
from nnscratch_kernels import auto as kernels

TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def _relu_gradient(
    g: Any, y: Any, x: Any, negative_slope: float, max_value: float | None, threshold: float
) -> Any:
    if negative_slope == 0 and max_value is None and threshold == 0:
        return g * (y > 0)  # a product with a mask takes a fifth of np.where's time
    passes = x > threshold
    if max_value is not None:
        passes = np.logical_and(passes, np.logical_and(x >= 0, x <= max_value))
    return g * passes + (negative_slope * g) * (x <= threshold)


def _torch_relu(
    torch: Any, x: Any, negative_slope: float = 0.0, max_value: Any = None, threshold: float = 0.0
) -> Any:
    above = torch.where(x > threshold, x, 0)
    below = negative_slope * torch.relu(threshold - x)
    return (above if max_value is None else above.clamp(0, max_value)) - below


relu = Op(
    "relu",
    kernels.relu,
    arity=1,
    formula=r"y = \max(x, 0), \quad \text{or } \begin{cases} \min(x, m) & x > t \\ "
    r"s\, (x - t) & x \le t \end{cases}",
    derivative=r"\bar x = \bar y\, [x > 0], \quad \text{or } \bar y\, [t < x \le m] + "
    r"s\, \bar y\, [x \le t]",
    vjps=(by_kernel(kernels.relu_gradient, _relu_gradient),),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal()),
        call(s.normal(0, 3)),
        call(s.normal(2, 3), negative_slope=0.3),
        call(s.normal(2, 3), max_value=0.7),
        call(s.normal(2, 3), threshold=0.4),
        call(3 * s.normal(3, 4), 0.2, 2.0, -0.5),
    ],
    torch=_torch_relu,
    numpy=[],
)

sigmoid = Op(
    "sigmoid",
    kernels.sigmoid,
    formula=r"y = \frac{1}{1 + e^{-x}}",
    derivative=r"\bar x = \bar y\, y\, (1 - y)",
    vjps=(by_kernel(kernels.sigmoid_gradient, lambda g, y, x: g * y * (1 - y)),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal()), call(10 * s.normal(4))],
    torch="sigmoid",
    numpy=[],
)

softplus = Op(
    "softplus",
    kernels.softplus,
    formula=r"y = \ln(1 + e^x)",
    derivative=r"\bar x = \bar y\, \sigma(x)",
    vjps=(by_kernel(kernels.softplus_gradient, lambda g, y, x: g * sigmoid(x)),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal()), call(5 * s.normal(4))],
    torch="nn.functional.softplus",
    numpy=[],
)

erf = Op(
    "erf",
    kernels.erf,
    formula=r"y = \frac{2}{\sqrt\pi} \int_0^x e^{-t^2}\, dt",
    derivative=r"\bar x = \bar y\, \frac{2}{\sqrt\pi}\, e^{-x^2}",
    vjps=(lambda g, y, x: g * TWO_OVER_SQRT_PI * np.exp(-x * x),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal()), call(0.3 * s.unit(4))],
    torch="erf",
    numpy=[],
)

erfc = Op(
    "erfc",
    kernels.erfc,
    formula=r"y = \frac{2}{\sqrt\pi} \int_x^\infty e^{-t^2}\, dt",
    derivative=r"\bar x = -\bar y\, \frac{2}{\sqrt\pi}\, e^{-x^2}",
    vjps=(lambda g, y, x: -g * TWO_OVER_SQRT_PI * np.exp(-x * x),),
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal()), call(3 * s.unit(4))],
    torch="erfc",
    numpy=[],
)


def _logsumexp_gradient(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    shape = kept_shape(x.shape, axis)
    g, y = np.reshape(g, shape), np.reshape(y, shape)
    # In a row of -inf only, every exponential is 0 and so is the gradient: -inf - -inf is NaN.
    return g * np.exp(x - np.where(y == -np.inf, 0, y))


logsumexp = Op(
    "logsumexp",
    kernels.logsumexp,
    arity=1,
    formula=r"y = \ln \sum_i e^{x_i}",
    derivative=r"\bar x_i = \bar y\, e^{x_i - y}",
    vjps=(_logsumexp_gradient,),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 2), axis=(0, -1)),
        call(s.normal(2, 3), axis=-1, keepdims=True),
        call(s.normal(2, 3), keepdims=True),
        call(s.normal()),
        call(s.normal(0, 3), axis=0),
    ],
    torch=lambda torch, x, axis=None, keepdims=False: torch.logsumexp(
        x, tuple(range(x.ndim)) if axis is None else axis, keepdims
    ),
    numpy=[],
)


softmax = Op(
    "softmax",
    kernels.softmax,
    arity=1,
    formula=r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
    derivative=r"\bar x_i = y_i \left(\bar y_i - \sum_j \bar y_j\, y_j\right)",
    vjps=(
        by_kernel(
            lambda g, x, y, axis: kernels.softmax_gradient(g, y, axis),
            lambda g, y, x, axis: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
        ),
    ),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 2), axis=-2),
        call(s.normal(3), 0),
        call(s.normal(0, 3)),
    ],
    torch=lambda torch, x, axis=-1: torch.softmax(x, axis),
    numpy=[],
)

log_softmax = Op(
    "log_softmax",
    kernels.log_softmax,
    arity=1,
    formula=r"y_i = x_i - \ln \sum_j e^{x_j}",
    derivative=r"\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j",
    vjps=(
        by_kernel(
            lambda g, x, y, axis: kernels.log_softmax_gradient(g, y, axis),
            lambda g, y, x, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
        ),
    ),
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), axis=0),
        call(s.normal(2, 3, 2), axis=-2),
        call(s.normal(3), 0),
        call(s.normal(0, 3)),
    ],
    torch=lambda torch, x, axis=-1: torch.log_softmax(x, axis),
    numpy=[],
)
