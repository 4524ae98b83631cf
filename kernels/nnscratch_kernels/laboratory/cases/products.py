"""Cases of matrix products and dense layers."""

from __future__ import annotations

import math
from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import FUNCTION, Draw, Recipe

_IN_PLACE = ("relu", "sigmoid", "tanh")
"""The activations that PyTorch has in place."""

_OF_ACTIVATION = {
    "linear": 0,
    "relu": 1,
    "sigmoid": FUNCTION + 3,
    "tanh": FUNCTION,
    "gelu": FUNCTION + 4,
    "gelu_tanh": FUNCTION + 8,
}


def _square(draw: Draw) -> tuple[Any, ...]:
    side = max(1, round(math.sqrt(draw.count)))
    return draw.normal(side, side), draw.normal(side, side)


def _product(kernel: str = "matmul", torch: Any = None, **options: Any) -> Recipe:
    return Recipe(
        kernel,
        _square,
        lambda a, b: 2 * a.shape[0] * a.size,
        options,
        torch=torch or (lambda torch, a, b: a @ b),
        jax=None if torch else (lambda jax, a, b: a @ b),
    )


def _dense(draw: Draw) -> tuple[Any, ...]:
    rows, width = draw.matrix()
    scale = 1 / math.sqrt(width)
    return draw.normal(rows, width), draw.normal(width, width, scale=scale), draw.normal(width)


def _dense_gradient(activation: str) -> Any:
    saved = 1 if activation.startswith("gelu") else 0

    def arguments(draw: Draw) -> tuple[Any, ...]:
        x, kernel, bias = _dense(draw)
        both = numpy_kernels.dense_with_preactivation(x, kernel, bias, activation)
        return (True, True, True), draw.normal(*both[0].shape), both[saved], x, kernel

    return arguments


def _torch_activation(torch: Any, activation: str, z: Any) -> Any:
    if activation == "linear":
        return z
    if activation in _IN_PLACE:
        return getattr(torch, f"{activation}_")(z)
    approximate = "tanh" if activation == "gelu_tanh" else "none"
    return torch.nn.functional.gelu(z, approximate=approximate)


def _torch_slope(torch: Any, activation: str, g: Any, saved: Any) -> Any:
    if activation == "linear":
        return g
    if activation == "relu":
        return torch.ops.aten.threshold_backward(g, saved, 0)
    if activation in ("sigmoid", "tanh"):
        return getattr(torch.ops.aten, f"{activation}_backward")(g, saved)
    approximate = "tanh" if activation == "gelu_tanh" else "none"
    return torch.ops.aten.gelu_backward(g, saved, approximate=approximate)


def _dense_case(activation: str) -> dict[str, Recipe]:
    """The cases of one activation."""
    suffix = "" if activation == "linear" else f" ({activation})"
    extra = _OF_ACTIVATION[activation]

    def forward(x: Any, kernel: Any, bias: Any) -> float:
        return float(2 * x.shape[0] * kernel.size + (1 + extra) * x.shape[0] * bias.size)

    def backward(wanted: Any, g: Any, saved: Any, x: Any, kernel: Any) -> float:
        return float(4 * x.shape[0] * kernel.size + (1 + extra) * g.size)

    def torch_forward(torch: Any, x: Any, kernel: Any, bias: Any) -> Any:
        return _torch_activation(torch, activation, torch.addmm(bias, x, kernel))

    def torch_both(torch: Any, x: Any, kernel: Any, bias: Any) -> Any:
        z = torch.addmm(bias, x, kernel)
        return _torch_activation(torch, activation, z.clone() if activation in _IN_PLACE else z), z

    def torch_backward(torch: Any, wanted: Any, g: Any, saved: Any, x: Any, kernel: Any) -> Any:
        g = _torch_slope(torch, activation, g, saved)
        return g @ kernel.T, x.T @ g, g.sum(0)

    options = {"activation": activation}
    return {
        f"dense{suffix}": Recipe("dense", _dense, forward, options, torch=torch_forward),
        f"dense_with_preactivation{suffix}": Recipe(
            "dense_with_preactivation", _dense, forward, options, torch=torch_both
        ),
        f"dense_gradient{suffix}": Recipe(
            "dense_gradient", _dense_gradient(activation), backward, options, torch=torch_backward
        ),
    }


RECIPES = {
    "matmul": _product(),
    "matmul (transposed)": _product(
        torch=lambda torch, a, b: a.T @ b.T, transpose_a=True, transpose_b=True
    ),
    **{name: recipe for each in _OF_ACTIVATION for name, recipe in _dense_case(each).items()},
}
