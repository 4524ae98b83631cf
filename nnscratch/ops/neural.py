"""The fused ops of neural networks: what layers and losses call on every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Op, call
from nnscratch.ops.special import sigmoid
from nnscratch_kernels import numpy_kernels as kernels


def _kernel_gradient(g: Any, y: Any, x: Any, kernel: Any, bias: Any) -> Any:
    if x.ndim == 2:
        return x.T @ g
    return np.reshape(x, (-1, x.shape[-1])).T @ np.reshape(g, (-1, g.shape[-1]))


dense = Op(
    "dense",
    kernels.dense,
    formula="y = x W + b",
    derivative=r"\bar x = \bar y\, W^T, \quad \bar W = x^T \bar y, \quad \bar b = \sum_i \bar y_i",
    vjps=(
        lambda g, y, x, kernel, bias: g @ kernel.T,
        _kernel_gradient,
        lambda g, y, x, kernel, bias: g,
    ),
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(3, 2), s.normal(2)),
        call(s.normal(2, 4, 3), s.normal(3, 5), s.normal(5)),
        call(s.normal(3), s.normal(3, 2), s.normal(2)),
    ],
    torch=lambda torch, x, kernel, bias: torch.nn.functional.linear(x, kernel.T, bias),
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
