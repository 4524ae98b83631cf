"""Activation functions, with Keras's names, defaults and formulas (`keras.activations` 3.15.1).

    ns.activations.gelu(x)
    ns.layers.Dense(64, activation="gelu")

Most are ops of `ns.ops`: they take arrays or tensors, and their docstrings give formula and source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.naming import made, resolve
from nnscratch.ops.activation_functions import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    mish,
    relu6,
    selu,
    silu,
    soft_shrink,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)
from nnscratch.ops.special import log_softmax, relu, sigmoid, softmax, softplus

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = [
    "ACTIVATIONS",
    "celu",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def linear(x: Any) -> Any:
    """Itself."""
    return x


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, (exp(x) - exp(-x)) / (exp(x) + exp(-x)), in [-1, 1]."""
    return np.tanh(x)


def exponential(x: Any) -> Any:
    """Exponential, exp(x)."""
    return np.exp(x)


swish = silu
hard_swish = hard_silu

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "celu": celu,
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "glu": glu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "swish": silu,
    "tanh": tanh,
    "tanh_shrink": tanh_shrink,
    "threshold": threshold,
}


def get(identifier: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """An activation from its name, a function, or None for linear.

    Raises:
        ValueError: no activation has this name; the message lists the near matches.
        TypeError: neither a name nor a function.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return resolve("activation", identifier, ACTIVATIONS)
    return made("activation", identifier)
