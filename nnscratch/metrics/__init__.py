"""Metrics, with Keras's names, defaults and formulas (`keras.metrics` 3.15.1).

They stream: `update_state(y_true, y_pred, sample_weight=None)` adds a batch, `result()` gives the
value over all batches since `reset_state()`, and a call does the first two. `metrics.get("auc")`
gives a metric by name. `ConfusionMatrix` is ours; Keras has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from nnscratch.losses.base import kind_of_targets
from nnscratch.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from nnscratch.metrics.base import Metric
from nnscratch.metrics.confusion import (
    ConfusionMatrix,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from nnscratch.metrics.curves import AUC
from nnscratch.metrics.f_score import F1Score, FBetaScore
from nnscratch.metrics.means import Mean, MeanMetricWrapper, SampleMean, Sum
from nnscratch.metrics.of_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from nnscratch.metrics.r2_score import R2Score
from nnscratch.naming import made, resolve, snake_case

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES: tuple[type[Metric], ...] = (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConfusionMatrix,
    CosineSimilarity,
    F1Score,
    FBetaScore,
    FalseNegatives,
    FalsePositives,
    Hinge,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)

METRICS: dict[str, type[Metric]] = {snake_case(metric.__name__): metric for metric in _CLASSES} | {
    "bce": BinaryCrossentropy,
    "fbeta_score": FBetaScore,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}
"""What the strings mean."""

ACCURACY_NAMES = ("accuracy", "acc", "Accuracy", "Acc", "ACCURACY", "ACC")
"""The strings that mean one of three accuracies, by the shapes of a first batch."""

_ACCURACIES: dict[str, type[Metric]] = {
    "binary": BinaryAccuracy,
    "sparse": SparseCategoricalAccuracy,
    "categorical": CategoricalAccuracy,
}


def get(
    identifier: str | Metric | Callable[..., Any], y_true: Any = None, y_pred: Any = None
) -> Metric:
    """A metric from its name, itself, or a function of `(y_true, y_pred)`.

    With a first batch "accuracy" is resolved by its shapes, as in Keras's `compile`; without one it
    means `Accuracy`, as in `keras.metrics.get`.

    Raises:
        ValueError: no metric has this name; the message lists the near matches.
        TypeError: neither a name, a metric nor a function.
    """
    if isinstance(identifier, str) and identifier in ACCURACY_NAMES and y_pred is not None:
        return _ACCURACIES[kind_of_targets(np.shape(y_true), np.shape(y_pred))](name=identifier)
    return named(identifier)


def named(identifier: str | Metric | Callable[..., Any]) -> Metric:
    """What `get` gives without a first batch.

    Raises:
        ValueError: no metric has this name; the message lists the near matches.
        TypeError: neither a name, a metric nor a function.
    """
    if isinstance(identifier, str):
        return resolve("metric", identifier, METRICS)(name=identifier)
    if isinstance(identifier, Metric):
        return identifier
    metric: Any = made("metric", identifier)
    return metric if isinstance(metric, Metric) else MeanMetricWrapper(metric)


__all__ = [
    "ACCURACY_NAMES",
    "AUC",
    "METRICS",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConfusionMatrix",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SampleMean",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "named",
    "poisson",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
