"""The seed program against Keras: the same weights and batch order give the same numbers.

Keras on torch multiplies matrices in float32 whatever the dtype. There a hidden unit whose input is
a rounding error away from 0 may be on in one framework and off in the other, and the two really go
different ways from then on. So the weights of the tests with relu are chosen so that no hidden
unit's input comes within 1e-6 of 0 in 20 epochs; the other tests have tanh in its place.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

pytestmark = [
    # Keras reads its torch parameters through an __array__ that knows no copy=.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SAMPLES, FEATURES = 1000, 20


@pytest.fixture
def data() -> tuple[Any, Any]:
    x = np.random.default_rng(1).random((SAMPLES, FEATURES))
    return x, np.random.default_rng(2).integers(2, size=(SAMPLES, 1))


def layers_of(module: Any, hidden: str) -> list[Any]:
    return [module.Dense(64, activation=hidden), module.Dense(1, activation="sigmoid")]


def initial_weights(seed: int) -> list[Any]:
    """Glorot uniform kernels and biases of zero."""
    generator = np.random.default_rng(seed)

    def kernel(inputs: int, outputs: int) -> Any:
        limit = np.sqrt(6 / (inputs + outputs))
        return generator.uniform(-limit, limit, (inputs, outputs))

    return [kernel(FEATURES, 64), np.zeros(64), kernel(64, 1), np.zeros(1)]


def both(
    optimizer: str = "rmsprop", hidden: str = "tanh", seed: int = 0, **options: Any
) -> tuple[Any, Any]:
    """The seed program's network in Keras and here, with the same weights, compiled alike."""
    theirs = keras.Sequential([keras.Input((FEATURES,)), *layers_of(keras.layers, hidden)])
    ours = ns.Sequential(layers_of(ns.layers, hidden))
    ours(np.zeros((1, FEATURES)))
    theirs.set_weights(initial_weights(seed))
    ours.set_weights(initial_weights(seed))
    for model, module in ((theirs, keras), (ours, ns)):
        made = getattr(module.optimizers, optimizer)(**options) if options else optimizer
        model.compile(loss="binary_crossentropy", optimizer=made, metrics=["accuracy"])
    return theirs, ours


def assert_same_curves(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> None:
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        # An accuracy is a count over N, of which Keras keeps 24 bits.
        rtol = 1e-7 if name.endswith("accuracy") else 1e-5
        np.testing.assert_allclose(ours[name], values, rtol=rtol, err_msg=name)


def assert_same_weights(ours: Any, theirs: Any) -> None:
    for own, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "options", "seed"),
    [
        ("rmsprop", {}, 99),
        ("adam", {}, 15),
        ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}, 78),
    ],
    ids=["rmsprop", "adam", "nesterov"],
)
def test_the_seed_program(data, optimizer, options, seed):
    theirs, ours = both(optimizer, "relu", seed, **options)
    fit = {"epochs": 20, "batch_size": 32, "shuffle": False, "verbose": 0}
    expected = theirs.fit(*data, **fit).history
    assert_same_curves(ours.fit(*data, **fit).history, expected)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("sgd", {}),
        ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
        ("RMSprop", {"learning_rate": 0.003, "momentum": 0.5, "centered": True}),
        ("Adam", {"learning_rate": 0.003, "amsgrad": True}),
    ],
    ids=["sgd", "momentum", "centered", "amsgrad"],
)
def test_other_optimizers(data, optimizer, options):
    theirs, ours = both(optimizer, **options)
    fit = {"epochs": 3, "batch_size": 32, "shuffle": False, "verbose": 0}
    expected = theirs.fit(*data, **fit).history
    history = ours.fit(*data, **fit)
    assert_same_curves(history.history, expected)
    assert history.epoch == [0, 1, 2]
    assert_same_weights(ours, theirs)


def test_a_shuffled_order_fed_to_both(data):
    theirs, ours = both()
    x, y = data
    generator = np.random.default_rng(5)
    for _ in range(3):
        order = generator.permutation(SAMPLES)
        fit = {"epochs": 1, "batch_size": 32, "shuffle": False, "verbose": 0}
        expected = theirs.fit(x[order], y[order], **fit).history
        assert_same_curves(ours.fit(x[order], y[order], **fit).history, expected)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize("targets", ["(N, 1)", "(N,)"])
def test_validation_data(data, targets):
    theirs, ours = both()
    x, y = data
    if targets == "(N,)":
        y = y[:, 0]
    fit = {
        "epochs": 2,
        "batch_size": 32,
        "shuffle": False,
        "verbose": 0,
        "validation_data": (x[::3] ** 2, y[::3]),
    }
    expected = theirs.fit(x, y, **fit).history
    assert_same_curves(ours.fit(x, y, **fit).history, expected)


def test_validation_split(data):
    theirs, ours = both()
    fit = {
        "epochs": 2,
        "batch_size": 48,
        "shuffle": False,
        "verbose": 0,
        "validation_split": 0.1705,  # of 1000 rows: neither 170 nor 171 exactly
    }
    expected = theirs.fit(*data, **fit).history
    assert_same_curves(ours.fit(*data, **fit).history, expected)
    assert_same_weights(ours, theirs)


def test_sample_weight(data):
    theirs, ours = both("adam")
    weights = np.random.default_rng(2).uniform(0, 3, SAMPLES)
    fit = {"epochs": 2, "shuffle": False, "verbose": 0, "sample_weight": weights}
    expected = theirs.fit(*data, **fit).history
    assert_same_curves(ours.fit(*data, **fit).history, expected)
    assert_same_weights(ours, theirs)


def test_validation_data_with_weights(data):
    theirs, ours = both()
    x, y = data
    weights = np.random.default_rng(2).uniform(0, 3, SAMPLES)
    fit = {"epochs": 2, "shuffle": False, "verbose": 0, "validation_data": (x, y, weights)}
    expected = theirs.fit(x, y, **fit).history
    assert_same_curves(ours.fit(x, y, **fit).history, expected)


def test_evaluate_and_predict(data):
    theirs, ours = both()
    x, y = data
    weights = np.random.default_rng(2).uniform(0, 3, SAMPLES)
    for options in ({}, {"sample_weight": weights}, {"batch_size": 7}):
        expected = theirs.evaluate(x, y, verbose=0, **options)
        np.testing.assert_allclose(ours.evaluate(x, y, verbose=0, **options), expected, rtol=1e-5)
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    assert ours.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    predictions = ours.predict(x, verbose=0)
    np.testing.assert_allclose(predictions, theirs.predict(x, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(ours.predict(x, batch_size=1000), predictions, rtol=1e-5)


def test_fine_tuning_a_frozen_layer(data):
    """Keras asks for a new compile to freeze; here it takes effect at once."""
    theirs, ours = both("adam")
    fit = {"epochs": 2, "shuffle": False, "verbose": 0}
    theirs.fit(*data, **fit)
    ours.fit(*data, **fit)
    theirs.layers[0].trainable = ours.layers[0].trainable = False
    theirs.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
    ours.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
    expected = theirs.fit(*data, **fit).history
    assert_same_curves(ours.fit(*data, **fit).history, expected)
    assert_same_weights(ours, theirs)


def test_integer_features(data):
    theirs, ours = both()
    x = (10 * data[0]).astype(int)
    fit = {"epochs": 2, "shuffle": False, "verbose": 0}
    expected = theirs.fit(x, data[1], **fit).history
    assert_same_curves(ours.fit(x, data[1], **fit).history, expected)


def test_one_feature_without_an_axis():
    theirs = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    ours = ns.Sequential([ns.layers.Dense(1, input_shape=(1,))])
    ours.set_weights(theirs.get_weights())
    x = np.linspace(-1, 1, 50)
    for model in (theirs, ours):
        model.compile("sgd", "mse")
    fit = {"epochs": 3, "shuffle": False, "verbose": 0}
    expected = theirs.fit(x, 2 * x + 1, **fit).history
    assert_same_curves(ours.fit(x, 2 * x + 1, **fit).history, expected)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("classes", [3, 1])
@pytest.mark.parametrize("one_hot", [False, True])
def test_accuracy_is_resolved_as_in_keras(classes, one_hot):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 4))
    labels = generator.integers(max(classes, 2), size=90)
    y: Any = np.eye(max(classes, 2))[labels][:, -classes:] if one_hot else labels
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(classes)])
    ours = ns.Sequential([ns.layers.Dense(classes, input_dim=4)])
    ours.set_weights(theirs.get_weights())
    loss = {True: "mse", False: lambda y_true, y_pred: (y_pred * 1.0).mean(axis=-1)}
    for model in (theirs, ours):
        model.compile("sgd", loss[one_hot], metrics=["accuracy"])
    expected = theirs.fit(x, y, shuffle=False, verbose=0).history["accuracy"]
    assert ours.fit(x, y, shuffle=False, verbose=0).history["accuracy"] == pytest.approx(expected)
