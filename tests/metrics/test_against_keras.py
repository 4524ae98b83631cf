"""Every metric against Keras: several batches of different sizes, with and without weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import metrics
from tests.keras_cases import DTYPES, Case, arrays, case

pytestmark = pytest.mark.usefixtures("keras_in_double_precision")

CLASSES = 4

OF_ANY_RANK = [
    case("MeanSquaredError", "numbers", "numbers"),
    case("RootMeanSquaredError", "numbers", "numbers"),
    case("MeanAbsoluteError", "numbers", "numbers"),
    case("MeanAbsolutePercentageError", "numbers", "numbers"),
    case("MeanSquaredLogarithmicError", "numbers", "numbers"),
    case("LogCoshError", "numbers", "numbers"),
    case("CosineSimilarity", "numbers", "numbers"),
    case("Hinge", "binary", "numbers"),
    case("SquaredHinge", "signs", "numbers"),
    case("CategoricalHinge", "one_hot", "numbers"),
    case("KLDivergence", "distribution", "distribution"),
    case("Poisson", "numbers", "probability"),
    case("BinaryCrossentropy", "binary", "probability"),
    case("BinaryCrossentropy", "binary", "numbers", from_logits=True, label_smoothing=0.1),
    case("CategoricalCrossentropy", "one_hot", "distribution"),
    case("CategoricalCrossentropy", "one_hot", "numbers", from_logits=True, label_smoothing=0.1),
    case("SparseCategoricalCrossentropy", "labels", "distribution"),
    case("SparseCategoricalCrossentropy", "labels", "numbers", from_logits=True),
    case("Accuracy", "labels", "labels"),
    case("BinaryAccuracy", "binary", "probability"),
    case("BinaryAccuracy", "binary", "probability", threshold=0.2),
    case("CategoricalAccuracy", "one_hot", "distribution"),
    case("CategoricalAccuracy", "distribution", "distribution"),
    case("SparseCategoricalAccuracy", "labels", "distribution"),
    case("TopKCategoricalAccuracy", "one_hot", "distribution", k=2),
    case("TopKCategoricalAccuracy", "one_hot", "ties", k=2),
    case("SparseTopKCategoricalAccuracy", "labels", "distribution", k=3),
    case("SparseTopKCategoricalAccuracy", "labels", "ties", k=1),
]
COUNTS = ["TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]
DECISIONS = [
    *(case(name, "binary", "probability") for name in [*COUNTS, "Precision", "Recall"]),
    *(
        case(name, "binary", "probability", thresholds=[0.9, 0.2, 0.5])
        for name in [*COUNTS, "Precision", "Recall"]
    ),
    *(
        case(name, "binary", "probability", thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])
        for name in ["Precision", "Recall"]
    ),
    case("AUC", "binary", "probability"),
    case("AUC", "binary", "probability", curve="PR"),
    case("AUC", "binary", "probability", curve="PR", summation_method="minoring"),
    case("AUC", "binary", "probability", curve="PR", summation_method="majoring"),
    case("AUC", "binary", "probability", curve="PRGAIN"),
    case("AUC", "binary", "probability", summation_method="minoring"),
    case("AUC", "binary", "probability", summation_method="Majoring", num_thresholds=5),
    case("AUC", "binary", "probability", thresholds=[0.7, 0.1, 0.4]),
    case("AUC", "binary", "numbers", from_logits=True, curve="pr"),
]
OF_MATRICES = [
    *(
        case(name, "one_hot", "distribution", **options)
        for name in ("Precision", "Recall")
        for options in ({"top_k": 2}, {"class_id": 1}, {"top_k": 2, "class_id": 1},
                        {"thresholds": [0.1, 0.3], "class_id": 3}, {"thresholds": 0.3, "top_k": 1})
    ),
    *(
        case(name, targets, "distribution", average=average, threshold=threshold, **options)
        for name, options in (("F1Score", {}), ("FBetaScore", {"beta": 2.0}))
        for targets in ("one_hot", "binary")
        for average in (None, "micro", "macro", "weighted")
        for threshold in (None, 0.3)
    ),
    *(
        case("R2Score", "numbers", "numbers", class_aggregation=aggregation, num_regressors=p)
        for aggregation in (None, "uniform_average", "variance_weighted_average")
        for p in (0, 3)
    ),
    case("AUC", "binary", "probability", multi_label=True),
    case("AUC", "binary", "probability", multi_label=True, num_labels=CLASSES, curve="PR"),
    case("AUC", "binary", "probability", multi_label=True, label_weights=[1.0, 2.0, 0.5, 3.0]),
    case("AUC", "binary", "probability", multi_label=True, label_weights=[1.0, 2.0, 0.5, 3.0],
         curve="PR"),
    case("AUC", "binary", "probability", label_weights=[1.0, 2.0, 0.5, 3.0]),
]  # fmt: skip


def quarters(shape: tuple[int, ...], seed: int) -> Any:
    """Weights whose sums are exact: Keras adds them in float32 where thresholds are even."""
    return np.random.default_rng(seed).integers(9, size=shape) / 4


def compare(
    case: Case, inner: tuple[int, ...], weights: tuple[int, ...] | None, dtype: Any
) -> None:
    """Three batches, each with its own number of samples; after each the results agree."""
    ours = getattr(metrics, case.name)(**case.options)
    theirs = getattr(keras.metrics, case.name)(**case.options)
    for batch, samples in enumerate((9, 5, 12)):
        y_true = arrays(case.targets, (samples, *inner), 2 * batch)
        y_pred = arrays(case.predictions, (samples, *inner), 2 * batch + 1)
        y_pred = y_pred if y_pred.dtype.kind == "i" else y_pred.astype(dtype)
        w = None
        if weights is not None:
            w = np.asarray(2.5) if weights == (0,) else quarters((samples, *weights), batch)
        theirs.update_state(y_true, y_pred, sample_weight=w)
        result = ours(y_true, y_pred, sample_weight=w)
        expected = theirs.result().detach().numpy()
        tolerance = 1e-12 if dtype == np.float64 else 2e-6
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
        assert np.shape(result) == expected.shape
    assert isinstance(result, float if expected.ndim == 0 else np.ndarray)
    fresh = getattr(metrics, case.name)(**case.options)
    ours.reset_state()
    y_true, y_pred = arrays(case.targets, (7, *inner), 1), arrays(case.predictions, (7, *inner), 2)
    np.testing.assert_array_equal(ours(y_true, y_pred), fresh(y_true, y_pred))


@DTYPES
@pytest.mark.parametrize("weights", [None, (), (1,), (0,)], ids=["none", "(N,)", "(N, 1)", "()"])
@pytest.mark.parametrize("case", [*OF_ANY_RANK, *DECISIONS, *OF_MATRICES], ids=str)
def test_matrices(case, weights, dtype):
    if case.name in ("R2Score", "F1Score", "FBetaScore") and weights in ((0,), (1,)):
        weights = ()  # Keras takes no others
    compare(case, (CLASSES,), weights, dtype)


@DTYPES
@pytest.mark.parametrize("weights", [None, (), (3,), (3, 1)], ids=str)
@pytest.mark.parametrize("case", [*OF_ANY_RANK, *DECISIONS], ids=str)
def test_an_inner_axis(case, weights, dtype):
    if case in DECISIONS and weights in ((), (3, 1)):
        weights = (3,)  # Keras broadcasts no others to (N, 3, CLASSES)
    compare(case, (3, CLASSES), weights, dtype)


@DTYPES
@pytest.mark.parametrize("weights", [None, ()], ids=["none", "(N,)"])
@pytest.mark.parametrize("case", [c for c in DECISIONS if c.name != "R2Score"], ids=str)
def test_decisions_without_an_axis_of_outputs(case, weights, dtype):
    compare(case, (), weights, dtype)


@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryAccuracy", "Precision", "AUC"])
def test_a_last_axis_of_one_may_be_missing(name):
    y_true, y_pred = arrays("binary", (9,), 0), arrays("probability", (9, 1), 1)
    expected = getattr(keras.metrics, name)()(y_true, y_pred)
    assert getattr(metrics, name)()(y_true, y_pred) == pytest.approx(float(expected), rel=1e-12)
    assert getattr(metrics, name)()(y_true[:, None], y_pred[:, 0]) == pytest.approx(
        float(expected), rel=1e-12
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "RootMeanSquaredError"])
def test_predictions_without_an_axis_of_outputs_are_samples(name, weighted):
    """A batch of N counts N times; Keras counts it once, and refuses weights."""
    flat, column = getattr(metrics, name)(), getattr(metrics, name)()
    for samples in (9, 5):
        y_true, y_pred = arrays("binary", (samples,), 0), arrays("probability", (samples,), 1)
        weights = np.arange(1.0, samples + 1) if weighted else None
        flat.update_state(y_true, y_pred, weights)
        column.update_state(y_true, y_pred[:, None], weights)
    assert flat.result() == pytest.approx(column.result(), rel=1e-12)


@pytest.mark.parametrize("reduction", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("shape", "weights"),
    [((), None), ((), ()), ((5,), None), ((5,), ()), ((5,), (5,)), ((5,), (5, 1)), ((5, 1), (5,)),
     ((5, 3), None), ((5, 3), (5,)), ((5, 3), (5, 1)), ((5, 3), (5, 3)), ((5, 3, 2), (5, 3)),
     ((5, 3, 2), (5, 3, 1)), ((5, 3, 2), ())],
)  # fmt: skip
def test_reductions_of_numbers(reduction, shape, weights):
    ours, theirs = getattr(metrics, reduction)(), getattr(keras.metrics, reduction)()
    generator = np.random.default_rng(0)
    for _ in range(3):
        values = np.asarray(generator.standard_normal(shape))
        w = None if weights is None else np.asarray(generator.uniform(0, 2, weights))
        ours.update_state(values, w)
        theirs.update_state(values, w)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-12)


def test_a_function_with_arguments():
    def error(y_true: Any, y_pred: Any, power: float) -> Any:
        return abs(y_true - y_pred) ** power

    ours = metrics.MeanMetricWrapper(error, power=3)
    theirs = keras.metrics.MeanMetricWrapper(error, power=3)
    assert ours.name == "error"
    y_true, y_pred = arrays("numbers", (9, 2), 0), arrays("numbers", (9, 2), 1)
    weights = np.arange(9.0)
    expected = theirs(torch.tensor(y_true), torch.tensor(y_pred), torch.tensor(weights))
    assert ours(y_true, y_pred, weights) == pytest.approx(float(expected), rel=1e-12)


def test_a_loss_is_a_metric_too():
    y_true, y_pred = arrays("numbers", (9, 2), 0), arrays("numbers", (9, 2), 1)
    expected = np.abs(y_true - y_pred).mean()
    for loss in (ns.losses.mean_absolute_error, ns.losses.MeanAbsoluteError()):
        metric = metrics.get(loss)
        assert metric.name == "mean_absolute_error"
        assert metric(y_true, y_pred) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2])
def test_top_k_of_sorted_classes(k):
    y_true, y_pred = arrays("labels", (9, 4), 0), np.argsort(arrays("numbers", (9, 4), 1))
    options = {"k": k, "from_sorted_ids": True}
    expected = keras.metrics.SparseTopKCategoricalAccuracy(**options)(y_true, y_pred)
    assert metrics.SparseTopKCategoricalAccuracy(**options)(y_true, y_pred) == float(expected)


@pytest.mark.parametrize(
    "name",
    ["binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
     "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"],
)  # fmt: skip
def test_functions_give_each_sample(name):
    kind = "labels" if name.startswith("sparse") else "one_hot"
    y_true, y_pred = arrays(kind, (9, 6), 0), arrays("distribution", (9, 6), 1)
    expected = getattr(keras.metrics, name)(y_true, y_pred).numpy()
    values = getattr(metrics, name)(y_true.tolist(), y_pred.tolist())
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, expected)


def test_the_losses_are_here_too():
    assert metrics.mean_squared_error is ns.losses.mean_squared_error


@DTYPES
@pytest.mark.parametrize("curve", ["ROC", "PR", "PRGAIN"])
def test_probabilities_on_the_thresholds_of_the_auc(curve, dtype):
    """A probability that equals a threshold does not exceed it, in either dtype."""
    for count in (5, 200):
        y_pred = (np.arange(count) / (count - 1)).astype(dtype)
        y_true = np.random.default_rng(0).integers(2, size=count)
        options = {"curve": curve, "num_thresholds": count}
        exact = metrics.AUC(**options)(y_true, np.arange(count) / (count - 1))
        assert metrics.AUC(**options)(y_true, y_pred) == pytest.approx(exact, rel=1e-12)
        if count == 5:  # Keras's own thresholds are hit exactly
            expected = keras.metrics.AUC(**options)(y_true, y_pred)
            assert exact == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", ["AUC", "Precision", "Recall", "FalseNegatives"])
def test_nan_is_never_a_decision_for_the_positive_class(name):
    y_true, y_pred = np.array([1, 0, 1, 0]), np.array([np.nan, np.nan, 0.7, 0.2])
    expected = getattr(metrics, name)()(y_true, np.nan_to_num(y_pred, nan=0.0))
    assert getattr(metrics, name)()(y_true, y_pred) == expected


def test_no_score_is_no_decision():
    """Where all outputs of a row are 0, F-scores see no decision, as in Keras."""
    y_true, y_pred = np.eye(3), np.array([[0.9, 0, 0], [0, 0, 0], [0, 0.2, 0.3]])
    expected = keras.metrics.F1Score()(y_true, y_pred).numpy()
    np.testing.assert_allclose(metrics.F1Score()(y_true, y_pred), expected, rtol=1e-12)


def test_an_ignored_label_does_not_count():
    """With weights of one Keras agrees; without, it counts an ignored sample as a loss of 0."""
    y_true, y_pred = np.array([0, -1, 2, -1]), arrays("distribution", (4, CLASSES), 0)
    theirs = keras.metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    expected = float(theirs(y_true, y_pred, np.ones(4)))
    ours = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    assert ours(y_true, y_pred) == pytest.approx(expected, rel=1e-12)
    ours.reset_state()
    assert ours(y_true, y_pred, np.ones((4, 1))) == pytest.approx(expected, rel=1e-12)


def test_a_target_that_does_not_vary():
    y_true, y_pred = np.ones((4, 1)), arrays("numbers", (4, 1), 0)
    theirs = keras.metrics.R2Score()
    assert metrics.R2Score()(y_true, y_pred) == float(theirs(y_true, y_pred)) == 0
    assert np.isnan(metrics.R2Score()(y_true, y_true))


def test_more_regressors_than_targets():
    metric = metrics.R2Score(num_regressors=9)
    metric.update_state([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    with pytest.warns(UserWarning, match="cannot adjust for 9 regressors with 3 targets"):
        assert metric.result() == pytest.approx(float(keras_r2([1.0, 2, 4], [1.0, 2, 3])))


def keras_r2(y_true: list[float], y_pred: list[float]) -> Any:
    return keras.metrics.R2Score()(np.array(y_true)[:, None], np.array(y_pred)[:, None])


def test_tensors_and_dtype():
    y_pred = ns.Tensor(arrays("probability", (9, 3), 0), requires_grad=True)
    y_true = arrays("binary", (9, 3), 1)
    metric = metrics.MeanSquaredError(dtype="float32")
    value = metric(ns.Tensor(y_true), y_pred)
    assert value == pytest.approx(np.square(y_true - y_pred.numpy()).mean(), rel=1e-6)
    assert value != metrics.MeanSquaredError()(y_true, y_pred)
