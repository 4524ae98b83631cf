"""Merging layers: functions, gradients in wired models, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.layers import Add, Average, Concatenate, Dense, Dot, Input, Multiply, Subtract

a, b = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", a + b),
        ("subtract", a - b),
        ("multiply", a * b),
        ("average", (a + b) / 2),
        ("maximum", np.maximum(a, b)),
        ("minimum", np.minimum(a, b)),
        ("concatenate", np.concatenate([a, b], axis=-1)),
        ("dot", (a * b).sum(axis=-1, keepdims=True)),
    ],
)
def test_functions(name, expected):
    function = getattr(layers, name)
    np.testing.assert_allclose(function([a, b]), expected, rtol=1e-6)
    symbols = [Input((3,)), Input((3,))]
    model = ns.Model(symbols, function(symbols, name="merged"))
    assert model.layers[-1].name == "merged"
    np.testing.assert_allclose(model.predict([a, b], verbose=0), expected, rtol=1e-6)


def test_functions_with_arguments():
    assert layers.concatenate([a, b], axis=1).shape == (4, 6)
    assert layers.concatenate([a[:, :, None], b[:, :, None]], axis=2).shape == (4, 3, 2)
    unit = [value / np.linalg.norm(value, axis=1, keepdims=True) for value in (a, b)]
    expected = (unit[0] * unit[1]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(layers.dot([a, b], axes=1, normalize=True), expected, rtol=1e-5)


def test_a_residual_network_trains():
    symbol = Input((3,))
    hidden = Dense(3, activation="tanh")(symbol)
    model = ns.Model(symbol, Dense(1)(layers.add([symbol, hidden])))
    model.compile("adam", "mse")
    losses = model.fit(a, b[:, :1], epochs=50, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(weight.grad is not None for weight in model.trainable_weights)


@pytest.mark.parametrize("kind", [Add, Average, Multiply, Concatenate])
def test_one_input_in_a_list(kind):
    np.testing.assert_array_equal(kind()([a]), a)


def test_tuples_and_other_batch_sizes():
    layer = Add()
    np.testing.assert_array_equal(layer((a, b)), a + b)
    np.testing.assert_array_equal(layer([a[:2], b[:2]]), (a + b)[:2])


def test_whole_numbers_are_averaged_in_single_precision():
    result = Average()([np.array([[1, 2]]), np.array([[2, 4]])])
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [[1.5, 3.0]])


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (Add, a, r"'m' merges a list of inputs, got one of shape .*: call it on a list such as"),
        (Add, [a, a[:, :2]], r"'m' cannot merge inputs of shapes .*3\) and .*2\): all lengths"),
        (Add, [a, a[:2]], r"'m' cannot merge inputs of shapes"),
        (Subtract, [a, a, a], r"'m' takes exactly two inputs, got 3: call it on \[a, b\]"),
        (Dot, [a], r"'m' takes exactly two inputs, got 1: call it on \[a, b\]"),
        (Dot, [a, a[:, :2]], r"'m' sums over axes \(-1, -1\), got inputs of shapes .*3\) and"),
        (Concatenate, [a, a[:, :, None]], r"'m' cannot put inputs of shapes .* side by side along"),
        (Concatenate, [a[:, :, None], a[:, :2, None]], r"'m' cannot put .* all other axes"),
    ],
)
def test_inputs_that_do_not_fit(layer, inputs, message, built):
    made = layer(-1, name="m") if layer is Dot else layer(name="m")
    if built:
        made([a, b])
    if not built and inputs[-1].shape == (2, 3):  # the batch axis shows only on a call
        made([a, b])
    with pytest.raises(ValueError, match=message):
        made(inputs)


def test_symbols_that_do_not_fit():
    with pytest.raises(ValueError, match=r"'m' cannot merge .*\(None, 3\) and \(None, 2\)"):
        Add(name="m")([Input((3,)), Input((2,))])


def test_lengths_that_are_not_known():
    assert Add()([Input((None, 3)), Input((1, 3))]).shape == (None, None, 3)
    assert Concatenate(axis=1)([Input((None, 3)), Input((2, 3))]).shape == (None, None, 3)
    assert Concatenate()([Input((None, 3)), Input((None, 2))]).shape == (None, None, 5)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ((1, 2, 3), "needs one or two integers for axes"),
        ((1.5, 2), "needs one or two integers for axes"),
    ],
)
def test_bad_axes(axes, message):
    with pytest.raises(ValueError, match=message):
        Dot(axes)


def test_axes_that_are_not_there():
    with pytest.raises(ValueError, match=r"'d' cannot sum over axis 0 of .* the batch axis"):
        Dot(0, name="d")([a, b])
    with pytest.raises(ValueError, match="'c' has axis=2, which inputs of 2 axes do not have"):
        Concatenate(axis=2, name="c")([a, b])
