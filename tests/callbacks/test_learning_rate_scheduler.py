"""LearningRateScheduler: Keras's rates, and its logs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

x, y = np.ones((4, 1)), np.ones((4, 1))


def rates(module: Any, schedule: Any, epochs: int = 4) -> list[float]:
    model = module.Sequential([module.layers.Dense(1)])
    model.compile(module.optimizers.SGD(0.1), "mse")
    callback = module.callbacks.LearningRateScheduler(schedule)
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=[callback]).history
    assert float(model.optimizer.learning_rate) == history["learning_rate"][-1]
    return history["learning_rate"]


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch, rate: rate * 0.5,
        lambda epoch, rate: 0.1 / (epoch + 1),
        lambda epoch: 0.01 * (epoch + 1),
        lambda epoch, rate: np.float32(0.25),
        lambda epoch, rate: np.float64(rate) / 3,
    ],
    ids=["of the rate", "of the epoch", "of the epoch alone", "float32", "float64"],
)
def test_rates_are_those_of_keras(schedule):
    assert rates(ns, schedule) == pytest.approx(rates(keras, schedule), rel=1e-6)


def test_something_else_than_a_float_is_refused():
    with pytest.raises(TypeError, match=r"must give a float, got 1 for epoch 0"):
        rates(ns, lambda epoch, rate: 1)


def test_what_goes_wrong_in_a_schedule_is_told():
    def schedule(epoch: int, rate: float) -> float:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        rates(ns, schedule)


def test_it_says_what_keras_says(capsys):
    said = []
    for module in (ns, keras):
        model = module.Sequential([module.layers.Dense(1)])
        model.compile("sgd", "mse")
        callback = module.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5, verbose=1)
        capsys.readouterr()
        model.fit(x, y, verbose=0, callbacks=[callback])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "Epoch 1: LearningRateScheduler setting learning rate to 0.5." in said[0]
