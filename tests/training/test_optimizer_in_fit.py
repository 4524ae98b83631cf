"""What `fit` does with an optimizer beside its steps: averages at the end, a scaled loss."""

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense


# Keras on PyTorch hands NumPy a tensor whose __array__ does not know `copy` yet.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_fit_ends_with_the_moving_averages_as_keras_does():
    x, y = np.random.default_rng(0).random((64, 5)), np.arange(64) % 2
    options = {"use_ema": True, "ema_momentum": 0.9, "learning_rate": 0.05}
    ours = ns.Sequential([Dense(1, activation="sigmoid", input_dim=5)])
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, activation="sigmoid")])
    theirs.set_weights(ours.get_weights())
    ours.compile(optimizer=ns.optimizers.SGD(**options), loss="binary_crossentropy")
    theirs.compile(optimizer=keras.optimizers.SGD(**options), loss="binary_crossentropy")
    for model in (ours, theirs):
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-7)


def test_a_loss_scale_does_not_change_what_is_learned():
    x, y = np.random.default_rng(0).random((64, 5)), np.arange(64) % 2
    weights = []
    for scale in (None, 1024.0):
        ns.random.seed(0)
        model = ns.Sequential([Dense(1, activation="sigmoid", input_dim=5)])
        optimizer = ns.optimizers.SGD(0.1, loss_scale_factor=scale)
        model.compile(optimizer=optimizer, loss="binary_crossentropy")
        model.fit(x, y, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-6)
