"""Points in the plane, of two classes, to play with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = 300
"""How many points a data set has."""

TRAINING = 150
"""How many of them, the first ones, are trained on; the others are held out."""


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


DATASETS: dict[str, Callable[[np.random.Generator, int], tuple[Any, Any]]] = {
    "circle": circle,
    "xor": xor,
    "blobs": blobs,
    "moons": moons,
    "spiral": spiral,
}


def make(name: str, noise: float, seed: int) -> tuple[Any, Any]:
    """The points of a data set, float32 of shape (POINTS, 2), and their classes, 0 or 1.

    Args:
        name: one of `DATASETS`.
        noise: standard deviation of what is added to each coordinate.
        seed: of the generator.
    """
    generator = np.random.default_rng(seed)
    points, labels = DATASETS[name](generator, POINTS)
    points = points + noise * generator.standard_normal(points.shape)
    return points.astype(np.float32), labels.astype(np.float32)
