"""The fused ops of neural networks: what layers call on every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Op, Tensor, call
from nnscratch_kernels import auto as kernels

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
        _column_sums(g_rows) if of_bias else None,
    )


def _column_sums(g: Any) -> Any:
    """Σ_i g_i by the kernel; for a tensor by NumPy's function, which is recorded."""
    return np.add.reduce(g, axis=0) if isinstance(g, Tensor) else kernels.column_sums(g)


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
