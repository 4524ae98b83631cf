"""The coefficient of determination, R²."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.metrics.base import Metric, hosted, shaped, spread_weights

if TYPE_CHECKING:
    import numpy.typing as npt

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """R² = 1 - Σ w (y - ŷ)² / Σ w (y - ȳ)²: the share of the targets' variance that is explained.

    1 is perfect, 0 as good as always predicting the mean ȳ, negative worse. A target that does not
    vary counts as 0, as in Keras, unless it is predicted exactly: that is 0/0, NaN.
    """

    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how several outputs are joined.

        Args:
            class_aggregation: "uniform_average" is the mean over outputs,
                "variance_weighted_average" weighs each with its variance, None gives an array.
            num_regressors: p > 0 gives the adjusted 1 - (1 - R²)(n - 1)/(n - p - 1), with n the
                number of targets.
            name: see `Metric`.
            dtype: see `Metric`.

        Raises:
            ValueError: another aggregation, or a negative number.
        """
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"class_aggregation is {', '.join(map(repr, AGGREGATIONS))}, got "
                f"{class_aggregation!r}: choose one."
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors is not negative, got {num_regressors!r}.")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        super().__init__(dtype, name)

    def reset_state(self) -> None:
        """Start anew."""
        self.sum: Any = 0.0
        self.squared_sum: Any = 0.0
        self.residual: Any = 0.0
        self.count: Any = 0.0
        self.num_samples = 0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch, (batch,) or (batch, outputs)."""
        y_pred = self.numbers(y_pred).astype(np.float64)
        self.follow(y_pred)
        target = shaped(self.name, y_true, y_pred.shape).astype(np.float64)
        if y_pred.ndim == 1:
            y_pred, target = y_pred[:, None], target[:, None]
        if y_pred.ndim != 2:
            raise ValueError(
                f"Metric {self.name!r} got predictions of shape {y_pred.shape}: it needs "
                f"(batch, outputs)."
            )
        weights = np.ones_like(target)
        if sample_weight is not None:
            weights = spread_weights(self.name, sample_weight, target.shape)
        self.sum = self.sum + np.sum(weights * target, axis=0)
        self.squared_sum = self.squared_sum + np.sum(weights * np.square(target), axis=0)
        self.residual = self.residual + np.sum(weights * np.square(target - y_pred), axis=0)
        self.count = self.count + np.sum(weights, axis=0)
        self.num_samples += target.size

    def result(self) -> Any:
        """A float, or an array with one number for each output; 0 before the first batch."""
        if not self.num_samples:
            return 0.0
        sums, squares, residual, count = hosted(
            self.sum, self.squared_sum, self.residual, self.count
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            total = squares - sums * (sums / count)
            scores = 1 - residual / total
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = np.mean(scores)
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(total * scores) / np.sum(total)
        scores = self._adjusted(scores)
        return scores if self.class_aggregation is None else float(scores)

    def _adjusted(self, scores: Any) -> Any:
        degrees = self.num_samples - self.num_regressors - 1
        if not self.num_regressors:
            return scores
        if degrees <= 0:
            warnings.warn(
                f"Metric {self.name!r} cannot adjust for {self.num_regressors} regressors with "
                f"{self.num_samples} targets, and gives the plain R²: add more samples.",
                stacklevel=3,
            )
            return scores
        return 1 - (1 - scores) * (self.num_samples - 1) / degrees
