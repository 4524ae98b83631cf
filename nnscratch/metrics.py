"""Metrics that stream: they add up over batches, and give their result at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.naming import made, resolve, snake_case

if TYPE_CHECKING:
    from collections.abc import Callable


class Metric:
    """Base of all metrics. Targets and predictions are arrays or lists, batch first."""

    def __init__(self, name: str | None = None) -> None:
        """Name the metric, by default after its class."""
        self.name = name or snake_case(type(self).__name__)
        self.reset_state()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch."""
        raise NotImplementedError(f"Metric {self.name!r} needs an update_state method.")

    def result(self) -> float:
        """The value over everything added since the last reset."""
        raise NotImplementedError(f"Metric {self.name!r} needs a result method.")

    def reset_state(self) -> None:
        """Start anew."""
        raise NotImplementedError(f"Metric {self.name!r} needs a reset_state method.")


class Mean(Metric):
    """The weighted mean of what is added: Σ w v / Σ w."""

    def reset_state(self) -> None:
        """Start anew."""
        self.total = 0.0
        self.count = 0.0

    def add(self, mean: float, count: float) -> None:
        """Add `count` values whose mean is `mean`."""
        self.total += mean * count
        self.count += count

    def result(self) -> float:
        """The mean so far; 0 before anything was added, as in Keras."""
        return self.total / self.count if self.count else 0.0


class SampleMean(Mean):
    """The mean of a number for each sample, which a subclass gives in `values`."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """One number for each sample."""
        raise NotImplementedError(f"Metric {self.name!r} needs a values method.")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch."""
        values = self.values(np.asarray(y_true), np.asarray(y_pred))
        if sample_weight is None:
            self.total += float(np.add.reduce(values, axis=None))
            self.count += values.size
        else:
            weights = np.broadcast_to(
                np.reshape(sample_weight, (-1,) + (1,) * (values.ndim - 1)), values.shape
            )
            self.total += float(np.sum(values * weights))
            self.count += float(np.sum(weights))


class BinaryAccuracy(SampleMean):
    """Share of outputs on the right side of `threshold`."""

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        """Predictions above `threshold` count as 1."""
        super().__init__(name)
        self.threshold = threshold

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to booleans of that shape."""
        return (y_pred > self.threshold) == _shaped(self.name, y_true, y_pred.shape)


class SparseCategoricalAccuracy(SampleMean):
    """Share of samples whose largest output is the one that the integer target names."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (batch,) or (batch, 1), predictions (batch, classes)."""
        return np.argmax(y_pred, axis=-1) == _shaped(self.name, y_true, y_pred.shape[:-1])


class CategoricalAccuracy(SampleMean):
    """Share of samples whose largest output is where the one-hot target is largest."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) both."""
        one_hot = _shaped(self.name, y_true, y_pred.shape)
        return np.argmax(y_pred, axis=-1) == np.argmax(one_hot, axis=-1)


class _Confusion(Metric):
    """Counts of true and false, positive and negative predictions of a binary target."""

    def __init__(self, thresholds: float = 0.5, *, name: str | None = None) -> None:
        """Predictions above `thresholds` (one number, by Keras's name) count as positive."""
        super().__init__(name)
        self.thresholds = thresholds

    def reset_state(self) -> None:
        """Start anew."""
        self.true_positives = self.false_positives = self.false_negatives = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch."""
        y_pred = np.asarray(y_pred)
        positive = y_pred > self.thresholds
        actual = _shaped(self.name, np.asarray(y_true), y_pred.shape) > 0.5
        weight: Any = 1.0
        if sample_weight is not None:
            weight = np.reshape(sample_weight, (-1,) + (1,) * (y_pred.ndim - 1))
        self.true_positives += float(np.sum((positive & actual) * weight))
        self.false_positives += float(np.sum((positive & ~actual) * weight))
        self.false_negatives += float(np.sum((~positive & actual) * weight))


class Precision(_Confusion):
    """Of the samples called positive, the share that is."""

    def result(self) -> float:
        """TP / (TP + FP); 0 when nothing was called positive, as in Keras."""
        called = self.true_positives + self.false_positives
        return self.true_positives / called if called else 0.0


class Recall(_Confusion):
    """Of the positive samples, the share that was called so."""

    def result(self) -> float:
        """TP / (TP + FN); 0 when there was none, as in Keras."""
        actual = self.true_positives + self.false_negatives
        return self.true_positives / actual if actual else 0.0


METRICS: dict[str, type[Metric]] = {
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "precision": Precision,
    "recall": Recall,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
}


ACCURACY_NAMES = ("accuracy", "acc")


def get(identifier: str | Metric | Callable[[Any, Any], Any], y_true: Any, y_pred: Any) -> Metric:
    """A metric from its name or itself; "accuracy" is resolved by the shapes, as in Keras.

    Raises:
        ValueError: no metric has this name.
        TypeError: neither a name, a metric nor a function.
    """
    if isinstance(identifier, str) and identifier in ACCURACY_NAMES:
        return _accuracy(np.shape(y_true), np.shape(y_pred))(name=identifier)
    return named(identifier)


def named(identifier: str | Metric | Callable[[Any, Any], Any]) -> Metric:
    """What `get` gives for all but "accuracy", without a first batch.

    Raises:
        ValueError: no metric has this name.
        TypeError: neither a name, a metric nor a function.
    """
    if isinstance(identifier, str):
        table = METRICS | dict.fromkeys(ACCURACY_NAMES, BinaryAccuracy)
        return resolve("metric", identifier, table)(name=identifier)
    if isinstance(identifier, Metric):
        return identifier
    metric: Any = made("metric", identifier)
    return metric if isinstance(metric, Metric) else _FunctionMetric(metric)


def _accuracy(true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> type[Metric]:
    """Which accuracy "accuracy" means for these shapes."""
    if pred_shape[-1] == 1:
        return BinaryAccuracy
    if len(true_shape) < len(pred_shape) or true_shape[-1] == 1:
        return SparseCategoricalAccuracy
    return CategoricalAccuracy


def _shaped(metric: str, y_true: Any, shape: tuple[int, ...]) -> Any:
    """Targets in `shape`: a last axis of one may be missing, or be too many."""
    if y_true.shape == shape:
        return y_true
    if (*y_true.shape, 1) == shape or y_true.shape == (*shape, 1):
        return y_true.reshape(shape)
    raise ValueError(
        f"Metric {metric!r} got targets of shape {y_true.shape} where the predictions ask for "
        f"{shape}: the two must be equal; check the last layer's units."
    )


class _FunctionMetric(SampleMean):
    """A user's function of targets and predictions as a metric."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(getattr(function, "__name__", "metric"))
        self.function = function

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """What the function says of each sample."""
        return np.asarray(self.function(y_true, y_pred))
