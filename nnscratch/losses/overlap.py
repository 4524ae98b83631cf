"""Losses of overlap between predicted and true regions, for segmentation.

Unlike the others they are one number for the whole batch unless `axis` leaves its axis out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import EPSILON, BuiltInLoss

if TYPE_CHECKING:
    import numpy.typing as npt

    Axis = int | tuple[int, ...] | None


class Tversky(BuiltInLoss):
    """L = 1 - i / (i + α a + β b) (Salehi et al. 2017).

    i = Σ y ŷ is the overlap, a = Σ y (1 - ŷ) what was missed and b = Σ (1 - y) ŷ what was wrongly
    found; the denominator is raised by 1e-7. α and β go with a and b as in Keras 3.15.1.
    """

    pointwise = False

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the weights of both mistakes.

        Args:
            alpha: α, the weight of what was missed.
            beta: β, the weight of what was wrongly found.
            reduction: see `Loss`.
            name: see `Loss`.
            axis: the axes to sum over; None means all.
            dtype: see `Loss`.
        """
        super().__init__(reduction, name, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, ...) to that shape without `axis`."""
        overlap = np.sum(y_true * y_pred, axis=self.axis)
        missed = np.sum(y_true * (1 - y_pred), axis=self.axis)
        wrong = np.sum((1 - y_true) * y_pred, axis=self.axis)
        return 1 - overlap / (overlap + self.alpha * missed + self.beta * wrong + EPSILON)


class Dice(BuiltInLoss):
    """L = 1 - 2 Σ y ŷ / (Σ y + Σ ŷ + 1e-7) (Dice 1945; Milletari et al. 2016)."""

    pointwise = False

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the axes to sum over, None for all; the rest as in `Loss`."""
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, ...) to that shape without `axis`."""
        overlap = np.sum(y_true * y_pred, axis=self.axis)
        sizes = np.sum(y_true, axis=self.axis) + np.sum(y_pred, axis=self.axis)
        return 1 - 2 * overlap / (sizes + EPSILON)


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Any:
    """The L of `Tversky`."""
    return Tversky(alpha, beta, axis=axis).each(y_true, y_pred)


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Any:
    """The L of `Dice`."""
    return Dice(axis=axis).each(y_true, y_pred)
