"""Dense against Keras: values, gradients, shapes, dtypes; and what it refuses."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch.layers import Dense

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def both(shape: tuple[int, ...], **options: Any) -> tuple[Any, Any, Any]:
    """Keras's layer, ours with the same weights, and an input for them."""
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    theirs = keras.layers.Dense(4, bias_initializer="ones", **options)
    theirs.build(shape)
    ours = Dense(4, bias_initializer="ones", **options)
    ours(x)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    return theirs, ours, x


ACTIVATIONS = [None, "linear", "relu", "sigmoid", "tanh", "softmax", "softplus", "exponential"]


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(6, 3), (6, 2, 3)], ids=str)
def test_values_and_gradients(shape, activation, use_bias):
    theirs, ours, x = both(shape, activation=activation, use_bias=use_bias)
    theirs_x = torch.tensor(x, requires_grad=True)
    ours_x = ns.Tensor(x, requires_grad=True)
    expected, result = theirs(theirs_x), ours(ours_x)
    assert ours.compute_output_shape(shape) == (*shape[:-1], 4)
    assert result.shape == tuple(expected.shape)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    (expected**2).sum().backward()
    (result**2).sum().backward()
    pairs = [(ours_x.grad, theirs_x.grad)]
    pairs += [(w.grad, v.value.grad) for w, v in zip(ours.weights, theirs.weights, strict=True)]
    for own, other in pairs:
        np.testing.assert_allclose(own.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int16, bool])
def test_whole_numbers_and_booleans_stay_single_precision(kind):
    _, ours, x = both((6, 3))
    whole = (np.abs(x) * 3).astype(kind)
    result = ours(whole)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result.numpy(), ours(whole.astype(np.float32)).numpy())


def test_weights():
    layer = Dense(4, input_dim=3)
    layer(np.zeros((1, 3)))
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert layer.kernel.shape == (3, 4)
    np.testing.assert_array_equal(layer.bias.numpy(), np.zeros(4))
    assert np.abs(layer.kernel.numpy()).max() <= np.sqrt(6 / 7)


def test_without_bias():
    layer = Dense(4, use_bias=False)
    layer(np.zeros((1, 3)))
    assert layer.bias is None
    assert [w.name for w in layer.weights] == ["kernel"]


def test_defaults_are_those_of_keras():
    config = keras.layers.Dense(4).get_config()
    ours = Dense(4)
    assert config["use_bias"] is ours.use_bias is True
    assert config["activation"] == ours.activation.__name__ == "linear"
    assert config["kernel_initializer"]["class_name"] == type(ours.kernel_initializer).__name__
    assert config["bias_initializer"]["class_name"] == type(ours.bias_initializer).__name__


@pytest.mark.parametrize("units", [0, -1, 2.5, "64", None])
def test_bad_units(units):
    with pytest.raises(ValueError, match="Layer 'wide' needs a positive integer for units, got"):
        Dense(units, name="wide")


def test_unknown_activation():
    with pytest.raises(ValueError, match="no activation called 'rellu'; did you mean relu"):
        Dense(3, activation="rellu")


def test_another_number_of_features():
    layer = Dense(3, name="scores", input_dim=20)
    layer(np.zeros((2, 20)))
    with pytest.raises(
        ValueError,
        match=r"'scores' was built for 20 features, got an input of shape \(2, 21\): give 20 col",
    ):
        layer(np.zeros((2, 21)))


def test_samples_that_are_single_numbers():
    with pytest.raises(ValueError, match=r"'scores' needs inputs of shape \(batch, features\)"):
        Dense(3, name="scores")(np.zeros(5))
