"""CSVLogger: the bytes that Keras writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

PLAIN = [{"loss": 1.5, "accuracy": 0.25}, {"loss": 1e-9, "accuracy": 1.0}]
VALIDATED = [{"loss": 1.5, "val_loss": 2.5}, {"loss": 0.5, "val_loss": 0.25}]
LATE = [{"loss": 1.5}, {"loss": 0.5, "val_loss": 0.25}, {"other": 1.0}]
ODD = [{"a": np.array([1.0, 2.0]), "b": "x,y", "c": np.array(3.5), "d": [1, 2], "e": np.nan}]


def written(
    module: Any, path: Path, trainings: list[list[dict[str, Any]]], **options: Any
) -> bytes:
    """The file after a callback has seen these logs of some trainings."""
    callback = module.callbacks.CSVLogger(str(path), **options)
    for training in trainings:
        callback.on_train_begin({})
        for epoch, logs in enumerate(training):
            callback.on_epoch_end(epoch, dict(logs))
        callback.on_train_end({})
    return path.read_bytes()


@pytest.mark.parametrize("options", [{}, {"separator": ";"}, {"append": True}], ids=str)
@pytest.mark.parametrize(
    "trainings",
    [[PLAIN], [VALIDATED], [LATE], [ODD], [[]], [PLAIN, PLAIN], [[{}]]],
    ids=["plain", "validated", "late", "odd", "no epochs", "twice", "no logs"],
)
def test_the_file_is_that_of_keras(tmp_path, trainings, options):
    theirs = written(keras, tmp_path / "theirs.csv", trainings, **options)
    assert written(ns, tmp_path / "ours.csv", trainings, **options) == theirs


@pytest.mark.parametrize("before", [b"", b"epoch,loss\r\n0,1.0\r\n", b"no end"])
@pytest.mark.parametrize("append", [True, False])
def test_a_file_that_is_there(tmp_path, append, before):
    contents = []
    for module in (ns, keras):
        path = tmp_path / module.__name__
        path.write_bytes(before)
        contents.append(written(module, path, [PLAIN], append=append))
    assert contents[0] == contents[1]


def test_each_row_is_there_as_soon_as_its_epoch_has_ended(tmp_path):
    path = tmp_path / "log.csv"
    callback = ns.callbacks.CSVLogger(path)
    callback.on_train_begin({})
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"loss": 1.0})
        assert len(path.read_text().splitlines()) == epoch + 2
    callback.close()


def test_in_a_training(tmp_path):
    model = ns.Sequential([ns.layers.Dense(1)])
    model.compile("sgd", "mse")
    logger = ns.callbacks.CSVLogger(tmp_path / "log.csv")
    history = model.fit(
        np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[logger],
        validation_split=0.5,
    ).history  # fmt: skip
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows[0] == ["epoch", "loss", "val_loss"]
    assert [float(row[2]) for row in rows[1:]] == history["val_loss"]
