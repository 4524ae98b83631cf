"""A saved model that is a graph of layers comes back with its branches, names and shared layers."""

from __future__ import annotations

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from tests.saving.round_trip import assert_comes_back, assert_same_weights, x, y


def test_a_shared_layer_stays_one(path):
    a, b = layers.Input((6,), name="left"), layers.Input((6,), name="right")
    shared = layers.Dense(4, activation="tanh")
    outputs = layers.Dense(1)(layers.Concatenate()([shared(a), shared(b)]))
    model = ns.Model([a, b], outputs)
    loaded = assert_comes_back(model, path, [x, x[::-1]])
    assert len(loaded.weights) == 4
    assert [symbol.name for symbol in loaded.inputs] == ["left", "right"]


def test_several_outputs_train_on_after_loading(path):
    inputs = layers.Input((6,))
    hidden = layers.Dense(5, activation="relu")(inputs)
    one = layers.Dense(1, activation="sigmoid", name="one")(hidden)
    two = layers.Dense(2, name="two")(layers.Dropout(0.2, seed=1)(hidden))
    model = ns.Model(inputs, [one, two])
    model.compile(
        "rmsprop",
        {"one": "binary_crossentropy", "two": "mse"},
        loss_weights={"one": 1.0, "two": 0.3},
        metrics={"one": ["accuracy"], "two": ["mae"]},
    )
    targets = [y, x[:, :2]]
    model.fit(x, targets, epochs=2, verbose=0)
    loaded = assert_comes_back(model, path, x)
    for model_ in (model, loaded):
        ns.random.seed(3)
        model_.fit(x, targets, epochs=2, verbose=0)
    assert_same_weights(model, loaded)
    assert loaded.history.history == model.history.history


def test_inputs_and_outputs_by_name_come_back(path):
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    model = ns.Model(
        {"first": a, "symbol": b},
        {"sum": layers.Add()([a, b]), "product": layers.Dense(2)(layers.Multiply()([a, b]))},
    )
    assert_comes_back(model, path, {"first": x, "symbol": x + 1})


def test_an_input_that_is_an_output_comes_back(path):
    a = layers.Input((6,))
    assert_comes_back(ns.Model(a, [a, layers.Dense(2)(a)]), path, x)


def test_a_layer_that_was_called_elsewhere_too_comes_back(path):
    a = layers.Input((6,))
    shared = layers.Dense(3)
    shared(layers.Input((6,)))
    assert_comes_back(ns.Model(a, shared(a)), path, x)


def test_integer_inputs_come_back(path):
    a = layers.Input((5,), dtype="int32")
    model = ns.Model(a, layers.Flatten()(layers.Embedding(10, 3)(a)))
    loaded = assert_comes_back(model, path, np.arange(20).reshape(4, 5) % 10)
    assert loaded.inputs.dtype == np.int32


def test_models_within_models_come_back(path):
    inner_inputs = layers.Input((6,))
    inner = ns.Model(inner_inputs, layers.Dense(4, activation="relu")(inner_inputs), name="inner")
    tower = ns.Sequential([layers.Dense(4), layers.BatchNormalization()], name="tower")
    a, b = layers.Input((6,)), layers.Input((6,))
    outputs = tower(layers.Add()([inner(a), inner(b)]))
    model = ns.Model([a, b], outputs)
    loaded = assert_comes_back(model, path, [x, -x])
    assert [type(layer).__name__ for layer in loaded.layers] == [
        type(layer).__name__ for layer in model.layers
    ]


def test_a_layer_in_two_models_of_one_is_refused(path):
    shared = layers.Dense(6)
    inner = ns.Sequential([shared], name="inner")
    a = layers.Input((6,))
    model = ns.Model(a, shared(inner(a)))
    with pytest.raises(ValueError, match="stands in model 'inner' and in") as caught:
        model.save(path)
    assert "save_weights" in str(caught.value)
    assert not path.exists()
