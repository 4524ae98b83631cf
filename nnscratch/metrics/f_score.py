"""F-scores: the weighted harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.metrics.base import Metric, hosted, shaped, spread_weights

if TYPE_CHECKING:
    import numpy.typing as npt

EPSILON = 1e-7  # Keras's, added to every denominator
AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """F = (1 + β²) P R / (β² P + R) of precision P and recall R; β > 1 favours recall.

    Targets are one-hot (or several-hot) and predictions scores, both of shape (batch, classes).
    """

    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how classes are joined and what counts as a decision for one.

        Args:
            average: None gives an F for each class, "macro" their mean, "weighted" their mean
                weighted with the number of targets, "micro" one F of all decisions.
            beta: β > 0.
            threshold: outputs above it, in (0, 1], are decisions for their class; None means the
                largest output alone (all of them, if several are).
            name: see `Metric`.
            dtype: see `Metric`.

        Raises:
            ValueError: another average, a β that is not positive, or a threshold outside (0, 1].
        """
        if average not in AVERAGES:
            raise ValueError(
                f"average is {', '.join(map(repr, AVERAGES))}, got {average!r}: choose one."
            )
        if not beta > 0:
            raise ValueError(f"beta is positive, got {beta!r}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold is above 0 and at most 1, got {threshold!r}.")
        self.average = average
        self.beta = float(beta)
        self.threshold = threshold
        super().__init__(dtype, name)

    def reset_state(self) -> None:
        """Start anew."""
        self.true_positives: Any = np.zeros(0)
        self.false_positives: Any = np.zeros(0)
        self.false_negatives: Any = np.zeros(0)
        self.target_weights: Any = np.zeros(0)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: targets and predictions of shape (batch, classes)."""
        y_pred = self.numbers(y_pred)
        if y_pred.ndim != 2:
            raise ValueError(
                f"Metric {self.name!r} got predictions of shape {y_pred.shape}: it needs "
                f"(batch, classes), and one-hot targets of that shape."
            )
        self.follow(y_pred)
        target = shaped(self.name, y_true, y_pred.shape).astype(np.float64)
        if self.threshold is None:
            largest = np.max(y_pred, axis=-1, keepdims=True)
            decided = (y_pred >= largest) & (np.abs(y_pred) > 1e-9)
        else:
            decided = y_pred > self.threshold
        weights: Any = 1.0
        if sample_weight is not None:
            weights = spread_weights(self.name, sample_weight, y_pred.shape)

        def total(values: Any) -> Any:
            return np.sum(values * weights, axis=None if self.average == "micro" else 0)

        sums = [
            total(decided * target),
            total(decided * (1 - target)),
            total(~decided * target),
            total(target),
        ]
        if self.true_positives.size:
            sums = [new + old for new, old in zip(sums, self._sums(), strict=True)]
        self.true_positives, self.false_positives, self.false_negatives, self.target_weights = sums

    def result(self) -> Any:
        """A float, or an array with one number for each class; 0 before the first batch."""
        if not self.true_positives.size:
            return 0.0
        right, wrong, missed, target_weights = hosted(*self._sums())
        precision = right / (right + wrong + EPSILON)
        recall = right / (right + missed + EPSILON)
        square = self.beta**2
        scores = (1 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average == "weighted":
            shares = target_weights / (np.sum(target_weights) + EPSILON)
            return float(np.sum(scores * shares))
        return np.asarray(scores) if self.average is None else float(np.mean(scores))

    def _sums(self) -> tuple[Any, Any, Any, Any]:
        return (
            self.true_positives,
            self.false_positives,
            self.false_negatives,
            self.target_weights,
        )


class F1Score(FBetaScore):
    """F = 2 P R / (P + R), the harmonic mean of precision and recall; see `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how classes are joined and what counts as a decision; see `FBetaScore`."""
        super().__init__(average, 1.0, threshold, name, dtype)
