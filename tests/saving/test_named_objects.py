"""What a saved model names: the user's own classes and functions, and the closed table of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import callbacks, initializers, layers, losses, metrics, optimizers, schedules
from nnscratch.configuration import Configured, class_name, deserialize, serialize
from nnscratch.saving.registry import known_objects
from tests.saving.round_trip import Subclassed, again, assert_comes_back, x, y


class Scale(layers.Layer):
    """A user's layer with an argument, a weight and a sub-layer."""

    def __init__(self, factor: float, inner: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor
        self.inner = inner or layers.Dense(6)

    def build(self, input_shape: Any) -> None:
        self.shift = self.add_weight((input_shape[-1],), "normal", name="shift")
        self.inner.build_once(input_shape)

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs) * self.factor + self.shift


def halved(z: Any) -> Any:
    return z / 2


def absolute_error(y_true: Any, y_pred: Any) -> Any:
    return np.mean(np.abs(y_true - y_pred), axis=-1)


class OwnTraining(ns.Sequential):
    """A user's kind of Sequential."""


def test_own_layers_and_functions_come_back_when_they_are_given(path):
    own = Scale(0.5, layers.Dense(6, activation=halved))
    model = OwnTraining([ns.layers.Input((6,)), own, layers.Dense(1)])
    model.compile("sgd", absolute_error, metrics=[absolute_error])
    model.fit(x, y, verbose=0)
    custom = {one.__name__: one for one in (Scale, halved, absolute_error, OwnTraining)}
    loaded = assert_comes_back(model, path, x, custom_objects=custom)
    assert isinstance(loaded, OwnTraining)
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("missing", ["Scale", "halved", "absolute_error"])
def test_what_is_not_given_is_named(path, missing):
    own = Scale(0.5, layers.Dense(6, activation=halved))
    model = ns.Sequential([ns.layers.Input((6,)), own])
    model.compile("sgd", absolute_error)
    model.save(path)
    custom = {one.__name__: one for one in (Scale, halved, absolute_error)}
    del custom[missing]
    with pytest.raises(ValueError, match=rf"names '{missing}'.*custom_objects=") as caught:
        ns.load_model(path, custom_objects=custom)
    assert str(path) in str(caught.value)


def test_a_function_without_a_name_is_refused(path):
    model = ns.Sequential([layers.Dense(1, activation=lambda z: z, input_shape=(6,))])
    with pytest.raises(TypeError, match="cannot hold"):
        model.save(path)
    assert not path.exists()


def test_a_subclassed_model_is_told_to_save_weights(path):
    model = Subclassed()
    model(x)
    with pytest.raises(TypeError, match=r"code of Subclassed.*use save_weights"):
        model.save(path)
    assert not path.exists()


# --- the closed table -----------------------------------------------------------------------------

FAMILIES = (
    layers, losses, metrics, optimizers, schedules, initializers, ns.regularizers, ns.constraints
)  # fmt: skip


@pytest.mark.parametrize("module", FAMILIES, ids=lambda module: module.__name__)
def test_every_class_that_has_a_configuration_can_be_named(module):
    known = known_objects()
    for name, value in vars(module).items():
        if isinstance(value, type) and issubclass(value, Configured) and name[0] != "_":
            assert value is Configured or known[class_name(value)] is value


def test_the_layer_and_the_initializer_identity_keep_apart(path):
    model = ns.Sequential(
        [layers.Identity(input_shape=(3,)), layers.Dense(3, kernel_initializer="identity")]
    )
    loaded = again(model, path)
    assert isinstance(loaded.layers[0], layers.Identity)
    made = layers.Dense(2, kernel_initializer=initializers.Identity(2.0), input_shape=(2,))
    loaded = again(ns.Sequential([made]), path)
    assert isinstance(loaded.layers[0].kernel_initializer, initializers.Identity)


def test_every_activation_comes_back():
    for name, function in ns.activations.ACTIVATIONS.items():
        assert deserialize(serialize(function), known_objects()) is function, name


def test_functions_of_one_name_are_one_function():
    tables = [
        vars(ns.activations)["ACTIVATIONS"],
        {n: f for n, f in vars(losses).items() if callable(f)},
        {n: f for n, f in vars(metrics).items() if callable(f)},
    ]
    known = known_objects()
    for table in tables:
        for name, function in table.items():
            assert isinstance(function, type) or known.get(name, function) is function, name


def test_nothing_else_can_be_named():
    forbidden = {"get", "named", "made", "resolve", "serialize", "Configured", "Callback", "Known"}
    assert known_objects().keys().isdisjoint(forbidden | vars(callbacks).keys())
