"""What the comparisons of the losses and of the metrics with Keras share: cases and their data."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
import pytest

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


class Case(NamedTuple):
    """A loss or metric, by its name and options, and what its targets and predictions are."""

    name: str
    targets: str
    predictions: str
    options: dict[str, Any]

    def __str__(self) -> str:
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}({options})-{self.targets}-{self.predictions}"


def case(name: str, targets: str, predictions: str, **options: Any) -> Case:
    return Case(name, targets, predictions, options)


def arrays(kind: str, shape: tuple[int, ...], seed: int) -> Any:
    """Targets or predictions of a kind; labels lack the axis of the classes."""
    generator = np.random.default_rng(seed)
    numbers = 2 * generator.standard_normal(shape)
    exponentials = np.exp(numbers)
    if kind in ("labels", "class_axis_1"):
        axis = -1 if kind == "labels" else 1
        inner = [length for i, length in enumerate(shape) if i != axis % len(shape)]
        return generator.integers(shape[axis], size=inner)
    return {
        "numbers": numbers,
        "binary": (numbers > 0).astype(float),
        "signs": np.sign(numbers),
        "counts": generator.poisson(2, shape).astype(float),
        "probability": generator.random(shape),
        "distribution": exponentials / exponentials.sum(axis=-1, keepdims=True),
        "ties": generator.integers(3, size=shape) / 2,
        "one_hot": np.eye(shape[-1])[generator.integers(shape[-1], size=shape[:-1])],
    }[kind]


def arguments(function: Any) -> list[tuple[str, Any]]:
    """The names and defaults of what a function or a constructor takes."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, None if p.name == "name" else p.default) for p in parameters]
