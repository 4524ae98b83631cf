"""The fused ops of neural networks: what layers and losses call on every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Op, call
from nnscratch.ops.special import sigmoid
from nnscratch_kernels import numpy_kernels as kernels

if TYPE_CHECKING:
    from collections.abc import Sequence


def _dense_vjp(
    wanted: Sequence[bool],
    g: Any,
    y: Any,
    x: Any,
    kernel: Any,
    bias: Any,
    activation: str = "linear",
) -> tuple[Any, Any, Any]:
    """Through the activation once, then to each argument."""
    if activation == "relu":
        g = g * (y > 0)
    of_x, of_kernel, of_bias = wanted
    rows, g_rows = (x, g) if x.ndim == 2 else (_rows(x), _rows(g))
    return (
        g.dot(kernel.T) if of_x else None,
        rows.T.dot(g_rows) if of_kernel else None,
        np.add.reduce(g_rows, axis=0) if of_bias else None,
    )


def _rows(x: Any) -> Any:
    return np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


dense = Op(
    "dense",
    kernels.dense,
    arity=3,
    joint=True,
    formula=r"y = \varphi(x W + b)",
    derivative=r"\bar z = \bar y\, \varphi'(z), \quad \bar x = \bar z\, W^T, \quad "
    r"\bar W = x^T \bar z, \quad \bar b = \sum_i \bar z_i",
    vjps=[_dense_vjp],
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3, 2), s.normal(2)),
        call(s.normal(2, 4, 3), s.normal(3, 5), s.normal(5)),
        call(s.normal(3), s.normal(3, 2), s.normal(2)),
        call(s.normal(4, 3), s.normal(3, 2), s.normal(2), activation="relu"),
    ],
    torch=lambda torch, x, kernel, bias, activation="linear": (
        torch.relu if activation == "relu" else torch.positive
    )(torch.nn.functional.linear(x, kernel.T, bias)),
    numpy=[],
)

binary_crossentropy_from_logits = Op(
    "binary_crossentropy_from_logits",
    kernels.binary_crossentropy_from_logits,
    formula=r"L = -t \ln \sigma(z) - (1 - t) \ln(1 - \sigma(z))",
    derivative=r"\bar z = \bar L\, (\sigma(z) - t), \quad \bar t = -\bar L\, z",
    vjps=(
        lambda g, y, target, logits: -g * logits,
        lambda g, y, target, logits: g * (sigmoid(logits) - target),
    ),
    samples=lambda s: [
        call(s.positive(4, 3) / 2, s.normal(4, 3)),
        call(s.mask(5, 1).astype(float), 20 * s.normal(5, 1)),
    ],
    torch=lambda torch, target, logits: torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target, reduction="none"
    ),
    numpy=[],
)

mean_binary_crossentropy_from_logits = Op(
    "mean_binary_crossentropy_from_logits",
    kernels.mean_binary_crossentropy_from_logits,
    formula=r"L = \frac{1}{N} \sum_i -t_i \ln \sigma(z_i) - (1 - t_i) \ln(1 - \sigma(z_i))",
    derivative=r"\bar z_i = \frac{\bar L}{N} (\sigma(z_i) - t_i), \quad "
    r"\bar t_i = -\frac{\bar L}{N} z_i",
    vjps=(
        lambda g, y, target, logits: -(g / logits.size) * logits,
        lambda g, y, target, logits: (sigmoid(logits) - target) * (g / logits.size),
    ),
    samples=lambda s: [
        call(s.positive(4, 3) / 2, s.normal(4, 3)),
        call(s.mask(5, 1).astype(float), 20 * s.normal(5, 1)),
    ],
    torch=lambda torch, target, logits: torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target
    ),
    numpy=[],
)
