"""Margin losses, as support vector machines have them: a right answer must win by 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.losses.base import BuiltInLoss


class Hinge(BuiltInLoss):
    """L = mean over outputs of max(1 - y ŷ, 0), y = ±1; targets of 0 and 1 become -1 and 1."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(np.maximum(1 - _signs(y_true) * y_pred, 0), axis=-1)


class SquaredHinge(BuiltInLoss):
    """L = mean over outputs of max(1 - y ŷ, 0)², y = ±1; targets of 0 and 1 become -1 and 1."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(np.square(np.maximum(1 - _signs(y_true) * y_pred, 0)), axis=-1)


class CategoricalHinge(BuiltInLoss):
    """L = max(1 + n - p, 0): the right class's score p must exceed all others', n, by 1.

    p = Σ_j y_j ŷ_j and n = max_j (1 - y_j) ŷ_j for one-hot y.
    """

    pointwise = False

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) to (batch,)."""
        right = np.sum(y_true * y_pred, axis=-1)
        others = np.max((1 - y_true) * y_pred, axis=-1)
        return np.maximum(others - right + 1, 0)


def _signs(y_true: Any) -> Any:
    """Targets of 0 and 1 as -1 and 1; others, ±1 already, as they are."""
    binary = np.logical_or(np.equal(y_true, 0), np.equal(y_true, 1))
    return np.where(np.all(binary), 2 * y_true - 1, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """The L of `Hinge` for each sample."""
    return Hinge().each(y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The L of `SquaredHinge` for each sample."""
    return SquaredHinge().each(y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """The L of `CategoricalHinge` for each sample."""
    return CategoricalHinge().each(y_true, y_pred)
