"""A training that keeps backups, and what ends it before its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import BackupAndRestore, Callback

x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
y = (x[:, :1] > 0).astype("float32")


class Interruption(Exception):  # noqa: N818 # it is no error
    """Stands for whatever ends a program."""


class Interrupt(Callback):
    """Ends the program at the n-th batch that is trained, or the n-th that is evaluated."""

    def __init__(self, batches: int, method: str = "on_train_batch_end") -> None:
        self.left = batches
        setattr(self, method, self.count)

    def count(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if not self.left:
            raise Interruption


def network() -> Any:
    model = ns.Sequential(
        [
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dropout(0.3, seed=5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
    return model


class OwnSteps(ns.Model):
    """A model of the user's own, with a training step of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, activation="sigmoid")
        self.compile(ns.optimizers.Adam(gradient_accumulation_steps=3), "mse")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def train_step(self, data: Any) -> dict[str, float]:
        return {**super().train_step(data), "mine": 1.5}


def train(
    folder: Path, *callbacks: Callback, save_freq: Any = 1, make: Any = network, **options: Any
) -> tuple[Any, ...]:
    """A whole program: seed, model, fit. What it ends with, to the last bit."""
    ns.random.seed(1)
    model = make()
    given: dict[str, Any] = {"x": x, "y": y, "batch_size": 8, "epochs": 3} | options
    if callable(given["x"]):
        given = {**given, **given.pop("x")()}
    backup = BackupAndRestore(folder, save_freq)
    history = model.fit(**given, verbose=0, callbacks=[backup, *callbacks])
    weights = [weight.tobytes() for weight in model.get_weights()]
    return weights, history.history, history.epoch, ns.random.generator().random()
