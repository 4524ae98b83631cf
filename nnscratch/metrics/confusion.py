"""Metrics that count right and wrong decisions: precision, recall, and the matrix of all pairs.

A prediction above a threshold is a decision for the positive class; a target is positive unless
it is 0. With outputs for several classes every output is a decision of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import plain
from nnscratch.losses.categorical_crossentropy import whole_labels
from nnscratch.metrics.base import (
    Metric,
    hosted,
    ratio,
    scalar_or_array,
    shaped,
    spread_weights,
    sums_by_place,
)
from nnscratch_kernels.devices import is_on_gpu, on_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Thresholds = float | Sequence[float] | None


class DecisionCounts(Metric):
    """Weighted counts of the four outcomes of a decision, at one or several thresholds.

    Attributes:
        thresholds: the thresholds, a list.
        true_positives, false_positives, true_negatives, false_negatives: arrays, one number for
            each threshold.
    """

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose what counts as a decision for the positive class.

        Args:
            thresholds: predictions above it are positive; one number in [0, 1], by default 0.5, or
                a list, for which the result has an entry each.
            top_k: only the k largest outputs of a sample can be positive; without `thresholds`
                they all are.
            class_id: only the output and the target of this class count.
            name: see `Metric`.
            dtype: see `Metric`.

        Raises:
            ValueError: a threshold outside [0, 1].
        """
        default = 0.5 if top_k is None else -np.inf
        given = default if thresholds is None else thresholds
        self.thresholds = [float(t) for t in np.ravel(np.asarray(given, dtype=float))]
        self.top_k = top_k
        self.class_id = class_id
        super().__init__(dtype, name)
        if thresholds is not None and not all(0 <= t <= 1 for t in self.thresholds):
            raise ValueError(
                f"Metric {self.name!r} takes thresholds between 0 and 1, got {thresholds!r}."
            )

    def reset_state(self) -> None:
        """Start anew."""
        count = len(self.thresholds)
        self.true_positives, self.false_positives = np.zeros(count), np.zeros(count)
        self.true_negatives, self.false_negatives = np.zeros(count), np.zeros(count)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: targets and predictions of one shape, (batch,) or (batch, classes)."""
        y_pred = self.numbers(y_pred)
        self.follow(y_pred)
        actual = shaped(self.name, y_true, y_pred.shape) != 0
        weights = None
        if sample_weight is not None:
            weights = spread_weights(self.name, sample_weight, y_pred.shape)
        if self.top_k is not None:
            y_pred = np.where(_largest(y_pred, self.top_k), y_pred, -np.inf)
        if self.class_id is not None:
            self._check_class_id(y_pred.shape)
            chosen = (..., self.class_id)
            actual, y_pred = actual[chosen], y_pred[chosen]
            weights = None if weights is None else weights[chosen]
        for i, threshold in enumerate(self.thresholds):
            positive = y_pred > threshold
            self.true_positives[i] += _total(positive & actual, weights)
            self.false_positives[i] += _total(positive & ~actual, weights)
            self.true_negatives[i] += _total(~(positive | actual), weights)
            self.false_negatives[i] += _total(actual & ~positive, weights)

    def _check_class_id(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2 or not 0 <= self.class_id < shape[-1]:  # type: ignore[operator] # not None
            raise ValueError(
                f"Metric {self.name!r} with class_id={self.class_id} got predictions of shape "
                f"{shape}: it needs (batch, classes) with more than {self.class_id} classes."
            )


class Precision(DecisionCounts):
    """Of the decisions for the positive class, the share that is right: TP / (TP + FP)."""

    direction = "up"

    def result(self) -> Any:
        """TP / (TP + FP), 0 when nothing was called positive; an array for several thresholds."""
        true, false = hosted(self.true_positives, self.false_positives)
        return scalar_or_array(ratio(true, true + false))


class Recall(DecisionCounts):
    """Of the positive samples, the share that was called so: TP / (TP + FN)."""

    direction = "up"

    def result(self) -> Any:
        """TP / (TP + FN), 0 when nothing is positive; an array for several thresholds."""
        found, missed = hosted(self.true_positives, self.false_negatives)
        return scalar_or_array(ratio(found, found + missed))


class _OneCount(DecisionCounts):
    """One of the four counts."""

    def __init__(
        self,
        thresholds: Thresholds = None,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the thresholds; see `DecisionCounts`."""
        super().__init__(thresholds, name=name, dtype=dtype)


class TruePositives(_OneCount):
    """How many positive samples were called positive; with weights the sum of theirs."""

    def result(self) -> Any:
        """The count; an array for several thresholds."""
        return scalar_or_array(on_host(self.true_positives.copy()))


class FalsePositives(_OneCount):
    """How many negative samples were called positive; with weights the sum of theirs."""

    def result(self) -> Any:
        """The count; an array for several thresholds."""
        return scalar_or_array(on_host(self.false_positives.copy()))


class TrueNegatives(_OneCount):
    """How many negative samples were called negative; with weights the sum of theirs."""

    def result(self) -> Any:
        """The count; an array for several thresholds."""
        return scalar_or_array(on_host(self.true_negatives.copy()))


class FalseNegatives(_OneCount):
    """How many positive samples were called negative; with weights the sum of theirs."""

    def result(self) -> Any:
        """The count; an array for several thresholds."""
        return scalar_or_array(on_host(self.false_negatives.copy()))


class ConfusionMatrix(Metric):
    """How often each class was taken for each: rows are true classes, columns predicted ones.

    Keras has no such metric. The classes are those of the predictions' last axis; a single output
    (or none: shape (batch,)) is the probability of class 1 of two. Targets are integer labels, of
    shape (batch,) or (batch, 1), or one-hot, of the predictions' shape.

    The result is an array of integers; once sample weights were given, of sums of weights in
    float64.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the probability above which a single output means class 1.

        Args:
            threshold: for predictions with a single output.
            name: see `Metric`.
            dtype: see `Metric`.
        """
        super().__init__(dtype, name)
        self.threshold = threshold

    def reset_state(self) -> None:
        """Start anew; the number of classes is seen at the first batch."""
        self.counts: Any = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch.

        Raises:
            ValueError: targets of another shape, a label that is no class, or another number of
                classes than before.
        """
        y_pred, targets = self.numbers(y_pred), plain(y_true)
        self.follow(y_pred)
        if y_pred.ndim < 2 or y_pred.shape[-1] == 1:
            labels = shaped(self.name, targets, y_pred.shape).ravel()
            found, classes = (y_pred > self.threshold).ravel().astype(np.intp), 2
            shape = y_pred.shape
        else:
            found, classes = y_pred.argmax(axis=-1).ravel(), y_pred.shape[-1]
            shape = y_pred.shape[:-1]
            one_hot = targets.shape == y_pred.shape
            labels = targets.argmax(axis=-1) if one_hot else shaped(self.name, targets, shape)
        labels = whole_labels(f"Metric {self.name!r}", labels).ravel()
        outside = (labels < 0) | (labels >= classes)
        if not is_on_gpu(outside) and outside.any():
            raise ValueError(
                f"Metric {self.name!r} got the label {labels[outside][0]} for {classes} classes: "
                f"labels are integers from 0 to {classes - 1}."
            )
        if self.counts is not None and len(self.counts) != classes:
            raise ValueError(
                f"Metric {self.name!r} got predictions of {classes} classes after batches of "
                f"{len(self.counts)}: call reset_state() in between."
            )
        weights = None
        if sample_weight is not None:
            weights = spread_weights(self.name, sample_weight, shape).ravel()
        pairs = _sums_of_pairs(classes, labels, found, weights)
        self.counts = pairs if self.counts is None else self.counts + pairs

    def result(self) -> Any:
        """Shape (classes, classes); (0, 0) before the first batch."""
        return np.zeros((0, 0), np.int64) if self.counts is None else on_host(self.counts.copy())


def _sums_of_pairs(classes: int, labels: Any, found: Any, weights: Any) -> Any:
    """How many samples, or how much weight, there are of each label and found class."""
    given = weights
    if weights is None and is_on_gpu(labels):
        given = np.ones_like(labels, dtype=np.float64)
    (sums,) = sums_by_place(classes * classes, labels * classes + found, given)
    sums = sums.reshape(classes, classes)
    return sums.astype(np.int64, copy=False) if weights is None else sums


def _total(mask: Any, weights: Any) -> Any:
    return np.count_nonzero(mask) if weights is None else np.sum(np.where(mask, weights, 0.0))


def _largest(y_pred: Any, k: int) -> Any:
    """A mask of the k largest outputs of each row; of equal ones the first."""
    order = np.argsort(-y_pred, axis=-1, kind="stable")
    mask = np.zeros_like(y_pred, dtype=np.bool_)
    np.put_along_axis(mask, order[..., :k], True, axis=-1)
    return mask
