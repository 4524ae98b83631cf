"""The area under a curve of decisions at many thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.metrics.base import (
    Metric,
    hosted,
    ratio,
    shaped,
    spread_weights,
    sums_by_place,
)
from nnscratch.ops.special import sigmoid
from nnscratch_kernels.devices import on_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "majoring", "minoring")
EPSILON = 1e-7  # Keras's: the outermost thresholds lie this far outside [0, 1]


class AUC(Metric):
    """Area under the ROC curve or the precision-recall curve, from decisions at many thresholds.

    ROC is recall against the false-positive rate: the area is the chance that a positive sample
    scores higher than a negative one. PR is precision against recall. PRGAIN rescales both so that
    the area does not depend on how many samples are positive (Flach and Kull 2015).

    As in Keras the area is a sum over `num_thresholds` thresholds, so it is an approximation, and
    the samples themselves need not be kept. The default sum is the trapezoids' for ROC, and for PR
    the interpolation of Davis and Goadrich (2006).
    """

    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        """Choose the curve and how it is summed.

        Args:
            num_thresholds: how many thresholds, spread evenly over [0, 1].
            curve: "ROC", "PR" or "PRGAIN".
            summation_method: "interpolation", or the lower ("minoring") or upper ("majoring") sum.
            name: see `Metric`.
            dtype: see `Metric`.
            thresholds: the inner thresholds themselves instead of `num_thresholds`.
            multi_label: take the area of each column of the predictions, and then their mean.
            num_labels: how many columns there are with `multi_label`; seen at the first batch.
            label_weights: a weight for each column: in the mean of areas with `multi_label`, of its
                decisions otherwise.
            from_logits: predictions are logits, not probabilities.

        Raises:
            ValueError: an unknown curve or summation, fewer than 2 thresholds, or one outside
                [0, 1], or `num_labels` without `multi_label`.
        """
        self.curve = _one_of("curve", curve, CURVES)
        self.summation_method = _one_of("summation_method", summation_method, SUMMATIONS)
        if thresholds is None:
            if num_thresholds < 2:
                raise ValueError(f"num_thresholds is at least 2, got {num_thresholds!r}.")
            inner = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        else:
            inner = np.sort(np.asarray(thresholds, dtype=float))
            if inner.size and not (inner[0] >= 0 and inner[-1] <= 1):
                raise ValueError(f"thresholds lie between 0 and 1, got {thresholds!r}.")
        if num_labels and not multi_label:
            raise ValueError("num_labels is for multi_label=True: pass both or neither.")
        self._thresholds = np.concatenate([[-EPSILON], inner, [1 + EPSILON]])
        self.num_thresholds = len(self._thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, float)
        self.from_logits = from_logits
        super().__init__(dtype, name)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, those just outside [0, 1] included."""
        return [float(threshold) for threshold in on_host(self._thresholds)]

    def reset_state(self) -> None:
        """Start anew."""
        self.positives: Any = 0.0  # weight of the positive samples that lie above each threshold
        self.negatives: Any = 0.0
        self.all_positives: Any = 0.0
        self.all_negatives: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: targets and probabilities of one shape, with `multi_label` a matrix."""
        y_pred = self.numbers(y_pred)
        y_pred = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float64)
        self.follow(y_pred)
        actual = shaped(self.name, y_true, y_pred.shape) != 0
        self._check_labels(y_pred.shape)
        weights = np.ones_like(y_pred, dtype=np.float64)
        if sample_weight is not None:
            weights = spread_weights(self.name, sample_weight, y_pred.shape)
        if self.label_weights is not None and not self.multi_label:
            weights = weights * self.label_weights
        if self.from_logits:
            y_pred = sigmoid(y_pred)
        below = self._thresholds_below(y_pred)
        positives, negatives = self._above_each(below, weights * actual, weights * ~actual)
        self.positives = self.positives + positives[1:]
        self.negatives = self.negatives + negatives[1:]
        self.all_positives = self.all_positives + positives[0]
        self.all_negatives = self.all_negatives + negatives[0]

    def result(self) -> float:
        """The area so far; 0 before the first batch."""
        tp, fp, all_positives, all_negatives, label_weights = hosted(
            self.positives,
            self.negatives,
            self.all_positives,
            self.all_negatives,
            self.label_weights,
        )
        if not np.ndim(tp):
            return 0.0
        fn, tn = all_positives - tp, all_negatives - fp
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_precision(tp, fp, fn)
        else:
            x, y = _curve(self.curve, tp, fp, tn, fn)
            left, right = y[:-1], y[1:]
            heights = {
                "interpolation": lambda: (left + right) / 2,
                "minoring": lambda: np.minimum(left, right),
                "majoring": lambda: np.maximum(left, right),
            }[self.summation_method]()
            areas = np.sum((x[:-1] - x[1:]) * heights, axis=0)
        if self.multi_label and label_weights is not None:
            return float(ratio(np.sum(areas * label_weights), np.sum(label_weights)))
        return float(np.mean(areas))

    def _thresholds_below(self, y_pred: Any) -> Any:
        """How many thresholds each prediction exceeds; NaN counts as 0."""
        clipped = np.nan_to_num(np.clip(y_pred, 0, 1), nan=0.0)
        # In the predictions' dtype, so that one that equals a threshold does not exceed it.
        return np.searchsorted(self._thresholds.astype(y_pred.dtype), clipped, side="left")

    def _above_each(self, below: Any, *weights: Any) -> Iterator[Any]:
        """Total weight, then the weight above each threshold: (thresholds + 1,) or with labels."""
        bins = self.num_thresholds + 1
        labels = below.shape[-1] if self.multi_label else 1
        if self.multi_label:
            below = below + bins * np.arange(labels, like=below)
        flat = [one.ravel() for one in weights]
        for sums in sums_by_place(bins * labels, below.ravel(), *flat):
            above = np.cumsum(sums.reshape(labels, bins)[:, ::-1], axis=-1)[:, ::-1].T
            yield above if self.multi_label else above[:, 0]

    def _check_labels(self, shape: tuple[int, ...]) -> None:
        if not self.multi_label:
            return
        if self.num_labels is None and len(shape) == 2:
            self.num_labels = shape[1]
        if len(shape) != 2 or shape[1] != self.num_labels:
            raise ValueError(
                f"Metric {self.name!r} with multi_label=True got predictions of shape {shape}: it "
                f"needs (batch, {self.num_labels or 'labels'})."
            )


def _curve(curve: str, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    """The points of the curve, x and y, one for each threshold."""
    recall = ratio(tp, tp + fn)
    if curve == "ROC":
        return ratio(fp, fp + tn), recall
    if curve == "PR":
        return recall, ratio(tp, tp + fp)
    odds = ratio(tp + fn, tn + fp)
    recall_gain = np.where(tp == 0, 0.0, 1 - odds * ratio(fn, tp))
    return np.maximum(recall_gain, 0), 1 - odds * ratio(fp, tp)


def _interpolated_precision(tp: Any, fp: Any, fn: Any) -> Any:
    """Area under precision against recall, with the counts interpolated between thresholds.

    Between two thresholds TP and P = TP + FP move along a line TP = s P + c, so the area is the
    integral s (ΔTP + c ln(P_a / P_b)) / (TP + FN) (Davis and Goadrich 2006, as Keras writes it).
    """
    called = tp + fp
    moved = tp[:-1] - tp[1:]
    slope = ratio(moved, np.maximum(called[:-1] - called[1:], 0))
    intercept = tp[1:] - slope * called[1:]
    both = (called[:-1] > 0) & (called[1:] > 0)
    logarithm = np.log(np.where(both, called[:-1], 1) / np.where(both, called[1:], 1))
    pieces = ratio(slope * (moved + intercept * logarithm), tp[1:] + fn[1:])
    return np.sum(pieces, axis=0)


def _one_of(argument: str, given: str, allowed: tuple[str, ...]) -> str:
    for one in allowed:
        if given.lower() == one.lower():
            return one
    raise ValueError(f"{argument} is {', '.join(map(repr, allowed))}, got {given!r}: choose one.")
