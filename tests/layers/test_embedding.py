"""Embedding: rows of a table, gradients that add up, training, what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense, Embedding, GlobalAveragePooling1D, Input

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_rows_of_the_table():
    layer = Embedding(5, 3)
    indices = np.array([[0, 4], [2, 2]])
    result = layer(indices)
    assert result.shape == (2, 2, 3)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result.numpy(), layer.embeddings.numpy()[indices])
    assert np.abs(layer.embeddings.numpy()).max() <= 0.05


def test_gradients_of_equal_indices_add_up():
    layer = Embedding(5, 2, dtype="float64")
    indices = np.array([[0, 3, 3], [3, 1, 0]])
    cotangent = np.random.default_rng(0).normal(size=(2, 3, 2))
    layer(indices).backward(cotangent)
    expected = np.zeros((5, 2))
    for row, gradient in zip(indices.ravel(), cotangent.reshape(-1, 2), strict=True):
        expected[row] += gradient
    np.testing.assert_allclose(layer.embeddings.grad.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.float32, bool])
def test_whole_numbers_of_every_kind(kind):
    layer = Embedding(4, 3)
    indices = np.array([[0, 1], [1, 1]])
    np.testing.assert_array_equal(layer(indices.astype(kind)).numpy(), layer(indices).numpy())


def test_lists_tensors_and_nothing():
    layer = Embedding(4, 3)
    expected = layer(np.array([[0, 1]])).numpy()
    np.testing.assert_array_equal(layer([[0, 1]]).numpy(), expected)
    np.testing.assert_array_equal(layer(ns.Tensor(np.array([[0, 1]]))).numpy(), expected)
    assert layer(np.zeros((0, 2), int)).shape == (0, 2, 3)


@pytest.mark.parametrize("wrong", [7, -1, 1000])
def test_an_index_out_of_range(wrong):
    layer = Embedding(7, 3, name="words")
    with pytest.raises(
        ValueError,
        match=rf"'words' has 7 rows, got the number {wrong} in inputs of shape \(2, 2\): give int",
    ):
        layer(np.array([[0, 6], [wrong, 2]]))


@pytest.mark.parametrize("wrong", [0.5, np.nan])
def test_fractions(wrong):
    with pytest.raises(ValueError, match="'words' needs integers, each the number of a row"):
        Embedding(7, 3, name="words")(np.array([[wrong, 1.0]]))


@pytest.mark.parametrize("size", [0, -1, 1.5, "many"])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="'words' needs a positive integer for input_dim"):
        Embedding(size, 3, name="words")
    with pytest.raises(ValueError, match="'words' needs a positive integer for output_dim"):
        Embedding(3, size, name="words")


def test_a_sentiment_network_learns_as_in_keras():
    generator = np.random.default_rng(0)
    x = generator.integers(12, size=(40, 6))
    y = (x.mean(axis=1) > 5.5).astype(np.float32)[:, None]
    theirs = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            keras.layers.Embedding(12, 4),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    ours = ns.Sequential(
        [
            Input((6,), dtype="int32"),
            Embedding(12, 4),
            GlobalAveragePooling1D(),
            Dense(1, activation="sigmoid"),
        ]
    )
    ours.set_weights(theirs.get_weights())
    losses = []
    for model in (theirs, ours):
        model.compile("rmsprop", "binary_crossentropy")
        options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
        losses.append(model.fit(x, y, **options).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)


def test_set_weights_after_build_as_keras_documents_it():
    table = np.arange(6.0).reshape(3, 2)
    layer = Embedding(3, 2)
    layer.build((1,))
    layer.set_weights([table])
    np.testing.assert_array_equal(layer(np.array([2, 0])).numpy(), table[[2, 0]])


def test_frozen():
    layer = Embedding(3, 2, trainable=False)
    assert not layer(np.array([0])).requires_grad
    assert layer.trainable_weights == []
