"""Dropout, GaussianDropout, GaussianNoise, ActivityRegularization."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch.layers import (
    ActivityRegularization,
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Input,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RANDOM_LAYERS = {
    "dropout": lambda **options: Dropout(0.4, **options),
    "gaussian dropout": lambda **options: GaussianDropout(0.4, **options),
    "gaussian noise": lambda **options: GaussianNoise(0.4, **options),
}
every_layer = pytest.mark.parametrize("make", RANDOM_LAYERS.values(), ids=RANDOM_LAYERS)
ones = np.ones((400, 500), np.float32)


# --- what they draw ---


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.75])
def test_dropout_zeroes_a_share_and_scales_the_others(rate):
    result = Dropout(rate)(ones, training=True)
    kept = result[result != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-6)
    deviation = math.sqrt(rate * (1 - rate) / ones.size)
    assert abs(1 - kept.size / ones.size - rate) < 5 * deviation
    assert abs(result.mean() - 1) < 5 * deviation / (1 - rate)


def test_dropout_draws_each_element_by_itself():
    dropped = Dropout(0.5)(ones, training=True) == 0
    for neighbours in (dropped[1:] == dropped[:-1], dropped[:, 1:] == dropped[:, :-1]):
        assert abs(neighbours.mean() - 0.5) < 5 * 0.5 / math.sqrt(neighbours.size)


@pytest.mark.parametrize(
    ("layer", "center", "stddev"),
    [
        (GaussianNoise(0.3), 1.0, 0.3),
        (GaussianDropout(0.2), 1.0, math.sqrt(0.2 / 0.8)),
        (GaussianNoise(2.5), 1.0, 2.5),
    ],
    ids=["noise", "dropout", "wide noise"],
)
def test_gaussian_layers_have_the_right_mean_and_variance(layer, center, stddev):
    result = layer(ones, training=True).astype(np.float64)
    theirs = type(layer).__name__
    assert abs(result.mean() - center) < 5 * stddev / math.sqrt(ones.size), theirs
    assert abs(result.std() - stddev) < 5 * stddev / math.sqrt(2 * ones.size)
    assert abs(((result - center) ** 3).mean()) < 0.05 * stddev**3
    np.testing.assert_allclose(((result - center) ** 4).mean(), 3 * stddev**4, rtol=0.05)


def test_keras_draws_from_the_same_distributions():
    """Mean and deviation over many draws, for the layers as Keras has them."""
    x = np.full((300, 400), 2.0, np.float32)
    for name, argument in (("Dropout", 0.3), ("GaussianDropout", 0.3), ("GaussianNoise", 0.7)):
        theirs = getattr(keras.layers, name)(argument, seed=1)(torch.tensor(x), training=True)
        ours = getattr(ns.layers, name)(argument, seed=1)(x, training=True)
        np.testing.assert_allclose(ours.mean(), theirs.numpy().mean(), rtol=0.02)
        np.testing.assert_allclose(ours.std(), theirs.numpy().std(), rtol=0.02)


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (1, 9, 1), [4, None, 1], (None, 9, 5)])
def test_noise_shape(noise_shape):
    x = np.ones((4, 9, 5), np.float32)
    result = Dropout(0.5, noise_shape=noise_shape)(x, training=True)
    for axis, length in enumerate(noise_shape):
        if length == 1:
            assert (result == np.take(result, [0], axis=axis)).all()
    assert 0 < (result == 0).mean() < 1


@pytest.mark.parametrize("rate", [0, 0.0, 1, 1.0])
def test_all_or_nothing(rate):
    inputs = ns.Tensor(np.ones((3, 4), np.float32), requires_grad=True)
    result = Dropout(rate)(inputs, training=True)
    np.testing.assert_array_equal(result.numpy(), np.full((3, 4), 1 - rate))
    result.sum().backward()
    np.testing.assert_array_equal(inputs.grad.numpy(), np.full((3, 4), 1 - rate))


# --- training, inference, gradients ---


@every_layer
def test_nothing_happens_outside_training(make):
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    layer = make()
    assert layer(x) is x
    assert layer(x, training=False) is x
    assert not np.array_equal(layer(x, training=True), x)


def test_no_noise_at_zero():
    for layer in (Dropout(0), GaussianDropout(0), GaussianNoise(0)):
        assert layer(ones, training=True) is ones


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@every_layer
def test_the_gradient_goes_through_the_same_noise(make, dtype):
    x = np.random.default_rng(0).uniform(1, 2, size=(20, 30)).astype(dtype)
    inputs = ns.Tensor(x, requires_grad=True)
    layer = make(dtype=dtype)
    result = layer(inputs, training=True)
    cotangent = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
    result.backward(cotangent)
    assert result.dtype == inputs.grad.dtype == dtype
    slope = np.ones_like(x) if isinstance(layer, GaussianNoise) else result.numpy() / x
    precision = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(inputs.grad.numpy(), cotangent * slope, rtol=precision)


@every_layer
def test_whole_numbers_become_floating_point(make):
    assert make()(np.ones((4, 5), int), training=True).dtype == np.float32


# --- seeds ---


@every_layer
def test_a_seed_fixes_the_numbers_of_the_layer_alone(make):
    first, second = make(seed=7), make(seed=7)
    results = [first(ones, training=True)]
    ns.random.generator().random(3)
    results.append(second(ones, training=True))
    np.testing.assert_array_equal(*results)
    assert not np.array_equal(first(ones, training=True), results[0])
    assert not np.array_equal(make(seed=8)(ones, training=True), results[0])


@every_layer
def test_without_a_seed_the_global_one_counts(make):
    layer = make()
    results = []
    for _ in range(2):
        ns.random.seed(3)
        results.append(layer(ones, training=True))
    np.testing.assert_array_equal(*results)
    assert not np.array_equal(layer(ones, training=True), results[0])


@every_layer
def test_made_again_from_its_configuration(make):
    layer = make(seed=5, name="noisy")
    config = layer.get_config()
    again = type(layer).from_config(config, {})
    assert again.get_config() == config
    np.testing.assert_array_equal(again(ones, training=True), layer(ones, training=True))


def test_training_twice_from_one_seed_gives_the_same_bits():
    x = np.random.default_rng(0).normal(size=(60, 5))
    y = (x[:, :1] > 0).astype(float)

    def trained() -> list[np.ndarray]:
        ns.random.seed(11)
        model = ns.Sequential(
            [Dense(8, activation="relu", input_dim=5), Dropout(0.3), GaussianNoise(0.1), Dense(1)]
        )
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        return model.get_weights()

    for first, second in zip(trained(), trained(), strict=True):
        np.testing.assert_array_equal(first, second)


# --- activity regularization ---


def test_a_penalty_on_the_activity_joins_the_loss_as_in_keras():
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    y = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    theirs = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3),
            keras.layers.ActivityRegularization(l1=0.1, l2=0.2),
        ]
    )
    ours = ns.Sequential([Input((4,)), Dense(3), ActivityRegularization(l1=0.1, l2=0.2)])
    ours.set_weights(theirs.get_weights())
    for model in (theirs, ours):
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=6, epochs=1, verbose=0)
    for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), rtol=1e-5
    )


# --- what is refused ---


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout(1.5, name="d"), r"'d' needs a number from 0 to 1 for rate, got 1\.5"),
        (lambda: Dropout(-0.1, name="d"), "'d' needs a number from 0 to 1 for rate, got -0.1"),
        (lambda: Dropout("half", name="d"), "'d' needs a number from 0 to 1 for rate, got 'half'"),
        (lambda: Dropout(math.nan, name="d"), "'d' needs a number from 0 to 1 for rate, got nan"),
        (lambda: Dropout(0.5, (0, 2), name="d"), "'d' needs a positive integer for noise_shape"),
        (lambda: Dropout(0.5, seed=-1, name="d"), "'d' needs an integer from 0 up for seed"),
        (lambda: Dropout(0.5, seed=1.5, name="d"), "'d' needs an integer from 0 up for seed"),
        (lambda: GaussianDropout(1, name="d"), "'d' needs a number from 0 to below 1 for rate"),
        (lambda: GaussianNoise(-1, name="n"), "'n' needs a finite number from 0 up for stddev"),
        (lambda: ActivityRegularization(l1=-1), "l1 is a finite number from 0 up"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("noise_shape", [(None, 2), (None,), (None, 3, 1)])
def test_a_noise_shape_that_does_not_fit(noise_shape):
    with pytest.raises(ValueError, match=r"'d' has noise_shape=.* inputs of shape \(4, 3\)"):
        Dropout(0.5, noise_shape, name="d")(np.ones((4, 3)), training=True)
