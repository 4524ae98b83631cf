"""The random numbers of initial weights, shuffling and dropout, all from one seeded generator."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_generator: np.random.Generator | None = None

_override: ContextVar[np.random.Generator | None] = ContextVar("nnscratch_generator", default=None)


def seed(value: int) -> None:
    """Fix every random number drawn from now on: the same bits run after run."""
    global _generator
    _generator = np.random.default_rng(value)


@contextmanager
def using(generator: np.random.Generator) -> Iterator[None]:
    """Draw from `generator` inside the block, in this thread alone."""
    token = _override.set(generator)
    try:
        yield
    finally:
        _override.reset(token)


def generator() -> np.random.Generator:
    """The generator that everything in nnscratch draws from unless it is given one."""
    global _generator
    override = _override.get()
    if override is not None:
        return override
    if _generator is None:  # made late, since NumPy loads its random module late
        _generator = np.random.default_rng()
    return _generator


def get_state() -> dict[str, Any]:
    """Where the generator stands, as JSON can hold it."""
    return dict(generator().bit_generator.state)


def set_state(state: dict[str, Any]) -> None:
    """Go on from where `get_state` was called.

    Raises:
        ValueError: the state of another kind of generator.
    """
    generator().bit_generator.state = state
