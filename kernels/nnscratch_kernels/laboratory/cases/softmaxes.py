"""Cases of the softmax family, along the rows of a matrix."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import FUNCTION, Draw, Recipe


def _logits(draw: Draw) -> tuple[Any, ...]:
    return (draw.normal(*draw.matrix(), scale=3.0),)


def _gradient_of(name: str) -> Any:
    def arguments(draw: Draw) -> tuple[Any, ...]:
        (x,) = _logits(draw)
        return draw.normal(*x.shape), getattr(numpy_kernels, name)(x)

    return arguments


RECIPES = {
    "softmax": Recipe(
        "softmax",
        _logits,
        lambda x: (FUNCTION + 4) * x.size,
        torch=lambda torch, x: torch.softmax(x, -1),
        jax=lambda jax, x: jax.nn.softmax(x),
    ),
    "log_softmax": Recipe(
        "log_softmax",
        _logits,
        lambda x: (FUNCTION + 4) * x.size,
        torch=lambda torch, x: torch.log_softmax(x, -1),
        jax=lambda jax, x: jax.nn.log_softmax(x),
    ),
    "logsumexp": Recipe(
        "logsumexp",
        _logits,
        lambda x: (FUNCTION + 3) * x.size,
        {"axis": -1},
        torch=lambda torch, x: torch.logsumexp(x, -1),
        jax=lambda jax, x: jax.nn.logsumexp(x, -1),
    ),
    "softmax_gradient": Recipe(
        "softmax_gradient",
        _gradient_of("softmax"),
        lambda g, y: 4 * y.size,
        torch=lambda torch, g, y: torch._softmax_backward_data(g, y, -1, y.dtype),
    ),
    "log_softmax_gradient": Recipe(
        "log_softmax_gradient",
        _gradient_of("log_softmax"),
        lambda g, y: (FUNCTION + 3) * y.size,
        torch=lambda torch, g, y: torch._log_softmax_backward_data(g, y, -1, y.dtype),
    ),
}
