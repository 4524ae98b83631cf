"""A small network and its data, and the check that weights are equal to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.layers import Dense
from nnscratch.models import Sequential

generator = np.random.default_rng(0)
x = generator.random((100, 6))
y = (x.sum(axis=1, keepdims=True) > 3).astype(int)


def network(**options: Any) -> Sequential:
    model = Sequential()
    model.add(Dense(8, activation="relu", input_dim=6, name="hidden"))
    model.add(Dense(1, activation="sigmoid", name="output"))
    options = {
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
        **options,
    }
    model.compile(**options)
    return model


def assert_equal(these: list[Any], those: list[Any]) -> None:
    for one, other in zip(these, those, strict=True):
        np.testing.assert_array_equal(one, other)
