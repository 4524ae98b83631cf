"""Activation layers: in training, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import ELU, Activation, Dense, LeakyReLU, PReLU, ReLU, Softmax

x = np.random.default_rng(0).normal(size=(20, 3))


def test_a_function_of_ones_own():
    np.testing.assert_allclose(Activation(lambda x: x * 2, dtype="float64")(x), x * 2)


def test_the_same_network_with_layers_and_with_arguments():
    layered = ns.Sequential(
        [Dense(4, input_dim=3), Activation("relu"), Dense(2), Activation("softmax")]
    )
    direct = ns.Sequential(
        [Dense(4, activation="relu", input_dim=3), Dense(2, activation="softmax")]
    )
    direct.set_weights(layered.get_weights())
    np.testing.assert_array_equal(direct.predict(x, verbose=0), layered.predict(x, verbose=0))


def test_prelu_learns_its_slope():
    model = ns.Sequential([PReLU(input_shape=(3,), dtype="float64")])
    model.compile(ns.optimizers.SGD(0.5), "mse")
    model.fit(x, np.where(x > 0, x, 0.25 * x), epochs=300, batch_size=20, verbose=0)
    np.testing.assert_allclose(model.layers[0].alpha.numpy(), np.full(3, 0.25), atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Activation("rellu"), "no activation called 'rellu'; did you mean relu"),
        (
            lambda: ReLU(max_value=-1, name="r"),
            "'r' needs a number from 0 up for max_value, got -1",
        ),
        (lambda: ReLU(negative_slope=None, name="r"), "'r' needs .* for negative_slope, got None"),
        (lambda: ReLU(threshold=-0.5, name="r"), "'r' needs a number from 0 up for threshold"),
        (lambda: LeakyReLU(-0.1, name="r"), "'r' needs a number from 0 up for negative_slope"),
        (lambda: Softmax(axis=2, name="r")(x), "'r' has axis=2, which inputs of 2 axes do not"),
        (lambda: PReLU(shared_axes=[3], name="r")(x), "'r' has axis=.*3.*, which inputs of 2 axes"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_prelu_with_another_number_of_features():
    layer = PReLU(name="slopes")
    layer(x)
    with pytest.raises(ValueError, match=r"'slopes' was built for inputs of shape \(None, 3\)"):
        layer(x[:, :2])


def test_elu_saturates_at_minus_alpha():
    np.testing.assert_allclose(ELU(0.5, dtype="float64")(np.array([[-1000.0]])), [[-0.5]])
