"""Layers that users write: parts found wherever they are kept, and `build` called by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import BatchNormalization, Dense, Dropout, Input, Layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
x = np.random.default_rng(0).normal(size=(8, 3))


class Everywhere(Layer):
    """Keeps parts as an attribute, in a list, a tuple, a dictionary and nested."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.one = Dense(3)
        self.listed = [Dense(3)]
        self.fixed = (Dense(3), "a note")
        self.named = {"first": Dense(3), "others": [(Dense(3),)]}
        self.scale = ns.Parameter(np.ones(3, np.float32), name="scale")
        self.grown: list[Layer] = []
        for _ in range(2):
            self.grown.append(Dense(3))

    def parts(self) -> list[Layer]:
        return [
            self.one,
            self.listed[0],
            self.fixed[0],
            self.named["first"],
            self.named["others"][0][0],
            *self.grown,
        ]

    def call(self, inputs: Any) -> Any:
        hidden = inputs
        for part in self.parts():
            hidden = part(hidden)
        return hidden * self.scale


def test_parts_in_every_container():
    layer = Everywhere()
    layer(x)
    assert layer.sublayers == layer.parts()
    assert len(layer.weights) == 2 * 7 + 1
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not any(part.trainable for part in layer.parts())
    layer.trainable = True
    assert len(layer.trainable_weights) == 15


def test_every_part_is_trained():
    model = ns.Sequential([Everywhere(input_shape=(3,))])
    before = None
    model.compile("sgd", "mse")
    model.fit(x, x, epochs=1, verbose=0)
    before = model.get_weights()
    model.fit(x, x + 1, epochs=1, verbose=0)
    for weight, old in zip(model.get_weights(), before, strict=True):
        assert not np.array_equal(weight, old)


def test_replaced_parts_in_tuples_and_dictionaries_are_forgotten():
    layer = Everywhere()
    layer(x)
    count = len(layer.weights)
    layer.fixed = ()
    assert len(layer.weights) == count - 2
    layer.named = {}
    assert len(layer.weights) == count - 6


def test_what_the_constructor_was_given_is_no_part():
    given = [Dense(3, input_dim=3), Dense(2)]
    model = ns.Sequential(given)
    model.pop()
    assert model.layers == given[:1]
    assert len(model.weights) == 2
    assert [part for part in model.sublayers if part is given[1]] == []


def test_a_part_kept_twice_counts_once():
    layer = Everywhere()
    layer.again = (layer.one, layer.one)
    layer(x)
    assert len(layer.weights) == 15
    assert layer.sublayers.count(layer.one) == 1


def test_the_list_of_weights_is_kept_while_nothing_changes():
    layer = Everywhere()
    layer(x)
    weights = layer.weights
    layer.note = (1, 2)
    layer(x)
    assert layer.weights is weights


class Linear(Layer):
    """Keras's guide to layers of one's own, word for word but for the import."""

    def __init__(self, units: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs: Any) -> Any:
        return np.matmul(inputs, self.w) + self.b


class Block(Layer):
    """Builds its parts by hand in its own build, as Keras 3 recommends."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.linear = Linear(3)
        self.batch = BatchNormalization(momentum=0.5)
        self.drop = Dropout(0.5)

    def build(self, input_shape: Any) -> None:
        self.linear.build(input_shape)
        self.batch.build((None, 3))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        hidden = self.batch(self.linear(inputs), training=training)
        return self.drop(hidden, training=training)


def test_build_by_hand_builds_once():
    block = Block()
    block.build((None, 3))
    assert block.built
    assert block.linear.built
    assert block.input_shape == block.linear.input_shape == (None, 3)
    weights = block.weights
    assert len(weights) == 2 + 4
    block(x)
    assert [id(w) for w in block.weights] == [id(w) for w in weights]


def test_build_by_hand_of_a_frozen_layer():
    layer = Linear(trainable=False)
    layer.build((None, 3))
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 2


def test_a_build_that_fails_leaves_the_layer_unbuilt():
    layer = BatchNormalization(axis=5)
    for _ in range(2):
        with pytest.raises(ValueError, match="has axis=5"):
            layer.build((None, 3))
        assert not layer.built
        assert layer.input_shape is None


def test_training_reaches_nested_parts():
    block = Block()
    block(x)
    before = block.batch.moving_mean.numpy().copy()
    result = block(x, training=True)
    assert (result.numpy() == 0).any()
    assert not np.array_equal(block.batch.moving_mean.numpy(), before)
    assert not (block(x).numpy() == 0).any()


def test_in_models_and_from_its_configuration():
    symbol = Input((3,))
    model = ns.Model(symbol, Dense(1)(Linear(5)(symbol)))
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, :1], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    layer = Linear(7, name="mine", dtype="float64")
    again = Linear.from_config(layer.get_config(), {})
    assert (again.units, again.name, again.dtype) == (7, "mine", np.float64)


def test_the_same_layer_in_keras_gives_the_same_numbers():
    class Theirs(keras.layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.units = units

        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(shape=(input_shape[-1], self.units))
            self.b = self.add_weight(shape=(self.units,))

        def call(self, inputs: Any) -> Any:
            return keras.ops.matmul(inputs, self.w) + self.b

    theirs, ours = Theirs(4), Linear(4)
    expected = theirs(x.astype(np.float32))
    ours.build((None, 3))
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x).numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_keras_other_names_of_the_weights():
    ours, theirs = (
        library.Sequential(
            [
                library.layers.Input((2,)),
                library.layers.Dense(3),
                library.layers.BatchNormalization(),
            ]
        )
        for library in (ns, keras)
    )
    for names in ("variables", "trainable_variables", "non_trainable_variables"):
        assert len(getattr(ours, names)) == len(getattr(theirs, names)) > 0
    ours.layers[0].trainable = theirs.layers[0].trainable = False
    assert [w.name for w in ours.trainable_variables] == ["gamma", "beta"]
    assert len(ours.trainable_variables) == len(theirs.trainable_variables)
    assert ours.variables is ours.weights
