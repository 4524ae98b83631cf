"""Normalization: layer normalization, and batch normalization as it runs in training.

Both rules come from x̂ = (x - μ) r with r = (v + ε)^(-1/2), where μ and v depend on x as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Op, call
from nnscratch.ops.arguments import reduced_count
from nnscratch.ops.kernel_rules import is_recorded
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from collections.abc import Sequence


def _layer_normalization_vjp(
    wanted: Sequence[bool],
    g: Any,
    y: Any,
    x: Any,
    gamma: Any,
    beta: Any,
    axis: int | tuple[int, ...],
    epsilon: float,
) -> tuple[Any, Any, Any]:
    if not is_recorded(y):
        gradients: tuple[Any, Any, Any] = kernels.layer_normalization_gradient(
            g, x, gamma, beta, axis, epsilon
        )
        return gradients
    count = max(reduced_count(x.shape, axis), 1)

    def mean(values: Any) -> Any:
        return np.add.reduce(values, axis=axis, keepdims=True) / count

    of_x, of_gamma, of_beta = wanted
    centered = x - mean(x)
    scale = 1 / np.sqrt(mean(centered * centered) + epsilon)
    normalized = centered * scale
    of_normalized = g if gamma is None else g * gamma
    return (
        scale
        * (of_normalized - mean(of_normalized) - normalized * mean(of_normalized * normalized))
        if of_x
        else None,
        g * normalized if of_gamma else None,
        g if of_beta else None,
    )


def _torch_layer_normalization(
    torch: Any,
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float = 1e-3,
) -> Any:
    centered = x - torch.mean(x, axis, keepdim=True)
    y = centered * torch.rsqrt(torch.mean(centered**2, axis, keepdim=True) + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


layer_normalization = Op(
    "layer_normalization",
    kernels.layer_normalization,
    arity=3,
    joint=True,
    formula=r"y = \gamma\, \hat x + \beta, \quad \hat x = r\, (x - \mu), \quad "
    r"\mu = \frac1n \sum_i x_i, \quad v = \frac1n \sum_i (x_i - \mu)^2, \quad "
    r"r = \frac{1}{\sqrt{v + \varepsilon}}",
    derivative=r"\bar x = r \left(\gamma \bar y - \frac1n \sum_i \gamma_i \bar y_i - "
    r"\hat x\, \frac1n \sum_i \gamma_i \bar y_i \hat x_i\right), \quad "
    r"\bar\gamma = \bar y\, \hat x, \quad \bar\beta = \bar y",
    vjps=[_layer_normalization_vjp],
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3), s.normal(3)),
        call(s.normal(2, 3, 4), s.normal(3, 4), s.normal(3, 4), axis=(1, 2), epsilon=1e-5),
        call(s.normal(2, 3, 2), s.normal(3, 1), None, axis=1),
        call(s.normal(2, 3), None, s.normal(3)),
        call(s.normal(2, 3), None, None),
        call(s.normal(2, 1), s.normal(1), s.normal(1)),
        call(s.normal(0, 3), s.normal(3), s.normal(3)),
    ],
    torch=_torch_layer_normalization,
    numpy=[],
)


def _batch_normalization_vjp(
    wanted: Sequence[bool],
    g: Any,
    y: Any,
    x: Any,
    gamma: Any,
    beta: Any,
    axis: int,
    epsilon: float,
) -> tuple[Any, Any, Any]:
    """The sums over the batch serve all three; what came for μ and v joins them while small."""
    of_x, of_gamma, of_beta = wanted
    (g, g_mean, g_variance), (_, mean, variance) = g, y
    if not is_recorded(mean):
        gradients: tuple[Any, Any, Any] = kernels.batch_normalization_gradient(
            g, x, mean, variance, gamma, beta, axis, epsilon, g_mean, g_variance
        )
        return gradients
    others, along = kernels.channel_axes(x.shape, axis)
    count = max(reduced_count(x.shape, others), 1)
    centered = x - np.reshape(mean, along)
    scale = 1 / np.sqrt(variance + epsilon)
    total = np.add.reduce(g, axis=others)
    total_centered = np.add.reduce(g * centered, axis=others)
    of_input = None
    if of_x:
        slope = scale if gamma is None else gamma * scale
        constant = (slope * total - g_mean) / count
        tilt = (slope * scale * scale * total_centered - 2 * g_variance) / count
        of_input = (
            g * np.reshape(slope, along)
            - centered * np.reshape(tilt, along)
            - np.reshape(constant, along)
        )
    return of_input, total_centered * scale if of_gamma else None, total if of_beta else None


def _torch_batch_normalization(
    torch: Any,
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Any:
    rows = x.movedim(axis, -1)
    flat = rows.reshape(-1, rows.shape[-1])
    y = torch.nn.functional.batch_norm(flat, None, None, gamma, beta, training=True, eps=epsilon)
    variance, mean = torch.var_mean(flat, 0, correction=0)
    return y.reshape(rows.shape).movedim(-1, axis), mean, variance


batch_normalization = Op(
    "batch_normalization",
    kernels.batch_normalization,
    arity=3,
    joint=True,
    formula=r"y = \gamma\, r\, (x - \mu) + \beta, \quad "
    r"\mu = \frac1n \sum_i x_i, \quad v = \frac1n \sum_i (x_i - \mu)^2, \quad "
    r"r = \frac{1}{\sqrt{v + \varepsilon}}",
    derivative=r"\bar x = \gamma r\, \bar y - \frac1n \left(\gamma r \sum_i \bar y_i - "
    r"\bar\mu\right) - \frac{x - \mu}{n} \left(\gamma r^3 \sum_i \bar y_i (x_i - \mu) - "
    r"2 \bar v\right), \quad \bar\gamma = r \sum_i \bar y_i (x_i - \mu), \quad "
    r"\bar\beta = \sum_i \bar y_i",
    vjps=[_batch_normalization_vjp],
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3), s.normal(3)),
        call(s.normal(2, 3, 4), s.normal(3), s.normal(3), axis=1, epsilon=1e-5),
        call(s.normal(2, 2, 3), s.normal(3), None),
        call(s.normal(4, 3), None, s.normal(3)),
        call(s.normal(4, 3), None, None),
    ],
    torch=_torch_batch_normalization,
    numpy=[],
)
