"""Models that are saved, and the checks that what was loaded is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nnscratch as ns
from nnscratch import layers

x = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
y = (x[:, :1] > 0).astype("float32")


def again(model: ns.Model, path: Path, **options: Any) -> Any:
    model.save(path)
    return ns.load_model(path, **options)


def assert_same_weights(model: Any, other: Any) -> None:
    pairs = list(zip(model.get_weights(), other.get_weights(), strict=True))
    assert pairs
    for mine, theirs in pairs:
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


def assert_comes_back(model: Any, path: Path, inputs: Any, **options: Any) -> Any:
    loaded = again(model, path, **options)
    expected, got = model.predict(inputs, verbose=0), loaded.predict(inputs, verbose=0)
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        expected, got = list(expected.values()), list(got.values())
    expected, got = (expected, got) if isinstance(expected, list | tuple) else ([expected], [got])
    for one, other in zip(expected, got, strict=True):
        np.testing.assert_array_equal(one, other)
    assert_same_weights(model, loaded)
    return loaded


def classifier(**options: Any) -> ns.Sequential:
    model = ns.Sequential(
        [
            layers.Dense(8, activation="relu", kernel_regularizer=ns.regularizers.L1L2(0.01, 0.02)),
            layers.BatchNormalization(),
            layers.Dropout(0.3, seed=4),
            layers.GaussianNoise(0.1),
            layers.Dense(1, activation=ns.activations.sigmoid, kernel_constraint="max_norm"),
        ]
    )
    model.compile(**({"optimizer": "adam", "loss": "binary_crossentropy"} | options))
    return model


def classifier_with_input() -> ns.Sequential:
    return ns.Sequential([ns.layers.Input((6,)), layers.Dense(4), layers.Dense(1)])


class Subclassed(ns.Model):
    """A model whose forward is code."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(5, activation="relu")
        self.blocks = [layers.Dense(5), layers.Dense(1)]

    def call(self, inputs: Any) -> Any:
        outputs = self.first(inputs)
        for block in self.blocks:
            outputs = block(outputs)
        return outputs
