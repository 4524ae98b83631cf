"""Accuracies: the share of samples, or of outputs, that are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import plain
from nnscratch.losses.categorical_crossentropy import whole_labels
from nnscratch.metrics.base import shaped
from nnscratch.metrics.means import SampleMean
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    import numpy.typing as npt


class Accuracy(SampleMean):
    """Share of predictions that equal their targets exactly: labels, not probabilities.

    The string "accuracy" means another one, by the shapes: `BinaryAccuracy`,
    `CategoricalAccuracy` or `SparseCategoricalAccuracy`.
    """

    direction = "up"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Booleans of the shape of the predictions."""
        return np.equal(shaped(self.name, y_true, y_pred.shape), y_pred)


class BinaryAccuracy(SampleMean):
    """Share of outputs on the right side of `threshold`."""

    direction = "up"

    def __init__(
        self,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        threshold: float = 0.5,
    ) -> None:
        """Predictions above `threshold` count as 1."""
        super().__init__(name, dtype)
        self.threshold = threshold

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to booleans of that shape."""
        return (y_pred > self.threshold) == shaped(self.name, y_true, y_pred.shape)


class CategoricalAccuracy(SampleMean):
    """Share of samples whose largest output is where the one-hot target is largest."""

    direction = "up"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) both, to booleans (batch,)."""
        one_hot = shaped(self.name, y_true, y_pred.shape)
        return y_pred.argmax(axis=-1) == one_hot.argmax(axis=-1)


class SparseCategoricalAccuracy(SampleMean):
    """Share of samples whose largest output is the one that the integer target names."""

    direction = "up"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (batch,) or (batch, 1), predictions (batch, classes), to booleans (batch,)."""
        return y_pred.argmax(axis=-1) == shaped(self.name, y_true, y_pred.shape[:-1])


class TopKCategoricalAccuracy(SampleMean):
    """Share of samples whose right class, one-hot, is among the k largest outputs.

    An output that ties with the k-th largest is among them, as in Keras.
    """

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how many guesses there are; with k classes or fewer all samples are right."""
        super().__init__(name, dtype)
        self.k = k

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) both, to booleans (batch,)."""
        one_hot = shaped(self.name, y_true, y_pred.shape)
        return _among_largest(one_hot.argmax(axis=-1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(SampleMean):
    """Share of samples whose right class, an integer, is among the k largest outputs.

    An output that ties with the k-th largest is among them, as in Keras.
    """

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        """Choose how many guesses there are.

        Args:
            k: number of guesses; with k classes or fewer all samples are right.
            name: see `Metric`.
            dtype: see `Metric`.
            from_sorted_ids: predictions are classes, the likeliest first, instead of scores.
        """
        super().__init__(name, dtype)
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (batch,) or (batch, 1), predictions (batch, classes), to booleans (batch,)."""
        labels = shaped(self.name, y_true, y_pred.shape[:-1])
        if self.from_sorted_ids:
            return np.any(labels[..., None] == y_pred[..., : self.k], axis=-1)
        labels = whole_labels(f"Metric {self.name!r}", labels)
        classes = y_pred.shape[-1]
        outside = (labels < 0) | (labels >= classes)
        if is_on_gpu(outside):  # nobody looks there: such a label is just not right
            return _among_largest(np.where(outside, 0, labels), y_pred, self.k) & ~outside
        if outside.any():
            raise ValueError(
                f"Metric {self.name!r} got the label {labels[outside][0]} for {classes} classes: "
                f"labels are integers from 0 to {classes - 1}."
            )
        return _among_largest(labels, y_pred, self.k)


def _among_largest(labels: Any, y_pred: Any, k: int) -> Any:
    """Whether the output at each label is at least the k-th largest of its row."""
    place = max(0, y_pred.shape[-1] - k)
    smallest_in = np.partition(y_pred, place, axis=-1)[..., place]
    chosen = np.take_along_axis(y_pred, labels[..., None], axis=-1)[..., 0]
    return chosen >= smallest_in


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where a prediction equals its target and 0 elsewhere, float32."""
    return _floats(Accuracy(), y_true, y_pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where an output is on the right side of `threshold` and 0 elsewhere, float32."""
    return _floats(BinaryAccuracy(threshold=threshold), y_true, y_pred)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 for each sample whose largest output is the one-hot target's and 0 elsewhere, float32."""
    return _floats(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 for each sample whose largest output is the target's and 0 elsewhere, float32."""
    return _floats(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 for each sample whose one-hot class is among the k largest outputs, float32."""
    return _floats(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 for each sample whose class is among the k largest outputs, float32."""
    metric = SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids)
    return _floats(metric, y_true, y_pred)


def _floats(metric: SampleMean, y_true: Any, y_pred: Any) -> Any:
    right = metric.values(plain(y_true), metric.numbers(y_pred))
    return plain(right).astype(np.float32)
