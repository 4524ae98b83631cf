"""Names, arguments and configurations of the metrics: those of Keras, and what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nnscratch import metrics
from tests.keras_cases import arguments

# --- names and arguments -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [k for k in dict.fromkeys(metrics.METRICS.values()) if k is not metrics.ConfusionMatrix],
    ids=lambda kind: kind.__name__,
)
def test_arguments_defaults_and_names_are_those_of_keras(kind):
    theirs = getattr(keras.metrics, kind.__name__)
    assert arguments(kind) == arguments(theirs)
    keras.utils.clear_session()  # it numbers the names
    assert kind().name == theirs().name


def test_the_base_class_takes_the_arguments_of_keras():
    assert arguments(metrics.Metric) == arguments(keras.metrics.Metric)


KERAS_ALONE = {
    "BinaryIoU", "ConcordanceCorrelation", "IoU", "MeanIoU", "MeanMetricWrapper", "Metric",
    "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "PrecisionAtRecall", "RecallAtPrecision",
    "SensitivityAtSpecificity", "SpecificityAtSensitivity",
}  # fmt: skip


def test_every_string_of_keras_means_the_same_here():
    table = keras.src.metrics.ALL_OBJECTS_DICT
    names = [name for name, kind in table.items() if kind.__name__ not in KERAS_ALONE]
    assert len(names) > 60
    for name in names:
        metric = metrics.get(name)
        assert type(metric).__name__ == table[name].__name__
        assert metric.name == name  # as Keras's compile names it


@pytest.mark.parametrize("kind", metrics.METRICS.values(), ids=lambda kind: kind.__name__)
def test_nothing_was_added_yet(kind):
    assert not np.any(kind().result())


def test_a_configuration_makes_the_same_metric_again():
    metric = metrics.Precision([0.2, 0.7], class_id=1, name="p")
    again = metrics.Precision.from_config(metric.get_config(), {})
    assert (again.thresholds, again.class_id, again.name) == ([0.2, 0.7], 1, "p")


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(1.5), "'precision' takes thresholds between 0 and 1, got 1.5"),
        (lambda: metrics.Recall([0.5, -1]), "'recall' takes thresholds between 0 and 1"),
        (lambda: metrics.AUC(curve="RUC"), "curve is 'ROC', 'PR', 'PRGAIN', got 'RUC'"),
        (lambda: metrics.AUC(summation_method="sum"), "'minoring', got 'sum'"),
        (lambda: metrics.AUC(1), "num_thresholds is at least 2, got 1"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), "thresholds lie between 0 and 1"),
        (lambda: metrics.AUC(num_labels=3), "num_labels is for multi_label=True"),
        (lambda: metrics.F1Score("mean"), "average is None, 'micro', .* got 'mean'"),
        (lambda: metrics.FBetaScore(beta=0.0), r"beta is positive, got 0\.0"),
        (lambda: metrics.F1Score(threshold=0.0), "threshold is above 0 and at most 1"),
        (lambda: metrics.R2Score("mean"), "class_aggregation is None, .* got 'mean'"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors is not negative"),
        (lambda: metrics.get("prescision"), "no metric called 'prescision'; did you mean prec"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("metric", "true_shape", "pred_shape", "message"),
    [
        (metrics.MeanSquaredError(), (4, 2), (4, 3), r"'mean_squared_error' got targets of shape"),
        (metrics.F1Score(), (4,), (4,), r"'f1_score' got predictions of shape \(4,\): it needs"),
        (metrics.R2Score(), (4, 2, 2), (4, 2, 2), r"'r2_score' got predictions of shape"),
        (metrics.Precision(class_id=3), (4, 3), (4, 3), r"class_id=3 got .* more than 3 classes"),
        (metrics.Recall(class_id=0), (4,), (4,), r"class_id=0 got predictions of shape \(4,\)"),
        (metrics.AUC(multi_label=True), (4,), (4,), r"shape \(4,\): it needs \(batch, labels\)"),
        (metrics.AUC(multi_label=True, num_labels=2), (4, 3), (4, 3), r"needs \(batch, 2\)"),
        (metrics.TopKCategoricalAccuracy(), (4,), (4, 3), r"targets of shape \(4,\)"),
    ],
)
def test_wrong_shapes(metric, true_shape, pred_shape, message):
    with pytest.raises(ValueError, match=rf"Metric .*{message}"):
        metric.update_state(np.zeros(true_shape), np.zeros(pred_shape))


@pytest.mark.parametrize("kind", metrics.METRICS.values(), ids=lambda kind: kind.__name__)
def test_weights_of_another_number_of_samples(kind):
    metric = kind()
    y = np.full((4, 2), 0.5)
    args = (y,) if kind in (metrics.Mean, metrics.Sum) else (y, y)
    if kind.__name__.startswith("Sparse"):
        args = (np.zeros(4, int), y)
    if kind is metrics.ConfusionMatrix:
        args = (np.zeros(4, int), y)
    with pytest.raises(ValueError, match=rf"{metric.name!r} got sample weights of shape \(3,\)"):
        metric.update_state(*args, sample_weight=np.ones(3))


@pytest.mark.parametrize("kind", [metrics.SparseTopKCategoricalAccuracy, metrics.ConfusionMatrix])
@pytest.mark.parametrize("label", [3, -1])
def test_a_label_that_is_no_class(kind, label):
    with pytest.raises(ValueError, match=f"got the label {label} for 3 classes"):
        kind().update_state([0, label], np.ones((2, 3)))
