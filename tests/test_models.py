"""Sequential and Model: adding and removing layers, building, names, and what is refused."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense, Layer
from nnscratch.models import Model, Sequential

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning"),
]

x = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)


def shapes(model: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]


@pytest.mark.parametrize("first", [{"input_dim": 4}, {"input_shape": (4,)}, {"input_shape": [4]}])
def test_built_at_once_when_the_shape_of_an_input_is_known(first):
    for module in (keras, ns):
        model = module.Sequential()
        model.add(module.layers.Dense(3, activation="relu", **first))
        assert shapes(model) == [(4, 3), (3,)]
        model.add(module.layers.Dense(2))
        assert shapes(model) == [(4, 3), (3,), (3, 2), (2,)]
        assert model.count_params() == 23


def test_built_by_the_first_batch():
    for module in (keras, ns):
        model = module.Sequential([module.layers.Dense(3), module.layers.Dense(2)])
        assert shapes(model) == []
        model(x)
        assert shapes(model) == [(4, 3), (3,), (3, 2), (2,)]


def test_values_are_those_of_keras():
    theirs = keras.Sequential([keras.layers.Dense(3, "relu"), keras.layers.Dense(2, "softmax")])
    ours = Sequential([Dense(3, "relu"), Dense(2, "softmax")])
    expected = theirs(x).detach().numpy()
    ours(x)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x).numpy(), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.predict(x), expected, rtol=1e-5, atol=1e-7)


def test_layers_added_to_a_model_that_is_built():
    model = Sequential([Dense(3)])
    model(x)
    model.add(Dense(2))
    assert shapes(model) == [(4, 3), (3,), (3, 2), (2,)]
    assert model(x).shape == (10, 2)


def test_pop():
    model = Sequential([Dense(3, input_dim=4), Dense(2, name="head")])
    head = model.pop()
    assert head.name == "head"
    assert shapes(model) == [(4, 3), (3,)]
    assert model(x).shape == (10, 3)
    model.add(head)
    assert model(x).shape == (10, 2)


def test_a_new_first_layer_says_what_the_inputs_look_like():
    model = Sequential([Dense(3, input_dim=4)])
    model.pop()
    model.add(Dense(3, input_dim=7))
    assert shapes(model) == [(7, 3), (3,)]
    assert model(np.zeros((2, 7))).shape == (2, 3)


def test_a_model_in_a_model():
    body = Sequential([Dense(3, activation="tanh", input_dim=4)])
    model = Sequential([body, Dense(1)])
    model(x)
    assert shapes(model) == [(4, 3), (3,), (3, 1), (1,)]
    body.trainable = False
    assert [tuple(w.shape) for w in model.trainable_weights] == [(3, 1), (1,)]
    before = body.get_weights()
    model.compile("sgd", "mse")
    model.fit(x, x[:, 0], verbose=0)
    for own, old in zip(body.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)


def test_double_precision():
    model = Sequential([Dense(3, dtype="float64"), Dense(1, dtype="float64")])
    model.compile("adam", "mse")
    model.fit(x.astype(float), x[:, 0], verbose=0)
    assert model.predict(x).dtype == np.float64
    assert all(w.dtype == np.float64 for w in model.weights)


def test_no_layers_yet():
    for layers in (None, [], ()):
        assert Sequential(layers).layers == []


def test_a_model_before_compile_has_no_metrics():
    assert Sequential([Dense(1)]).metrics == []


def test_layers_of_ones_own():
    class Square(Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * inputs

    model = Sequential([Square(input_dim=4), Dense(1)])
    np.testing.assert_allclose(
        model(x).numpy(), x**2 @ model.layers[1].kernel.numpy(), rtol=1e-5, atol=1e-6
    )


# --- what is refused ---


@pytest.mark.parametrize("bad", [Dense, "dense", None, 3, lambda x: x])
def test_what_is_no_layer(bad):
    model = Sequential()
    with pytest.raises(TypeError, match=r"Sequential takes layers, got .* Dense\(8\)"):
        model.add(bad)
    with pytest.raises(TypeError, match="Sequential takes layers"):
        Sequential([Dense(2), bad])
    assert model.layers == []


@pytest.mark.parametrize("bad", [Dense(2), Dense])
def test_a_layer_instead_of_a_list(bad):
    with pytest.raises(TypeError, match=r"Sequential takes a list of layers, got .*: write \["):
        Sequential(bad)


def test_two_layers_of_one_name():
    model = Sequential([Dense(2, name="one", input_dim=4)], name="mine")
    with pytest.raises(ValueError, match="'mine' already has a layer called 'one': give the new"):
        model.add(Dense(3, name="one"))
    assert shapes(model) == [(4, 2), (2,)]


def test_a_layer_that_cannot_be_built_is_not_added():
    class Broken(Dense):
        def build(self, input_shape: Any) -> None:
            raise ValueError("cannot be built")

    model = Sequential([Dense(2, input_dim=4)])
    with pytest.raises(ValueError, match="cannot be built"):
        model.add(Broken(3))
    assert shapes(model) == [(4, 2), (2,)]
    assert model(x).shape == (10, 2)


def test_pop_from_an_empty_model():
    with pytest.raises(IndexError, match="Model 'mine' has no layer to remove"):
        Sequential(name="mine").pop()


def test_call_without_layers():
    with pytest.raises(ValueError, match=r"'mine' has no layers: add one with model\.add\("):
        Sequential(name="mine")(x)


def test_a_model_without_call():
    class Empty(Model):
        pass

    with pytest.raises(NotImplementedError, match=r"needs a call\(self, inputs\) method"):
        Empty()(x)


def test_weights_of_another_architecture():
    model, other = Sequential([Dense(2, input_dim=4)]), Sequential([Dense(3, input_dim=4)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"'kernel' .* has shape \(4, 2\), got .*\(4, 3\)"):
        model.set_weights(other.get_weights())
    for own, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)
