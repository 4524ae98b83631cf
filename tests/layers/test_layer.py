"""Layer: building, collecting weights, freezing, setting weights; user-defined layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense, Layer


class Scale(Layer):
    """y = a x, with a running count that is not trained."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(input_shape[1:], "ones", name="factor")
        self.count = self.add_weight((), "zeros", name="count", trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.count.assign(self.count.numpy() + 1)
        return inputs * self.factor


class Block(Layer):
    """Layers as an attribute, in a list, and created in build."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.first = Dense(3)
        self.others = [Dense(3), Scale()]

    def build(self, input_shape: Any) -> None:
        self.late = Dense(2)

    def call(self, inputs: Any, training: bool = False) -> Any:
        hidden = self.first(inputs)
        for layer in self.others:
            hidden = layer(hidden, training=training)
        return self.late(hidden)


x = np.random.default_rng(0).normal(size=(4, 5))


# --- building and calling ---


def test_weights_appear_on_the_first_call():
    layer = Scale(name="scale")
    assert not layer.built
    assert layer.weights == []
    layer(x)
    assert layer.built
    assert layer.input_shape == (None, 5)
    assert [w.name for w in layer.weights] == ["factor", "count"]
    assert layer.count_params() == 6
    assert "'scale'" in repr(layer)


def test_weights_of_the_parts_in_their_order():
    block = Block()
    block(x)
    assert block.sublayers == [block.first, *block.others, block.late]
    expected = [
        *block.first.weights,
        *block.others[0].weights,
        *block.others[1].weights,
        *block.late.weights,
    ]
    assert [id(w) for w in block.weights] == [id(w) for w in expected]
    assert [id(w) for w in block.trainable_weights] == [
        id(w) for w in expected if w.name != "count"
    ]
    assert [w.name for w in block.non_trainable_weights] == ["count"]


def test_a_shared_part_counts_once():
    block = Block()
    block.again = block.first
    block(x)
    assert len(block.weights) == len({id(w) for w in block.weights}) == 8


def test_replaced_and_removed_parts_are_forgotten():
    block = Block()
    block(x)
    assert len(block.weights) == 8
    block.late = None
    assert len(block.weights) == 6
    block.late = Dense(2, input_dim=3)
    block.late(np.ones((1, 3)))
    assert len(block.weights) == 8
    block.others = []
    assert len(block.weights) == 4


def test_training_reaches_the_layers_that_ask_for_it():
    block = Block()
    block(x)
    block(x, training=True)
    block(x, training=True)
    assert block.others[1].count.item() == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_converted_to_the_layers_dtype(dtype):
    layer = Dense(2, dtype=dtype)
    for given in (x, x.astype(np.float32), x.tolist(), ns.Tensor(x)):
        assert layer(given).dtype == dtype
    assert all(w.dtype == dtype for w in layer.weights)


def test_a_gradient_goes_through_the_conversion():
    layer = Dense(2)
    inputs = ns.Tensor(x, requires_grad=True)
    layer(inputs).sum().backward()
    assert inputs.grad.dtype == np.float64
    expected = np.tile(layer.kernel.numpy().sum(axis=1), (4, 1))
    np.testing.assert_allclose(inputs.grad.numpy(), expected, rtol=1e-6)


def test_a_layer_without_call():
    with pytest.raises(NotImplementedError, match=r"Layer 'mine' needs a call\(self, inputs\)"):
        Layer(name="mine")(x)


# --- freezing ---


def test_trainable_reaches_all_parts_at_once():
    block = Block()
    block(x)
    block.trainable = False
    assert block.trainable_weights == []
    assert not block.others[1].trainable
    block.trainable = True
    assert len(block.trainable_weights) == 7


def test_what_is_never_trained_stays_so_when_the_layer_thaws():
    block = Block()
    block(x)
    for value in (False, True):
        block.trainable = value
    assert not block.others[1].count.trainable
    assert block.others[1].factor.trainable


@pytest.mark.parametrize("when", ["constructor", "attribute"])
def test_frozen_before_it_is_built(when):
    block = Block(trainable=when != "constructor")
    block.trainable = False
    block(x)
    assert len(block.weights) == 8
    assert block.trainable_weights == []
    block.trainable = True
    assert len(block.trainable_weights) == 7


def test_frozen_by_the_constructor_alone():
    block = Block(trainable=False)
    block(x)
    assert block.trainable_weights == []


# --- setting weights ---


def test_get_and_set_weights():
    block, other = Block(), Block()
    block(x)
    other(x)
    other.set_weights(block.get_weights())
    np.testing.assert_array_equal(other(x).numpy(), block(x).numpy())
    copies = block.get_weights()
    copies[0][:] = 7
    assert not np.array_equal(block.get_weights()[0], copies[0])


def test_set_weights_takes_tensors_lists_and_other_dtypes():
    layer = Dense(2, input_dim=2)
    layer(np.ones((1, 2)))
    layer.set_weights([[[1, 2], [3, 4]], ns.Tensor([5.0, 6.0])])
    np.testing.assert_array_equal(layer.kernel.numpy(), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(layer.bias.numpy(), [5, 6])
    layer.set_weights(layer.weights)
    assert layer.kernel.dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.zeros((5, 2))], r"'scores' has 2 weights, got 1 arrays: give one array for each of"),
        (
            [np.ones((5, 2)), np.zeros(3)],
            r"'bias' of layer 'scores' has shape \(2,\), got an array of shape \(3,\)",
        ),
        (
            [np.ones((5, 2)), np.array(["a", "b"])],
            r"'bias' of layer 'scores' has shape \(2,\), got .* dtype <U1: give numbers",
        ),
    ],
)
def test_wrong_weights_change_nothing(weights, message):
    layer = Dense(2, name="scores")
    layer(x)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=message):
        layer.set_weights(weights)
    for own, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)


def test_set_weights_before_there_are_any():
    with pytest.raises(ValueError, match="Layer 'early' has no weights yet: give input_shape"):
        Dense(2, name="early").set_weights([np.zeros((5, 2)), np.zeros(2)])


# --- what is refused ---


@pytest.mark.parametrize("input_dim", [0, -3, 2.5, "20"])
def test_bad_input_dim(input_dim):
    with pytest.raises(ValueError, match="'d' needs a positive integer for input_dim, got"):
        Dense(2, name="d", input_dim=input_dim)


@pytest.mark.parametrize("input_shape", [20, "20"])
def test_bad_input_shape(input_shape):
    with pytest.raises(TypeError, match=r"'d' takes input_shape as a tuple such as \(20,\)"):
        Dense(2, name="d", input_shape=input_shape)
