"""Sample inputs: the calls that an op's declaration gives to the tests and to the docs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Sample(NamedTuple):
    """One call of an op: `op(*args, **params)`.

    Attributes:
        args: positional arguments; every floating-point array among them is differentiated.
        params: named arguments.
    """

    args: tuple[Any, ...]
    params: dict[str, Any]


def call(*args: Any, **params: Any) -> Sample:
    """A sample: the call of an op with these arguments."""
    return Sample(args, params)


class SampleSource:
    """Makes float64 arrays whose elements are distinct and away from the op's corners."""

    def __init__(self, seed: int = 0) -> None:
        """Start from `seed`: the same samples every time."""
        self._generator = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Any:
        """Both signs, at least 0.1 away from zero."""
        values = self._generator.standard_normal(shape)
        return np.asarray(values + np.copysign(0.1, values))

    def positive(self, *shape: int) -> Any:
        """Between 0.5 and 2."""
        return np.asarray(self._generator.uniform(0.5, 2.0, shape))

    def unit(self, *shape: int) -> Any:
        """Between -0.9 and 0.9, at least 0.05 away from zero."""
        values = self._generator.uniform(-0.85, 0.85, shape)
        return np.asarray(values + np.copysign(0.05, values))

    def distinct(self, *shape: int) -> Any:
        """A shuffled grid with steps of 0.3: no ties, and a finite difference changes no order."""
        size = int(np.prod(shape))
        return (0.3 * (self._generator.permutation(size) - size / 2) + 0.1).reshape(shape)

    def matrix(self, *shape: int) -> Any:
        """Square matrices (the last two axes) far from singular."""
        return self._generator.standard_normal(shape) + shape[-1] * np.eye(shape[-1])

    def integers(self, high: int, *shape: int) -> Any:
        """Integers from 0 to `high` - 1."""
        return np.asarray(self._generator.integers(high, size=shape))

    def mask(self, *shape: int) -> Any:
        """Booleans, about half of them true."""
        return np.asarray(self._generator.random(shape) < 0.5)
