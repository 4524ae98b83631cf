"""Losses as metrics: the mean over samples of a loss's L, streamed over batches.

On plain probabilities the cross-entropies clip, as in Keras; pass `from_logits=True` where the
model gives logits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import losses
from nnscratch.losses.base import plain
from nnscratch.metrics.base import spread_weights
from nnscratch.metrics.means import SampleMean

if TYPE_CHECKING:
    import numpy.typing as npt


class _LossMean(SampleMean):
    """The mean of the L of `loss_class`."""

    direction = "down"

    loss_class: type[losses.Loss]

    def __init__(self, name: str | None = None, dtype: npt.DTypeLike | None = None) -> None:
        """Name the metric; see `Metric`."""
        super().__init__(name, dtype)
        self.loss = self._make_loss()
        self.loss.kind = "Metric"

    def _make_loss(self) -> losses.Loss:
        return self.loss_class(name=self.name, dtype=self.dtype)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """L of each sample; predictions without an axis of outputs have one output each."""
        if y_pred.ndim == 1 and self.loss.pointwise:
            y_pred = y_pred[:, None]
        return plain(self.loss.each(y_true, y_pred))


class MeanSquaredError(_LossMean):
    """The mean of (y - ŷ)²."""

    loss_class = losses.MeanSquaredError


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of (y - ŷ)², in the targets' unit."""

    def result(self) -> float:
        """The root of the mean so far."""
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(_LossMean):
    """The mean of |y - ŷ|."""

    loss_class = losses.MeanAbsoluteError


class MeanAbsolutePercentageError(_LossMean):
    """The mean of 100 |y - ŷ| / max(|y|, 1e-7)."""

    loss_class = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(_LossMean):
    """The mean of (ln(1 + y) - ln(1 + ŷ))²."""

    loss_class = losses.MeanSquaredLogarithmicError


class LogCoshError(_LossMean):
    """The mean of ln cosh(ŷ - y)."""

    loss_class = losses.LogCosh

    def __init__(self, name: str | None = "logcosh", dtype: npt.DTypeLike | None = None) -> None:
        """Name the metric; see `Metric`."""
        super().__init__(name, dtype)


class CosineSimilarity(_LossMean):
    """The mean cosine of the angle between y and ŷ, 1 where they point the same way.

    The loss of this name has the opposite sign, as in Keras.
    """

    direction = "up"

    def __init__(
        self,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        axis: int = -1,
    ) -> None:
        """Choose the axis of the vectors' components; the rest as in `Metric`."""
        self.axis = axis
        super().__init__(name, dtype)

    def _make_loss(self) -> losses.Loss:
        return losses.CosineSimilarity(self.axis, name=self.name, dtype=self.dtype)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, components) to (batch,)."""
        return -super().values(y_true, y_pred)


class Hinge(_LossMean):
    """The mean of max(1 - y ŷ, 0)."""

    loss_class = losses.Hinge


class SquaredHinge(_LossMean):
    """The mean of max(1 - y ŷ, 0)²."""

    loss_class = losses.SquaredHinge


class CategoricalHinge(_LossMean):
    """The mean of max(1 + others' best score - right class's score, 0)."""

    loss_class = losses.CategoricalHinge


class KLDivergence(_LossMean):
    """The mean of Σ y ln(y / ŷ)."""

    loss_class = losses.KLDivergence


class Poisson(_LossMean):
    """The mean of ŷ - y ln(ŷ + 1e-7)."""

    loss_class = losses.Poisson


class BinaryCrossentropy(_LossMean):
    """The mean of the binary cross-entropy."""

    def __init__(
        self,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        """Choose what the predictions are; see `losses.BinaryCrossentropy`."""
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        super().__init__(name, dtype)

    def _make_loss(self) -> losses.Loss:
        return losses.BinaryCrossentropy(
            self.from_logits, self.label_smoothing, name=self.name, dtype=self.dtype
        )


class CategoricalCrossentropy(_LossMean):
    """The mean of the cross-entropy of one-hot targets."""

    def __init__(
        self,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        """Choose what the predictions are; see `losses.CategoricalCrossentropy`."""
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
        super().__init__(name, dtype)

    def _make_loss(self) -> losses.Loss:
        return losses.CategoricalCrossentropy(
            self.from_logits, self.label_smoothing, self.axis, name=self.name, dtype=self.dtype
        )


class SparseCategoricalCrossentropy(_LossMean):
    """The mean of the cross-entropy of integer labels.

    Samples whose label is `ignore_class` do not count. (Keras 3.15.1 counts them as 0 unless there
    are sample weights.)
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        """Choose what the predictions are; see `losses.SparseCategoricalCrossentropy`."""
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        super().__init__(name, dtype)

    def _make_loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy(
            self.from_logits,
            self.ignore_class,
            axis=self.axis,
            name=self.name,
            dtype=self.dtype,
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch."""
        y_pred = self.numbers(y_pred)
        labels = self.loss.prepare_targets(y_true, y_pred)
        values = self.values(labels, y_pred)
        counted = self.loss.counted(labels)
        if counted is not None:
            sample_weight = (
                counted if sample_weight is None else self._masked(sample_weight, counted)
            )
        self.add_values(values, sample_weight)

    def _masked(self, sample_weight: Any, counted: Any) -> Any:
        return spread_weights(self.name, sample_weight, counted.shape) * counted
