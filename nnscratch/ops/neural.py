"""The fused ops of neural networks: what layers call on every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Op, call
from nnscratch.autograd.placement import array_module
from nnscratch.ops.activation_functions import gelu
from nnscratch.ops.indexing import add_at
from nnscratch.ops.kernel_rules import is_recorded
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from collections.abc import Sequence


_SLOPE_FROM_Z = {"gelu": False, "gelu_tanh": True}
"""Activations whose slope y does not tell; whether it is the approximation of gelu."""


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
    if not is_recorded(y):
        saved = kernels.dense(x, kernel, bias) if activation in _SLOPE_FROM_Z else y
        gradients: tuple[Any, Any, Any] = kernels.dense_gradient(
            wanted, g, saved, x, kernel, activation
        )
        return gradients
    if activation == "relu":
        g = g * (y > 0)
    elif activation == "sigmoid":
        g = g * y * (1 - y)
    elif activation == "tanh":
        g = g * (1 - y * y)
    elif activation in _SLOPE_FROM_Z:
        z = dense(x, kernel, bias)
        g = gelu.gradients([True], g, y, [z], {"approximate": _SLOPE_FROM_Z[activation]})[0]
    of_x, of_kernel, of_bias = wanted
    rows, g_rows = (x, g) if x.ndim == 2 else (_rows(x), _rows(g))
    return (
        g.dot(kernel.T) if of_x else None,
        rows.T.dot(g_rows) if of_kernel else None,
        np.add.reduce(g_rows, axis=0) if of_bias else None,
    )


def _rows(x: Any) -> Any:
    return np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _torch_activation(torch: Any, activation: str, z: Any) -> Any:
    if activation in _SLOPE_FROM_Z:
        approximate = "tanh" if _SLOPE_FROM_Z[activation] else "none"
        return torch.nn.functional.gelu(z, approximate=approximate)
    return z if activation == "linear" else getattr(torch, activation)(z)


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
        *(
            call(s.normal(4, 3), s.normal(3, 2), s.normal(2), activation=activation)
            for activation in ("relu", "sigmoid", "tanh", "gelu", "gelu_tanh")
        ),
    ],
    torch=lambda torch, x, kernel, bias, activation="linear": _torch_activation(
        torch, activation, torch.nn.functional.linear(x, kernel.T, bias)
    ),
    numpy=[],
)


def _embedding_vjp(g: Any, y: Any, table: Any, indices: Any) -> Any:
    """Each row's gradient goes back to the row; those that meet there add up."""
    if is_recorded(y):
        return add_at(array_module(table).zeros(table.shape, g.dtype), g, indices)
    return kernels.embedding_scatter_add(g, indices, len(table))


embedding = Op(
    "embedding",
    kernels.embedding_gather,
    arity=2,
    formula=r"y_k = t_{i(k)}",
    derivative=r"\bar t_j = \sum_{k:\, i(k) = j} \bar y_k",
    vjps=[_embedding_vjp, None],
    samples=lambda s: [
        call(s.normal(4, 3), np.array([0, 2, 2, 3])),
        call(s.normal(5, 2), np.array([[1, 1, 4], [0, 1, 4]])),
        call(s.normal(4, 3), np.array(2)),
        call(s.normal(4, 3), np.zeros((0, 2), np.int64)),
    ],
    torch=lambda torch, table, indices: torch.nn.functional.embedding(indices, table),
    numpy=[],
)
