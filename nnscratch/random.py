"""The random numbers of initial weights, shuffling and dropout, all from one seeded generator."""

from __future__ import annotations

import numpy as np

_generator: np.random.Generator | None = None


def seed(value: int) -> None:
    """Fix every random number drawn from now on: the same bits run after run."""
    global _generator
    _generator = np.random.default_rng(value)


def generator() -> np.random.Generator:
    """The generator that everything in nnscratch draws from unless it is given one."""
    global _generator
    if _generator is None:  # made late, since NumPy loads its random module late
        _generator = np.random.default_rng()
    return _generator
