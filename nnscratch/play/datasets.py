"""Points in the plane to play with: of two classes, or with a value each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

POINTS = 300
"""How many points a data set has."""


def circle(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """A disc inside a ring."""
    labels = np.arange(count) % 2
    radius = np.where(labels, generator.uniform(0, 0.45, count), generator.uniform(0.65, 1, count))
    angle = generator.uniform(0, 2 * math.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def xor(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Four squares, those across from each other of one class."""
    points = generator.uniform(-1, 1, (count, 2))
    points += 0.06 * np.sign(points)
    return points, (points[:, 0] * points[:, 1] > 0).astype(int)


def blobs(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Two clouds that a line tells apart."""
    labels = np.arange(count) % 2
    centres = np.where(labels[:, None] == 1, 0.5, -0.5)
    return centres + 0.2 * generator.standard_normal((count, 2)), labels


def moons(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Two half circles, one in the other's bend."""
    labels = np.arange(count) % 2
    angle = generator.uniform(0, math.pi, count)
    x = np.where(labels, 0.5 - np.cos(angle), np.cos(angle)) - 0.25
    y = np.where(labels, 0.25 - np.sin(angle), np.sin(angle)) - 0.1
    return 0.75 * np.stack([x, y], axis=1), labels


def spiral(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Two arms, each once and a half around the other."""
    labels = np.arange(count) % 2
    along = np.sqrt(generator.uniform(0.02, 1, count))
    angle = 3 * math.pi * along + math.pi * labels
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1), labels


def slope(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """A value that grows evenly from one corner to the other."""
    points = generator.uniform(-1, 1, (count, 2))
    return points, points.mean(axis=1)


def hills(generator: np.random.Generator, count: int) -> tuple[Any, Any]:
    """A value with a hill on one side and a hollow on the other."""
    points = generator.uniform(-1, 1, (count, 2))
    return points, np.sin(math.pi * points[:, 0]) * np.cos(math.pi / 2 * points[:, 1])


Maker = Callable[[np.random.Generator, int], tuple[Any, Any]]

CLASSES: dict[str, Maker] = {
    "circle": circle,
    "xor": xor,
    "blobs": blobs,
    "moons": moons,
    "spiral": spiral,
}
"""Data sets whose targets are classes, 0 or 1."""

VALUES: dict[str, Maker] = {"slope": slope, "hills": hills}
"""Data sets whose targets are values from -1 to 1."""

DATASETS = CLASSES | VALUES


def make(name: str, noise: float, seed: int) -> tuple[Any, Any]:
    """The points of a data set, float32 of shape (POINTS, 2), and their targets, float32.

    Args:
        name: one of `DATASETS`.
        noise: standard deviation of what is added to each coordinate.
        seed: of the generator.
    """
    # Not the numbers that the same seed gives to the weights.
    generator = np.random.default_rng([seed, POINTS])
    points, targets = DATASETS[name](generator, POINTS)
    points = points + noise * generator.standard_normal(points.shape)
    return points.astype(np.float32), targets.astype(np.float32)
