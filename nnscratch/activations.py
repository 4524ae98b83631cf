"""Activation functions, with Keras's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.naming import resolve
from nnscratch.ops.special import log_softmax, relu, sigmoid, softmax, softplus

if TYPE_CHECKING:
    from collections.abc import Callable


def linear(x: Any) -> Any:
    """Itself."""
    return x


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return np.tanh(x)


def exponential(x: Any) -> Any:
    """Exponential."""
    return np.exp(x)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "linear": linear,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softplus": softplus,
    "exponential": exponential,
}


def get(identifier: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """An activation from its name, a function, or None for linear.

    Raises:
        ValueError: no activation has this name.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return resolve("activation", identifier, ACTIVATIONS)
    return identifier
