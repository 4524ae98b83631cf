"""Losses against Keras: values, gradients, weights, reductions, shapes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import losses

GENERATOR = np.random.default_rng(0)
WEIGHTS = GENERATOR.uniform(0, 2, 6).astype(np.float32)

LOSSES: dict[str, tuple[Any, Any]] = {
    "mean_squared_error": (losses.MeanSquaredError, keras.losses.MeanSquaredError),
    "binary_crossentropy": (losses.BinaryCrossentropy, keras.losses.BinaryCrossentropy),
    "binary_crossentropy_from_logits": (
        lambda **options: losses.BinaryCrossentropy(from_logits=True, **options),
        lambda **options: keras.losses.BinaryCrossentropy(from_logits=True, **options),
    ),
}

# shape of the targets, shape of the predictions
SHAPES = [
    ((6,), (6, 1)),
    ((6, 1), (6, 1)),
    ((6, 1), (6,)),
    ((6, 4), (6, 4)),
    ((6, 2, 3), (6, 2, 3)),
]


def data(name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> tuple[Any, Any]:
    generator = np.random.default_rng(1)
    y_true = generator.integers(2, size=true_shape).astype(np.float32)
    scale = 5 if name.endswith("logits") else 1
    y_pred = generator.random(pred_shape).astype(np.float32) * scale
    return y_true, y_pred


def keras_loss(loss: Any, y_true: Any, y_pred: Any, weights: Any) -> tuple[Any, Any]:
    """Value and gradient."""
    prediction = torch.tensor(y_pred, requires_grad=True)
    with keras.device("cpu"):
        value = loss(y_true, prediction, weights)
    value.sum().backward()
    assert prediction.grad is not None
    return value.detach().numpy(), prediction.grad.numpy()


@pytest.mark.parametrize("weights", [None, "(N,)", "(N, 1)", "one"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient(name, shapes, reduction, weights):
    y_true, y_pred = data(name, *shapes)
    w = {None: None, "(N,)": WEIGHTS, "(N, 1)": WEIGHTS[:, None], "one": 3.0}[weights]
    if weights in ("(N,)", "(N, 1)") and len(shapes[1]) == 3:
        w = np.repeat(WEIGHTS[:, None], 2, axis=1)  # Keras wants one for each inner position
    ours, theirs = LOSSES[name]
    expected, expected_gradient = keras_loss(theirs(reduction=reduction), y_true, y_pred, w)
    prediction = ns.Tensor(y_pred, requires_grad=True)
    value = ours(reduction=reduction)(y_true, prediction, w)
    value.sum().backward()
    if reduction == "none" and weights == "(N, 1)":  # Keras keeps the weights' axis, ours drops it
        expected = expected.reshape(value.shape)
    assert value.shape == expected.shape
    assert value.dtype == np.float32
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(prediction.grad.numpy(), expected_gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shapes", [((6,), (6,)), ((6, 2), (6, 2, 1))], ids=str)
def test_the_mean_where_keras_sees_other_axes(name, shapes):
    y_true, y_pred = data(name, *shapes)
    expected, _ = keras_loss(LOSSES[name][1](), y_true, y_pred, None)
    value = LOSSES[name][0]()(y_true, ns.Tensor(y_pred))
    assert value.item() == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
def test_predictions_without_an_axis_of_outputs(name, reduction):
    """The first axis is that of samples, also where Keras takes it for that of outputs."""
    y_true, y_pred = data(name, (6,), (6,))
    loss = LOSSES[name][0](reduction=reduction)
    flat = loss(y_true, ns.Tensor(y_pred), WEIGHTS)
    column = loss(y_true, ns.Tensor(y_pred[:, None]), WEIGHTS)
    np.testing.assert_array_equal(flat.numpy(), column.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y_dtype", [int, bool, np.uint8, np.float64, np.float32])
def test_targets_take_the_dtype_of_the_predictions(dtype, y_dtype):
    y_true, y_pred = data("", (6, 4), (6, 4))
    exact = losses.MeanSquaredError()(y_true.astype(dtype), ns.Tensor(y_pred, dtype=dtype))
    value = losses.MeanSquaredError()(y_true.astype(y_dtype), ns.Tensor(y_pred, dtype=dtype))
    assert value.dtype == dtype
    assert value.item() == exact.item()


@pytest.mark.parametrize("name", LOSSES)
def test_plain_arrays_and_lists(name):
    y_true, y_pred = data(name, (6, 1), (6, 1))
    loss = LOSSES[name][0]()
    expected = loss(y_true, ns.Tensor(y_pred)).item()
    assert loss(y_true.tolist(), y_pred) == pytest.approx(expected, rel=1e-6)
    assert loss(y_true, y_pred.tolist()) == pytest.approx(expected, rel=1e-6)


def test_the_mean_is_the_missions_formula():
    """loss = (1/N) Σ L(y_i, ŷ_i), written out."""
    y_true, y_pred = data("", (6, 4), (6, 4))
    total = 0.0
    for y, p in zip(y_true.astype(float), y_pred.astype(float), strict=True):
        total += sum((p - y) ** 2) / 4
    value = losses.MeanSquaredError()(y_true, ns.Tensor(y_pred)).item()
    assert value == pytest.approx(total / 6, rel=1e-6)


# --- cross-entropy from probabilities, and from a sigmoid's input ---


def test_certain_and_wrong_is_clipped_as_in_keras():
    y_true = np.array([0, 1, 0, 1], np.float32)
    y_pred = np.array([0, 0, 1, 1], np.float32)
    expected, _ = keras_loss(keras.losses.BinaryCrossentropy(), y_true, y_pred, None)
    value = losses.BinaryCrossentropy()(y_true, ns.Tensor(y_pred))
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS[:5]])
def test_a_sigmoid_is_seen_through(weights):
    """The loss of sigmoid(z) is that of the logits z, also where the sigmoid rounds to 0 or 1."""
    z = np.array([[-120], [-20], [0.5], [20], [120]], np.float32)
    y = np.array([[1], [0], [1], [1], [0]], np.float32)
    through, direct = (ns.Tensor(z, requires_grad=True) for _ in range(2))
    seen = losses.BinaryCrossentropy()(y, ns.activations.get("sigmoid")(through), weights)
    expected = losses.BinaryCrossentropy(from_logits=True)(y, direct, weights)
    seen.backward()
    expected.backward()
    assert np.isfinite(seen.item())
    assert seen.item() == expected.item()
    np.testing.assert_array_equal(through.grad.numpy(), direct.grad.numpy())
    assert np.abs(through.grad.numpy()[[0, 4]]).min() > 0


@pytest.mark.parametrize("logit", [-1e30, -200.0, 0.0, 200.0, 1e30])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_any_logit_gives_a_finite_loss_and_gradient(logit, target):
    z = ns.Tensor(np.array([logit]), requires_grad=True)
    value = losses.BinaryCrossentropy(from_logits=True)(np.array([target]), z)
    value.backward()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor([logit], dtype=torch.float64), torch.tensor([target], dtype=torch.float64)
    )
    assert value.item() == pytest.approx(expected.item(), rel=1e-12)
    assert np.isfinite(z.grad.numpy()).all()


# --- by name, by function ---


@pytest.mark.parametrize("name", ["binary_crossentropy", "bce", "mean_squared_error", "mse"])
def test_names_stand_for_the_classes_of_keras(name):
    y_true, y_pred = data(name, (6, 3), (6, 3))
    theirs = keras.losses.get(name)(y_true, torch.tensor(y_pred))
    ours = losses.get(name)(y_true, ns.Tensor(y_pred)).item()
    assert ours == pytest.approx(theirs.mean().item(), rel=1e-5)


def test_a_function_of_targets_and_predictions():
    def absolute(y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_true - y_pred).mean(axis=-1)

    loss = losses.get(absolute)
    assert loss.name == "absolute"
    y_true, y_pred = data("", (6, 3), (6, 3))
    expected = np.abs(y_true - y_pred).mean()
    assert loss(y_true, ns.Tensor(y_pred)).item() == pytest.approx(expected, rel=1e-6)


# --- what is refused ---


def test_another_reduction():
    with pytest.raises(ValueError, match="'sum_over_batch_size', 'sum', 'none', got 'average'"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((6,), (6, 3)), ((6, 1), (6, 3)), ((5, 3), (6, 3)), ((6,), (5,))]
)
def test_shapes_that_would_only_broadcast(true_shape, pred_shape):
    loss = losses.MeanSquaredError(name="my_loss")
    with pytest.raises(ValueError, match="'my_loss' got targets of shape") as error:
        loss(np.zeros(true_shape), ns.Tensor(np.zeros(pred_shape)))
    assert str(true_shape) in str(error.value)
    assert str(pred_shape) in str(error.value)


@pytest.mark.parametrize("weights", [np.ones(5), np.ones((6, 3)), np.ones((1, 6)), np.ones(3)])
def test_weights_of_another_number_of_samples(weights):
    with pytest.raises(ValueError, match=r"got sample weights of shape .* losses of shape \(6,\)"):
        losses.MeanSquaredError()(np.zeros((6, 3)), ns.Tensor(np.zeros((6, 3))), weights)


def test_a_loss_without_a_call():
    with pytest.raises(NotImplementedError, match="Loss 'empty' needs a call"):
        losses.Loss(name="empty")(np.zeros(3), ns.Tensor(np.zeros(3)))
