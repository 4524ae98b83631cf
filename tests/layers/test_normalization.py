"""Batch, layer and unit normalization beyond the table of `test_against_keras`."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch.layers import BatchNormalization, Dense, Input, LayerNormalization, UnitNormalization

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("keras_in_double_precision"),
]
generator = np.random.default_rng(0)
x = generator.normal(2, 3, size=(64, 4))
y = generator.normal(size=(64, 2))


# --- the moving statistics ---


@pytest.mark.parametrize("options", [{}, {"momentum": 0.7, "epsilon": 1e-5}, {"axis": 1}])
def test_moving_statistics_over_several_steps(options):
    shape = (10, 3, 4) if options.get("axis") else (10, 4)
    theirs = keras.layers.BatchNormalization(dtype="float64", **options)
    ours = BatchNormalization(dtype="float64", **options)
    for step in range(20):
        batch = np.random.default_rng(step).normal(step, 2, size=shape)
        expected, result = theirs(torch.tensor(batch), training=True), ours(batch, training=True)
        np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-9)
        for weight, other in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(weight.numpy(), other.value.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(
        ours(batch).numpy(), theirs(torch.tensor(batch)).detach().numpy(), rtol=1e-10
    )


def test_the_variance_is_divided_by_n():
    layer = BatchNormalization(momentum=0.0, dtype="float64")
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(axis=0), rtol=1e-12)


def test_inference_leaves_the_statistics_alone():
    layer = BatchNormalization()
    layer(x, training=True)
    before = layer.get_weights()
    layer(x)
    layer(x, training=False)
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_weights():
    layer = BatchNormalization(name="batch")
    layer(x)
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]
    assert [w.name for w in layer.non_trainable_weights] == ["moving_mean", "moving_variance"]
    layer.trainable = False
    assert layer.trainable_weights == []
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]


def test_a_large_mean_does_not_hide_the_variance():
    far = x.astype(np.float32) + 10_000
    result = BatchNormalization(epsilon=1e-9)(far, training=True).numpy()
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(result.std(axis=0), 1, rtol=1e-3)


@pytest.mark.parametrize("layer", [BatchNormalization, LayerNormalization])
def test_half_precision_does_not_overflow(layer):
    large = (x * 50).astype(np.float16)  # their squares are beyond float16
    result = layer(dtype="float16")(large, training=True)
    assert result.dtype == np.float16
    expected = layer(dtype="float64")(large.astype(np.float64), training=True)
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=5e-3, atol=5e-3)


# --- in training ---


def models() -> tuple[keras.Model, ns.Sequential]:
    """The same network, with the same weights, in Keras and here."""
    theirs = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="relu", dtype="float64"),
            keras.layers.BatchNormalization(dtype="float64", momentum=0.9),
            keras.layers.LayerNormalization(dtype="float64"),
            keras.layers.Dense(2, dtype="float64"),
        ]
    )
    ours = ns.Sequential(
        [
            Input((4,)),
            Dense(5, activation="relu", dtype="float64"),
            BatchNormalization(dtype="float64", momentum=0.9),
            LayerNormalization(dtype="float64"),
            Dense(2, dtype="float64"),
        ]
    )
    ours.set_weights(theirs.get_weights())
    return theirs, ours


@pytest.mark.parametrize("frozen", [False, True], ids=["training", "frozen"])
def test_a_network_learns_as_in_keras(frozen):
    theirs, ours = models()
    histories = []
    for model in (theirs, ours):
        model.layers[1].trainable = not frozen
        optimizers = keras.optimizers if model is theirs else ns.optimizers
        model.compile(optimizers.SGD(0.05), "mse")
        options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
        histories.append(model.fit(x, y, validation_data=(x[:20], y[:20]), **options).history)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(
            histories[1][name], histories[0][name], rtol=1e-6
        )  # float32 means
    # Keras reorders the weights of a frozen layer, so they are compared layer by layer.
    for layer, other in zip(ours.layers, theirs.layers, strict=True):
        for weight, value in zip(layer.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-7, atol=1e-9)


def test_a_frozen_layer_normalizes_by_what_it_knows_and_lets_the_gradient_through():
    layer = BatchNormalization(dtype="float64")
    layer(x, training=True)
    layer.trainable = False
    before = layer.get_weights()
    inputs = ns.Tensor(x, requires_grad=True)
    result = layer(inputs, training=True)
    np.testing.assert_array_equal(result.numpy(), layer(x).data)
    result.sum().backward()
    gamma, _, _, variance = layer.get_weights()
    expected = np.broadcast_to(gamma / np.sqrt(variance + 1e-3), x.shape)
    np.testing.assert_allclose(inputs.grad.numpy(), expected, rtol=1e-12)
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_freezing_reaches_a_layer_within_a_model():
    model = ns.Sequential([Dense(3, input_dim=4), BatchNormalization(), Dense(2)])
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=1, verbose=0)
    batch = model.layers[1]
    batch.trainable = False
    before = batch.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    for weight, old in zip(batch.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    batch.trainable = True
    model.fit(x, y, epochs=1, verbose=0)
    assert all(
        not np.array_equal(weight, old)
        for weight, old in zip(batch.get_weights(), before, strict=True)
    )


def test_within_a_functional_model():
    symbol = Input((4,))
    model = ns.Model(symbol, Dense(2)(BatchNormalization(name="batch")(symbol)))
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=1, batch_size=64, verbose=0)
    expected = 0.01 * x.mean(axis=0)
    np.testing.assert_allclose(model.get_layer("batch").moving_mean.numpy(), expected, rtol=1e-5)


# --- layer normalization ---


@pytest.mark.parametrize("axis", [1, [1], [1, 3], -3, (2, 1)], ids=str)
@pytest.mark.parametrize("rms_scaling", [False, True])
def test_axes_against_the_formula_in_pytorch(axis, rms_scaling):
    """Over one axis that is not the last, Keras on PyTorch normalizes the last one instead."""
    values = generator.normal(1, 2, size=(3, 4, 2, 5))
    layer = LayerNormalization(axis=axis, rms_scaling=rms_scaling, dtype="float64")
    inputs = ns.Tensor(values, requires_grad=True)
    layer(inputs)
    layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.weights])
    axes = sorted({a % 4 for a in np.atleast_1d(axis)})
    kept = [n if i in axes else 1 for i, n in enumerate(values.shape)]
    weights = [torch.tensor(w, requires_grad=True) for w in layer.get_weights()]
    theirs = torch.tensor(values, requires_grad=True)
    variance, mean = torch.var_mean(theirs, axes, correction=0, keepdim=True)
    expected = (theirs - (0 if rms_scaling else mean)) / torch.sqrt(variance + 1e-3)
    expected = expected * weights[0].reshape(kept)
    if not rms_scaling:
        expected = expected + weights[1].reshape(kept)
    result = layer(inputs)
    cotangent = generator.normal(size=values.shape)
    result.backward(cotangent)
    expected.backward(torch.tensor(cotangent))
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    own = [inputs.grad, *(w.grad for w in layer.weights)]
    for gradient, other in zip(own, [theirs, *weights], strict=True):
        np.testing.assert_allclose(gradient.numpy(), other.grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
def test_rms_scaling_is_that_of_keras():
    theirs = keras.layers.LayerNormalization(rms_scaling=True, dtype="float64")
    ours = LayerNormalization(rms_scaling=True, dtype="float64")
    expected = theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours(x).numpy(), expected, rtol=1e-10)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights] == ["gamma"]


def test_penalties_and_constraints_reach_the_weights():
    for kind in (BatchNormalization, LayerNormalization):
        layer = kind(gamma_regularizer="l2", beta_constraint="non_neg")
        layer(x)
        gamma, beta = layer.weights[:2]
        assert gamma.regularizer is layer.gamma_regularizer is not None
        assert beta.constraint is layer.beta_constraint is not None
        assert gamma.constraint is beta.regularizer is None


# --- unit normalization ---


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_zeros_stay_zero_with_a_finite_gradient(dtype):
    inputs = ns.Tensor(np.zeros((2, 3), dtype), requires_grad=True)
    layer = UnitNormalization(dtype=dtype)
    layer(inputs).sum().backward()
    np.testing.assert_array_equal(layer(inputs).numpy(), np.zeros((2, 3)))
    assert np.isfinite(inputs.grad.numpy()).all()


# --- what is refused ---


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            BatchNormalization(axis=3, name="n"),
            "'n' has axis=3, which inputs of 2 axes do not have",
        ),
        (BatchNormalization(axis=0, name="n"), r"'n' cannot work along axis 0 .* batch axis"),
        (LayerNormalization(axis=-3, name="n"), "'n' has axis=-3, which inputs of 2 axes do not"),
        (LayerNormalization(axis=[1, -1], name="n"), "'n' has axis=.*: name each axis once"),
        (LayerNormalization(axis=[0, 1], name="n"), r"'n' cannot work along axis 0 .* batch axis"),
        (UnitNormalization(axis=2, name="n"), "'n' has axis=2, which inputs of 2 axes do not have"),
    ],
)
def test_axes_that_are_not_there(layer, message):
    with pytest.raises(ValueError, match=message):
        layer(x)
    assert layer.weights == []


def test_an_axis_of_unknown_length():
    with pytest.raises(ValueError, match=r"axis 1 of inputs of shape \(None, None, 3\).*no fixed"):
        LayerNormalization(axis=1)(Input((None, 3)))


@pytest.mark.parametrize("kind", [BatchNormalization, LayerNormalization])
@pytest.mark.parametrize("training", [False, True])
def test_another_number_of_features(kind, training):
    layer = kind(name="n")
    layer(x)
    before = layer.get_weights()
    for wrong in (x[:, :3], x[:, :, None]):
        with pytest.raises(
            ValueError,
            match=r"'n' was built for inputs of shape \(None, 4\), got an input of shape",
        ):
            layer(wrong, training=training)
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0}, "needs a positive number for epsilon, got 0"),
        ({"epsilon": "small"}, "needs a positive number for epsilon, got 'small'"),
        ({"momentum": 1.5}, "needs a number from 0 to 1 for momentum, got 1.5"),
        ({"gamma_initializer": "onez"}, "no initializer called 'onez'"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        BatchNormalization(**options)
