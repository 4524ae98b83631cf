"""Bounds that weights are brought back into after each update, as `keras.constraints` 3.15.1.

    layers.Dense(64, kernel_constraint=ns.constraints.MaxNorm(3))

A constraint is called with the array of a weight and gives a new array of its shape and dtype.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.configuration import Configured
from nnscratch.naming import made, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Axis = int | Sequence[int] | None

EPSILON = 1e-7
"""Keras's, added to the norms that are divided by."""


class Constraint(Configured):
    """Base of all constraints: a subclass gives the allowed weight in `__call__`."""

    def __call__(self, weight: Any) -> Any:
        """An allowed array of the shape and dtype of `weight`: here the weight itself."""
        return weight


class NonNeg(Constraint):
    """No weight below zero: max(w, 0)."""

    def __call__(self, weight: Any) -> Any:
        """An allowed array of the shape and dtype of `weight`."""
        return np.maximum(weight, 0)


class MaxNorm(Constraint):
    """No norm above a bound: w · min(‖w‖, max_value) / (ε + ‖w‖) along an axis."""

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        """Choose the bound.

        Args:
            max_value: the largest norm.
            axis: the axis or axes of each vector; 0 are the weights into each unit of a Dense
                layer, (0, 1, 2) those of each filter of a convolution in two dimensions.
        """
        self.max_value = max_value
        self.axis = axis

    def __call__(self, weight: Any) -> Any:
        """An allowed array of the shape and dtype of `weight`."""
        norms = _norms(weight, self.axis)
        return weight * (np.minimum(norms, self.max_value) / (EPSILON + norms))


class MinMaxNorm(Constraint):
    """Norms between two bounds: w · d / (ε + ‖w‖) along an axis.

    d = rate · min(max(‖w‖, min_value), max_value) + (1 - rate) · ‖w‖.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        """Choose the bounds.

        Args:
            min_value: the smallest norm.
            max_value: the largest norm.
            rate: 1 goes there at once, a smaller number by this part of the way each time.
            axis: see `MaxNorm`.
        """
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, weight: Any) -> Any:
        """An allowed array of the shape and dtype of `weight`."""
        norms = _norms(weight, self.axis)
        inside = np.clip(norms, self.min_value, self.max_value)
        desired = self.rate * inside + (1 - self.rate) * norms
        return weight * (desired / (EPSILON + norms))


class UnitNorm(Constraint):
    """Norms of one: w / (ε + ‖w‖) along an axis."""

    def __init__(self, axis: Axis = 0) -> None:
        """Choose the axis, see `MaxNorm`."""
        self.axis = axis

    def __call__(self, weight: Any) -> Any:
        """An allowed array of the shape and dtype of `weight`."""
        return weight / (EPSILON + _norms(weight, self.axis))


def _norms(weight: Any, axis: Axis) -> Any:
    axes = axis if axis is None or isinstance(axis, int) else tuple(axis)
    return np.sqrt(np.sum(np.square(weight), axis=axes, keepdims=True))


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

CONSTRAINTS: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}


def get(identifier: str | Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """A constraint from its name, itself, a function of an array, or None for none.

    Raises:
        ValueError: no constraint has this name; the message lists the near matches.
        TypeError: none of these.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return resolve("constraint", identifier, CONSTRAINTS)()
    return made("constraint", identifier)
