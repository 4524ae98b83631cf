"""What the network is told of a point: its coordinates, or what one computes from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COORDINATES = ("x1", "x2")

FEATURES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "x1": ("x₁", lambda x1, x2: x1),
    "x2": ("x₂", lambda x1, x2: x2),
    "x1*x1": ("x₁²", lambda x1, x2: x1 * x1),
    "x2*x2": ("x₂²", lambda x1, x2: x2 * x2),
    "x1*x2": ("x₁x₂", lambda x1, x2: x1 * x2),
    "sin(pi*x1)": ("sin πx₁", lambda x1, x2: np.sin(math.pi * x1)),
    "sin(pi*x2)": ("sin πx₂", lambda x1, x2: np.sin(math.pi * x2)),
}
"""For each feature what it is called on the page, and the function of both coordinates."""


class Features(Layer):
    """Features of points: from shape (n, 2) to (n, features). It has no weights."""

    def __init__(self, features: Sequence[str], **options: Any) -> None:
        """Choose them.

        Args:
            features: some of `FEATURES`.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.features = features

    def call(self, points: Any) -> Any:
        """The features of points of shape (n, 2), in the order in which they were chosen."""
        x1, x2 = points[:, 0], points[:, 1]
        return np.stack([FEATURES[name][1](x1, x2) for name in self.features], axis=1)
