"""Every loss against Keras: values and gradients, each reduction, weights of each shape.

Keras computes in float64 for both dtypes, so that the differences are our own rounding.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import losses
from tests.keras_cases import DTYPES, Case, arguments, arrays, case

pytestmark = pytest.mark.usefixtures("keras_in_double_precision")

SAMPLES, STEPS, OUTPUTS = 6, 3, 4
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}

CASES = [
    case("MeanSquaredError", "numbers", "numbers"),
    case("MeanAbsoluteError", "numbers", "numbers"),
    case("MeanAbsolutePercentageError", "numbers", "numbers"),
    case("MeanSquaredLogarithmicError", "numbers", "numbers"),
    case("Huber", "numbers", "numbers"),
    case("Huber", "numbers", "numbers", delta=0.3),
    case("LogCosh", "numbers", "numbers"),
    case("CosineSimilarity", "numbers", "numbers"),
    case("CosineSimilarity", "numbers", "numbers", axis=1),
    case("Hinge", "binary", "numbers"),
    case("Hinge", "signs", "numbers"),
    case("SquaredHinge", "binary", "numbers"),
    case("SquaredHinge", "signs", "numbers"),
    case("CategoricalHinge", "one_hot", "numbers"),
    case("KLDivergence", "distribution", "distribution"),
    case("Poisson", "counts", "probability"),
    case("BinaryCrossentropy", "binary", "probability"),
    case("BinaryCrossentropy", "binary", "numbers", from_logits=True),
    case("BinaryCrossentropy", "binary", "probability", label_smoothing=0.2),
    case("BinaryCrossentropy", "probability", "numbers", from_logits=True, label_smoothing=0.2),
    case("BinaryCrossentropy", "binary", "numbers", from_logits=True, axis=1),
    case("BinaryFocalCrossentropy", "binary", "probability"),
    case("BinaryFocalCrossentropy", "binary", "numbers", from_logits=True),
    case("BinaryFocalCrossentropy", "binary", "probability", gamma=1.5, label_smoothing=0.1),
    case("BinaryFocalCrossentropy", "binary", "numbers", from_logits=True,
         apply_class_balancing=True, alpha=0.7),
    case("BinaryFocalCrossentropy", "probability", "probability", gamma=0.0),
    case("CategoricalCrossentropy", "one_hot", "distribution"),
    case("CategoricalCrossentropy", "one_hot", "probability"),
    case("CategoricalCrossentropy", "one_hot", "numbers", from_logits=True),
    case("CategoricalCrossentropy", "distribution", "numbers", from_logits=True),
    case("CategoricalCrossentropy", "probability", "numbers", from_logits=True),
    case("CategoricalCrossentropy", "one_hot", "distribution", label_smoothing=0.2),
    case("CategoricalCrossentropy", "one_hot", "numbers", from_logits=True, label_smoothing=0.2),
    case("CategoricalCrossentropy", "one_hot", "numbers", from_logits=True, axis=1),
    case("CategoricalCrossentropy", "one_hot", "distribution", axis=1),
    case("CategoricalFocalCrossentropy", "one_hot", "distribution"),
    case("CategoricalFocalCrossentropy", "one_hot", "numbers", from_logits=True, gamma=1.5),
    case("CategoricalFocalCrossentropy", "one_hot", "numbers", from_logits=True,
         alpha=[0.1, 0.2, 0.3, 0.4], label_smoothing=0.1),
    case("SparseCategoricalCrossentropy", "labels", "distribution"),
    case("SparseCategoricalCrossentropy", "labels", "probability"),
    case("SparseCategoricalCrossentropy", "labels", "numbers", from_logits=True),
    case("SparseCategoricalCrossentropy", "labels", "numbers", from_logits=True, ignore_class=1),
    case("SparseCategoricalCrossentropy", "labels", "distribution", ignore_class=1),
    case("SparseCategoricalCrossentropy", "labels", "numbers", from_logits=True, ignore_class=-1),
    case("SparseCategoricalCrossentropy", "class_axis_1", "numbers", from_logits=True, axis=1),
    case("Dice", "binary", "probability", axis=-1),
    case("Tversky", "binary", "probability", axis=-1, alpha=0.3, beta=0.9),
]  # fmt: skip
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]


def keras_value_and_gradient(loss: Any, y_true: Any, y_pred: Any, weights: Any) -> Any:
    prediction = torch.tensor(y_pred.astype(np.float64), requires_grad=True)
    value = loss(y_true, prediction, weights)
    value.sum().backward()
    assert prediction.grad is not None
    return value.detach().numpy(), prediction.grad.numpy()


def assert_near(actual: Any, expected: Any, dtype: Any) -> None:
    tolerance = TOLERANCE[dtype]
    largest = np.abs(expected).max(initial=0)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual.numpy(), expected, rtol=tolerance, atol=tolerance * largest)


def spread(weights: Any, shape: tuple[int, ...]) -> Any:
    """Weights of the losses' shape: Keras can multiply no others into the mask of ignore_class."""
    return np.broadcast_to(weights[..., 0] if weights.ndim > len(shape) else weights, shape)


def compare(case: Case, shape: tuple[int, ...], dtype: Any, reduction: Any, weights: Any) -> None:
    their_weights = weights
    if "ignore_class" in case.options and weights is not None:
        their_weights = spread(weights, shape[:-1])
    y_pred = arrays(case.predictions, shape, 1).astype(dtype)
    y_true = arrays(case.targets, shape, 2)
    y_true = y_true if y_true.dtype.kind == "i" else y_true.astype(dtype)
    theirs = getattr(keras.losses, case.name)(reduction=reduction, **case.options)
    expected, gradient = keras_value_and_gradient(theirs, y_true, y_pred, their_weights)
    prediction = ns.Tensor(y_pred, requires_grad=True)
    value = getattr(losses, case.name)(reduction=reduction, **case.options)(
        y_true, prediction, weights
    )
    value.sum().backward()
    if reduction in (None, "none"):  # Keras keeps a last axis of one of the weights
        expected = expected.reshape(value.shape)
    assert prediction.grad is not None
    assert value.shape == expected.shape
    assert_near(value, expected, dtype)
    assert_near(prediction.grad, gradient, dtype)


def weights_of(shape: tuple[int, ...] | None) -> Any:
    return None if shape is None else np.asarray(np.random.default_rng(3).uniform(0, 2, shape))


@DTYPES
@pytest.mark.parametrize("weights", [None, (), (SAMPLES,), (SAMPLES, 1), (1,)], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", [c for c in CASES if c.options.get("axis") != 1], ids=str)
def test_samples(case, reduction, weights, dtype):
    compare(case, (SAMPLES, OUTPUTS), dtype, reduction, weights_of(weights))


@DTYPES
@pytest.mark.parametrize("weights", [None, (), "inner", "inner, 1", "N, 1", "1, inner"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_samples_with_an_inner_axis(case, reduction, weights, dtype):
    inner = OUTPUTS if case.options.get("axis") == 1 else STEPS
    shapes: dict[Any, Any] = {
        "inner": (SAMPLES, inner),
        "inner, 1": (SAMPLES, inner, 1),
        "N, 1": (SAMPLES, 1),
        "1, inner": (1, inner),
    }
    shape = shapes.get(weights, weights)
    compare(case, (SAMPLES, STEPS, OUTPUTS), dtype, reduction, weights_of(shape))


@DTYPES
@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_one_number_for_the_batch(name, dtype):
    compare(case(name, "binary", "probability"), (SAMPLES, OUTPUTS), dtype, "sum", None)


@DTYPES
@pytest.mark.parametrize("case", CASES, ids=str)
def test_functions_give_each_samples_loss(case, dtype):
    name = ns.losses.get(case.name)
    function = next(f for f, kind in losses._CLASSES.items() if kind is type(name))
    shape = (SAMPLES, STEPS, OUTPUTS)
    y_pred = arrays(case.predictions, shape, 1)
    y_true = arrays(case.targets, shape, 2)
    theirs = getattr(keras.losses, function.__name__)
    expected = theirs(torch.tensor(y_true), torch.tensor(y_pred), **case.options).numpy()
    values = function(y_true.tolist(), y_pred.astype(dtype), **case.options)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, expected, rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype])


# --- corners -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred"),
    [
        ("MeanAbsoluteError", [1.0, 2.0], [1.0, 3.0]),
        ("MeanAbsolutePercentageError", [0.0, -2.0], [0.5, -2.0]),
        ("MeanSquaredLogarithmicError", [-3.0, 0.0], [-1.0, 0.0]),
        ("Huber", [0.0, 0.0], [1.0, -1.0]),
        ("LogCosh", [0.0, 0.0], [-800.0, 800.0]),
        ("Hinge", [1.0, 0.0], [1.0, -1.0]),
        ("SquaredHinge", [1.0, -1.0], [1.0, 1.0]),
        ("CategoricalHinge", [0.0, 1.0], [2.0, 3.0]),
        ("KLDivergence", [0.0, 1.0], [1.0, 0.0]),
        ("Poisson", [0.0, 3.0], [0.0, 1e-9]),
        ("BinaryCrossentropy", [0.0, 1.0], [1.0, 0.0]),
        ("BinaryCrossentropy", [0.0, 1.0], [1e-7, 1e-7]),
        ("CategoricalCrossentropy", [0.0, 1.0], [1.0, 0.0]),
    ],
)
def test_corners_and_their_gradients(name, y_true, y_pred):
    prediction = ns.Tensor([y_pred], requires_grad=True)
    expected, gradient = keras_value_and_gradient(
        getattr(keras.losses, name)(), np.array([y_true]), np.array([y_pred]), None
    )
    value = getattr(losses, name)()([y_true], prediction)
    value.backward()
    assert value.item() == pytest.approx(float(expected), rel=1e-12)
    assert prediction.grad is not None
    np.testing.assert_allclose(prediction.grad.numpy(), gradient, rtol=1e-12)


def test_the_cosine_with_a_zero_vector_is_0_and_its_gradient_finite():
    zeros = ns.Tensor(np.zeros((1, 3)), requires_grad=True)
    value = losses.CosineSimilarity()([[1.0, 2.0, 2.0]], zeros)
    value.backward()
    assert value.item() == 0
    assert zeros.grad is not None
    np.testing.assert_allclose(zeros.grad.numpy(), -np.array([[1, 2, 2]]) / 3 * 1e7, rtol=1e-12)


def test_one_vector_without_a_batch_axis():
    """Where outputs have no loss of their own, (N,) is one sample, as in Keras."""
    for name in ("CosineSimilarity", "KLDivergence", "CategoricalHinge", "CategoricalCrossentropy"):
        y_true, y_pred = np.array([0.0, 1, 0]), np.array([0.2, 0.7, 0.1])
        expected = getattr(keras.losses, name)()(y_true, torch.tensor(y_pred))
        assert getattr(losses, name)()(y_true, y_pred) == pytest.approx(float(expected), rel=1e-12)


@DTYPES
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_that_sum_to_zero(dtype, reduction):
    weights = np.zeros(SAMPLES)
    compare(case("MeanSquaredError", "numbers", "numbers"), (SAMPLES, 1), dtype, reduction, weights)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weights", [None, weights_of((SAMPLES,))], ids=["plain", "weighted"])
def test_all_labels_ignored(reduction, weights):
    y_true, y_pred = np.full(SAMPLES, 9), arrays("numbers", (SAMPLES, OUTPUTS), 1)
    prediction = ns.Tensor(y_pred, requires_grad=True)
    loss = losses.SparseCategoricalCrossentropy(True, ignore_class=9, reduction=reduction)
    value = loss(y_true, prediction, weights)
    value.sum().backward()
    assert not value.numpy().any()
    assert prediction.grad is not None
    assert not prediction.grad.numpy().any()


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", dict.fromkeys(losses._CLASSES.values()), ids=lambda kind: kind.__name__
)
def test_arguments_defaults_and_names_are_those_of_keras(kind):
    theirs = getattr(keras.losses, kind.__name__)
    assert arguments(kind) == arguments(theirs)
    assert kind().name == theirs().name


def test_the_base_class_takes_the_arguments_of_keras():
    assert arguments(losses.Loss) == arguments(keras.losses.Loss)


@pytest.mark.parametrize("function", losses._CLASSES, ids=lambda function: function.__name__)
def test_the_functions_take_the_arguments_of_keras(function):
    theirs = getattr(keras.losses, function.__name__)
    assert arguments(function) == arguments(theirs)


def test_dtype_converts_the_predictions():
    y_true, y_pred = np.ones((2, 3)), ns.Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    value = losses.MeanSquaredError(dtype="float64")(y_true, y_pred)
    value.backward()
    assert value.dtype == np.float64
    assert y_pred.grad is not None
    assert y_pred.grad.dtype == np.float32


def test_integer_predictions_do_not_round_the_targets():
    assert losses.MeanSquaredError()([[0.5]], [[1]]) == 0.25


def test_gradients_flow_to_targets_that_are_tensors():
    teacher = ns.Tensor([[0.3, 0.7]], requires_grad=True)
    losses.MeanSquaredError()(teacher, ns.Tensor([[0.5, 0.5]])).backward()
    assert teacher.grad is not None
    np.testing.assert_allclose(teacher.grad.numpy(), [[-0.2, 0.2]])


# --- strings -----------------------------------------------------------------------------------


def test_every_string_of_keras_means_the_same_here():
    table = keras.src.losses.ALL_OBJECTS_DICT
    left_out = {"CTC", "ctc", "Circle", "circle", "Loss", "LossFunctionWrapper"}
    for name in table.keys() - left_out:
        ours, theirs = type(losses.get(name)), table[name]
        if isinstance(theirs, type):
            assert ours.__name__ == theirs.__name__
        else:
            assert ours is losses._CLASSES[getattr(losses, theirs.__name__)]


def test_our_functions_become_their_classes():
    assert type(losses.get(losses.mean_squared_error)) is losses.MeanSquaredError


@pytest.mark.parametrize("name", ["crossentropy", "ce", "CE"])
@pytest.mark.parametrize(
    ("targets", "true_shape", "pred_shape", "function"),
    [
        ("binary", (SAMPLES,), (SAMPLES, 1), losses.binary_crossentropy),
        ("binary", (SAMPLES, 1), (SAMPLES, 1), losses.binary_crossentropy),
        ("labels", (SAMPLES, OUTPUTS), (SAMPLES, OUTPUTS), losses.sparse_categorical_crossentropy),
        ("one_hot", (SAMPLES, OUTPUTS), (SAMPLES, OUTPUTS), losses.categorical_crossentropy),
    ],
)
def test_crossentropy_is_chosen_by_the_shapes(name, targets, true_shape, pred_shape, function):
    y_true = arrays(targets, true_shape, 2)
    y_pred = arrays("probability", pred_shape, 1)
    expected = function(y_true, y_pred).mean()
    assert losses.get(name)(y_true, y_pred) == pytest.approx(expected, rel=1e-12)


def test_a_configuration_makes_the_same_loss_again():
    known = {kind.__name__: kind for kind in losses._CLASSES.values()}
    loss = losses.BinaryCrossentropy(label_smoothing=0.2, reduction="sum")
    again = type(loss).from_config(loss.get_config(), known)
    y_true, y_pred = arrays("binary", (6, 4), 1), arrays("probability", (6, 4), 2)
    assert again(y_true, y_pred) == loss(y_true, y_pred)


@pytest.mark.parametrize("smoothing", [-0.1, 1.5])
def test_smoothing_outside_its_range(smoothing):
    for kind in (losses.BinaryCrossentropy, losses.CategoricalCrossentropy):
        with pytest.raises(ValueError, match=f"label_smoothing .* got {smoothing}"):
            kind(label_smoothing=smoothing)
