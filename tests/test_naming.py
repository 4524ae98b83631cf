"""Names: strings for classes, near matches, and the counting of default names."""

from __future__ import annotations

from typing import Any

import keras
import pytest

import nnscratch as ns
from nnscratch import naming

TABLE = {"mean_squared_error": 1, "mse": 2, "binary_crossentropy": 3}


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("mse", 2),
        ("MSE", 2),
        ("mean_squared_error", 1),
        ("MeanSquaredError", 1),
        ("BinaryCrossentropy", 3),
    ],
)
def test_resolve(name, entry):
    assert naming.resolve("loss", name, TABLE) == entry


def test_near_matches_first():
    with pytest.raises(ValueError, match="no loss called 'MeanSquareError'; did you mean mean_sq"):
        naming.resolve("loss", "MeanSquareError", TABLE)


def test_everything_when_nothing_is_near():
    with pytest.raises(
        ValueError, match="did you mean binary_crossentropy or mean_squared_error or mse"
    ):
        naming.resolve("loss", "zzz", TABLE)


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("Dense", "dense"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("LayerNormalization", "layer_normalization"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("MyHTTPLayer", "my_http_layer"),
        ("already_snake", "already_snake"),
    ],
)
def test_snake_case_as_keras_names_layers(camel, snake):
    assert naming.snake_case(camel) == snake
    theirs: Any = type(camel, (keras.layers.Layer,), {})
    keras.utils.clear_session()
    assert theirs().name == snake


def test_default_names_count_as_keras_does():
    naming.forget_names()
    keras.utils.clear_session()
    ours = [ns.layers.Dense(1), ns.layers.Dense(1), ns.Sequential(), ns.layers.Dense(1)]
    theirs = [
        keras.layers.Dense(1),
        keras.layers.Dense(1),
        keras.Sequential(),
        keras.layers.Dense(1),
    ]
    assert [layer.name for layer in ours] == [layer.name for layer in theirs]


@pytest.mark.parametrize(
    ("get", "identifier"),
    [
        (ns.losses.get, 3),
        (ns.activations.get, 3),
        (ns.initializers.get, 3),
        (lambda identifier: ns.metrics.get(identifier, None, None), 3),
        (ns.losses.get, ["mse"]),
    ],
)
def test_neither_a_name_nor_callable(get, identifier):
    with pytest.raises(TypeError, match=r"is a name, an object or a function, got .*: give"):
        get(identifier)


def test_a_class_stands_for_its_defaults_as_in_keras():
    assert type(ns.losses.get(ns.losses.MeanSquaredError)) is ns.losses.MeanSquaredError
    assert type(ns.metrics.get(ns.metrics.Recall, None, None)) is ns.metrics.Recall
    assert type(ns.initializers.get(ns.initializers.Zeros)) is ns.initializers.Zeros
    assert type(keras.losses.get(keras.losses.MeanSquaredError)) is not type


@pytest.mark.parametrize(
    ("get", "name", "near"),
    [
        (ns.losses.get, "binary_crossentropi", "binary_crossentropy"),
        (ns.activations.get, "rellu", "relu"),
        (ns.initializers.get, "GlorotUnifrom", "glorot_uniform"),
        (ns.optimizers.get, "RMSpropp", "rmsprop"),
        (lambda name: ns.metrics.get(name, None, None), "acuracy", "accuracy"),
    ],
)
def test_every_table_lists_near_matches(get, name, near):
    with pytest.raises(ValueError, match=f"called '{name}'; did you mean .*{near}"):
        get(name)
