"""A saved model comes back: what it computes, how it was compiled, and how it goes on learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import initializers, layers, losses, metrics, optimizers, schedules
from nnscratch.naming import forget_names
from tests.saving.round_trip import (
    again,
    assert_same_weights,
    classifier,
    classifier_with_input,
    x,
    y,
)


def test_a_sequential_model_comes_back(path):
    model = classifier(metrics=["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    loaded = again(model, path)
    assert isinstance(loaded, ns.Sequential)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert_same_weights(model, loaded)
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("optimizer", sorted(optimizers.OPTIMIZERS))
def test_a_loaded_model_goes_on_learning_to_the_last_bit(path, optimizer):
    options: dict[str, Any] = {"learning_rate": 0.01}
    model = classifier(optimizer=optimizers.OPTIMIZERS[optimizer](**options))
    model.fit(x, y, epochs=2, verbose=0)
    loaded = again(model, path)
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, epochs=2, verbose=0)
    assert_same_weights(model, loaded)
    assert loaded.optimizer.iterations == model.optimizer.iterations == 8


def test_the_options_of_an_optimizer_come_back(path):
    optimizer = optimizers.SGD(
        schedules.CosineDecay(0.1, decay_steps=50, alpha=0.1),
        momentum=0.9,
        nesterov=True,
        global_clipnorm=1.0,
        use_ema=True,
        gradient_accumulation_steps=3,
    )
    model = classifier(optimizer=optimizer)
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    loaded = again(model, path)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate < 0.1
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, epochs=2, batch_size=8, verbose=0)
    assert_same_weights(model, loaded)


def test_a_learning_rate_that_was_changed_meanwhile_stays(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.optimizer.learning_rate = 0.123
    assert again(model, path).optimizer.learning_rate == 0.123


def test_frozen_layers_stay_frozen_and_thaw(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.trainable = False
    model.layers[-1].trainable = True
    loaded = again(model, path)
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in loaded.weights] == flags
    assert [layer.trainable for layer in loaded.layers] == [False, False, False, False, True]
    assert not loaded.trainable
    model.trainable = loaded.trainable = True
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in loaded.weights] == flags


def test_what_was_added_and_removed_later_counts(path):
    made = [ns.layers.Input((6,)), layers.Dense(4, name="first"), layers.Dense(3)]
    model = ns.Sequential(made, name="mine")
    model.pop()
    model.add(layers.Dense(2, name="head"))
    loaded = again(model, path)
    assert loaded.name == "mine"
    assert [layer.name for layer in loaded.layers] == ["first", "head"]
    assert_same_weights(model, loaded)


def test_new_layers_get_names_that_a_loaded_model_does_not_have(path):
    forget_names()
    model = ns.Sequential([ns.layers.Input((6,)), layers.Dense(4), layers.Dense(3)])
    model.save(path)
    forget_names()  # as in a new process
    loaded = ns.load_model(path)
    loaded.pop()
    loaded.add(layers.Dense(7))
    assert loaded.output_names == ["dense_2"]


def test_loading_draws_no_random_numbers(path):
    classifier_with_input().save(path)
    ns.random.seed(0)
    expected = ns.random.generator().random()
    ns.random.seed(0)
    ns.load_model(path)
    assert ns.random.generator().random() == expected


def test_float64_stays_float64(path):
    model = ns.Sequential([layers.Dense(3, input_shape=(6,), dtype="float64")])
    loaded = again(model, path)
    assert loaded.dtype == np.float64
    assert_same_weights(model, loaded)


def test_a_model_without_weights_comes_back(path):
    model = ns.Sequential([ns.layers.Input((2, 3)), layers.Flatten()])
    assert again(model, path).predict(np.ones((1, 2, 3)), verbose=0).shape == (1, 6)


def test_infinity_in_a_configuration_comes_back(path):
    model = ns.Sequential([layers.Dense(2, input_shape=(3,), bias_initializer=constant(np.inf))])
    np.testing.assert_array_equal(again(model, path).layers[0].bias.numpy(), [np.inf, np.inf])


def constant(value: float) -> Any:
    return initializers.Constant(value)


def test_an_uncompiled_model_comes_back_uncompiled(path):
    assert again(classifier_with_input(), path).optimizer is None


def test_compiling_can_be_left_out(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    loaded = again(model, path, compile=False)
    assert loaded.optimizer is None
    assert_same_weights(model, loaded)


def test_a_model_that_was_compiled_and_never_trained_comes_back(path):
    model = classifier_with_input()
    model.compile("adam", "mse")
    loaded = again(model, path)
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, verbose=0)
    assert_same_weights(model, loaded)


@pytest.mark.parametrize(
    "compiled",
    [
        {"loss": "mse", "metrics": ["mae", "mse"]},
        {"loss": losses.Huber(delta=0.3), "metrics": [metrics.BinaryAccuracy(threshold=0.2)]},
        {"loss": losses.mean_absolute_error, "weighted_metrics": ["accuracy"]},
        {"loss": "mse", "loss_weights": 0.5, "metrics": [losses.mean_squared_error]},
        {"loss": losses.MeanSquaredError(), "metrics": [metrics.MeanSquaredError()]},
    ],
    ids=["names", "objects", "functions", "weights", "loss and metric of one name"],
)
def test_what_compile_was_told_comes_back(path, compiled):
    model = classifier(**compiled)
    model.fit(x, y, verbose=0)
    loaded = again(model, path)
    assert loaded.get_compile_config() == model.get_compile_config()
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
