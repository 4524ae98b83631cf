"""Initial weights, with Keras's names, defaults and formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import random
from nnscratch.naming import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


class Initializer:
    """Makes an array of a shape and dtype; `seed` fixes its numbers."""

    def __init__(self, seed: int | None = None) -> None:
        """Draw from the global generator, or from one of its own with `seed`."""
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape`."""
        raise NotImplementedError

    def generator(self) -> np.random.Generator:
        """The generator to draw from."""
        return random.generator() if self.seed is None else np.random.default_rng(self.seed)


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape`."""
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape`."""
        return np.ones(shape, dtype)


class GlorotUniform(Initializer):
    """Uniform in [-l, l] with l = √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape`."""
        fan_in, fan_out = fans(shape)
        limit = math.sqrt(6.0 / (fan_in + fan_out))
        return self.generator().uniform(-limit, limit, shape).astype(dtype)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs and outputs a weight of `shape` connects, as Keras counts them.

    The last two axes are inputs and outputs; those before them are a convolution's window.
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "glorot_uniform": GlorotUniform,
}


def get(identifier: str | Initializer | Callable[..., Any]) -> Callable[..., Any]:
    """An initializer from its name, itself, or any function of `(shape, dtype)`.

    Raises:
        ValueError: no initializer has this name.
    """
    if isinstance(identifier, str):
        return resolve("initializer", identifier, INITIALIZERS)()
    return identifier
