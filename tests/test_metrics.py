"""Metrics against Keras, batch after batch, with and without sample weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from nnscratch import metrics

WEIGHTS = np.random.default_rng(5).uniform(0, 2, 12).astype(np.float32)

# ours, Keras's, shape of the targets, shape of the predictions
BINARY_SHAPES = [((12,), (12, 1)), ((12, 1), (12, 1)), ((12,), (12,)), ((12, 3), (12, 3))]
CASES: list[tuple[Any, Any, Any, Any]] = [
    *((metrics.BinaryAccuracy, keras.metrics.BinaryAccuracy, t, p) for t, p in BINARY_SHAPES),
    *((metrics.Precision, keras.metrics.Precision, t, p) for t, p in BINARY_SHAPES),
    *((metrics.Recall, keras.metrics.Recall, t, p) for t, p in BINARY_SHAPES),
    *(
        (metrics.SparseCategoricalAccuracy, keras.metrics.SparseCategoricalAccuracy, t, p)
        for t, p in [((12,), (12, 4)), ((12, 1), (12, 4))]
    ),
    (metrics.CategoricalAccuracy, keras.metrics.CategoricalAccuracy, (12, 4), (12, 4)),
]


def batches(kind: Any, true_shape: Any, pred_shape: Any) -> list[tuple[Any, Any]]:
    made = []
    for seed in range(3):
        generator = np.random.default_rng(seed)
        y_pred = generator.random(pred_shape).astype(np.float32)
        y_true = generator.integers(2, size=true_shape)
        if kind is metrics.SparseCategoricalAccuracy:
            y_true = generator.integers(4, size=true_shape)
        if kind is metrics.CategoricalAccuracy:
            y_true = np.eye(4)[generator.integers(4, size=12)]
        made.append((y_true, y_pred))
    return made


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("ours", "theirs", "true_shape", "pred_shape"),
    CASES,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_streaming(ours, theirs, true_shape, pred_shape, weighted):
    own, other = ours(), theirs()
    assert own.result() == pytest.approx(float(other.result()))
    for y_true, y_pred in batches(ours, true_shape, pred_shape):
        weights = WEIGHTS if weighted else None
        own.update_state(y_true, y_pred, weights)
        other.update_state(y_true, y_pred, weights)
        assert own.result() == pytest.approx(float(other.result()), rel=1e-6)
    own.reset_state()
    assert own.result() == 0


@pytest.mark.parametrize("kind", ["Precision", "Recall"])
@pytest.mark.parametrize("threshold", [0.2, 0.9, 1.0])
def test_thresholds(kind, threshold):
    own, other = getattr(metrics, kind)(threshold), getattr(keras.metrics, kind)(threshold)
    for y_true, y_pred in batches(None, (12, 1), (12, 1)):
        own.update_state(y_true, y_pred)
        other.update_state(y_true, y_pred)
    assert own.result() == pytest.approx(float(other.result()), rel=1e-6)


def test_binary_accuracy_at_another_threshold():
    own, other = metrics.BinaryAccuracy(threshold=0.2), keras.metrics.BinaryAccuracy(threshold=0.2)
    y_true, y_pred = batches(None, (12, 1), (12, 1))[0]
    own.update_state(y_true, y_pred)
    other.update_state(y_true, y_pred)
    assert own.result() == pytest.approx(float(other.result()))


@pytest.mark.parametrize("kind", ["BinaryAccuracy", "Precision", "Recall"])
def test_a_prediction_on_the_threshold_is_negative(kind):
    own, other = getattr(metrics, kind)(), getattr(keras.metrics, kind)()
    y_true, y_pred = np.array([[0], [1]]), np.array([[0.5], [0.5]], np.float32)
    own.update_state(y_true, y_pred)
    other.update_state(y_true, y_pred)
    assert own.result() == float(other.result())


def test_mean():
    own, other = metrics.Mean("loss"), keras.metrics.Mean()
    for value, count in [(3.0, 32), (5.0, 8), (1.0, 1)]:
        own.add(value, count)
        other.update_state(value, sample_weight=count)
        assert own.result() == pytest.approx(float(other.result()), rel=1e-6)


@pytest.mark.parametrize("kind", ["BinaryAccuracy", "Precision"])
def test_lists(kind):
    own, other = getattr(metrics, kind)(), getattr(keras.metrics, kind)()
    for metric in (own, other):
        metric.update_state([0, 1, 1, 1], [0.9, 0.8, 0.3, 0.7], sample_weight=[1, 0, 2, 1])
    assert own.result() == pytest.approx(float(other.result()), rel=1e-6)


def test_a_function():
    def squared(y_true: Any, y_pred: Any) -> Any:
        return (y_true - y_pred) ** 2

    metric = metrics.get(squared, None, None)
    assert metric.name == "squared"
    y_true, y_pred = batches(None, (12, 1), (12, 1))[0]
    metric.update_state(y_true, y_pred)
    assert metric.result() == pytest.approx(((y_true - y_pred) ** 2).mean())


@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "kind"),
    [
        ((12,), (12, 1), metrics.BinaryAccuracy),
        ((12, 1), (12, 1), metrics.BinaryAccuracy),
        ((12,), (12, 4), metrics.SparseCategoricalAccuracy),
        ((12, 1), (12, 4), metrics.SparseCategoricalAccuracy),
        ((12, 4), (12, 4), metrics.CategoricalAccuracy),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_is_chosen_by_the_shapes(true_shape, pred_shape, kind, name):
    metric = metrics.get(name, np.zeros(true_shape), np.zeros(pred_shape))
    assert type(metric) is kind
    assert metric.name == name


@pytest.mark.parametrize(
    "name",
    [
        "binary_accuracy",
        "categorical_accuracy",
        "precision",
        "recall",
        "sparse_categorical_accuracy",
    ],
)
def test_names(name):
    metric = metrics.get(name, None, None)
    assert metric.name == name == metrics.METRICS[name]().name
    assert isinstance(keras.metrics.get(name), keras.metrics.Metric)


@pytest.mark.parametrize(
    ("kind", "true_shape", "pred_shape"),
    [
        (metrics.BinaryAccuracy, (6,), (2, 3)),
        (metrics.BinaryAccuracy, (2, 3), (3, 2)),
        (metrics.Precision, (4,), (5, 1)),
        (metrics.SparseCategoricalAccuracy, (4, 2), (8, 3)),
        (metrics.CategoricalAccuracy, (4, 2), (4, 3)),
    ],
)
def test_shapes_that_do_not_match(kind, true_shape, pred_shape):
    with pytest.raises(ValueError, match=r"Metric '\w+' got targets of shape .* must be equal"):
        kind().update_state(np.zeros(true_shape), np.zeros(pred_shape))
