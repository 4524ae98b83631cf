"""Penalties on weights that are added to the loss, as `keras.regularizers` 3.15.1.

    layers.Dense(64, kernel_regularizer=ns.regularizers.L2(1e-4))

A regularizer is called with a weight and gives a scalar that can be differentiated.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.placement import array_module
from nnscratch.configuration import Configured
from nnscratch.naming import made, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST_NORM = 1e-7
"""Keras's ε: a shorter row or column is not stretched to length 1."""


class Regularizer(Configured):
    """Base of all regularizers: a subclass gives the penalty of a weight in `__call__`."""

    def __call__(self, weight: Any) -> Any:
        """The penalty, a scalar: a tensor for a tensor."""
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(self, weight) method.")


class L1(Regularizer):
    """l1 · Σ |w|: it drives weights to exactly zero (the lasso)."""

    def __init__(self, l1: float = 0.01) -> None:
        """Choose the factor, a finite number that is not negative.

        Raises:
            ValueError: another factor.
        """
        self.l1 = _factor("l1", l1)

    def __call__(self, weight: Any) -> Any:
        """The penalty, a scalar of the dtype of `weight`."""
        return self.l1 * np.sum(np.abs(weight))


class L2(Regularizer):
    """l2 · Σ w²: it shrinks weights in proportion to their size (ridge regression)."""

    def __init__(self, l2: float = 0.01) -> None:
        """Choose the factor, a finite number that is not negative.

        Raises:
            ValueError: another factor.
        """
        self.l2 = _factor("l2", l2)

    def __call__(self, weight: Any) -> Any:
        """The penalty, a scalar of the dtype of `weight`."""
        return self.l2 * np.sum(np.square(weight))


class L1L2(Regularizer):
    """l1 · Σ |w| + l2 · Σ w² (the elastic net)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        """Choose the factors, finite numbers that are not negative.

        Raises:
            ValueError: another factor.
        """
        self.l1 = _factor("l1", l1)
        self.l2 = _factor("l2", l2)

    def __call__(self, weight: Any) -> Any:
        """The penalty, a scalar of the dtype of `weight`."""
        return self.l1 * np.sum(np.abs(weight)) + self.l2 * np.sum(np.square(weight))


class OrthogonalRegularizer(Regularizer):
    """factor · the mean of |cos| of the angles between the rows (or columns) of a matrix."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        """Choose what shall become orthogonal.

        Args:
            factor: a finite number that is not negative.
            mode: "rows" or "columns".

        Raises:
            ValueError: another factor or mode.
        """
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode is 'rows' or 'columns', got {mode!r}: choose one.")
        self.factor = _factor("factor", factor)
        self.mode = mode

    def __call__(self, weight: Any) -> Any:
        """The penalty, a scalar of the dtype of `weight`.

        Raises:
            ValueError: not a matrix, or one with a single row (or column).
        """
        if weight.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer needs a matrix, got a weight of shape {weight.shape}."
            )
        rows = weight if self.mode == "rows" else weight.T
        count = rows.shape[0]
        if count < 2:
            raise ValueError(
                f"OrthogonalRegularizer compares {self.mode} with each other, got a weight of "
                f"shape {weight.shape}: it needs at least two of them."
            )
        squares = np.sum(np.square(rows), axis=1, keepdims=True)
        unit = rows / np.sqrt(np.maximum(squares, SMALLEST_NORM**2))
        others = 1 - array_module(weight).eye(count, dtype=weight.dtype)
        cosines = (unit @ unit.T) * others
        return (self.factor / (count * (count - 1))) * np.sum(np.abs(cosines))


def _factor(name: str, value: Any) -> float:
    if not isinstance(value, int | float | np.number) or not 0 <= value < math.inf:
        raise ValueError(f"{name} is a finite number from 0 up, got {value!r}: give such a number.")
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

REGULARIZERS: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": lambda: L1L2(0.01, 0.01),
    "l1l2": lambda: L1L2(0.01, 0.01),
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def get(identifier: str | Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """A regularizer from its name, itself, a function of a weight, or None for none.

    The names "l1_l2" and "l1l2" mean factors of 0.01 each, as Keras documents it. (Its code makes
    an `L1L2()` of "l1l2", which penalises nothing, and does not know "l1_l2".)

    Raises:
        ValueError: no regularizer has this name; the message lists the near matches.
        TypeError: none of these.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return resolve("regularizer", identifier, REGULARIZERS)()
    return made("regularizer", identifier)
