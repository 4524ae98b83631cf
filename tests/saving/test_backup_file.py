"""The file of BackupAndRestore: when it goes and when it stays, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnscratch.callbacks import BackupAndRestore, EarlyStopping
from tests.saving.interruption import Interrupt, Interruption, OwnSteps, network, train, x, y


def test_the_file_goes_when_training_has_ended(tmp_path):
    train(tmp_path / "b")
    assert not list((tmp_path / "b").iterdir())


def test_the_file_may_stay(tmp_path):
    model = network()
    backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[backup])
    weights = model.get_weights()
    model.fit(x, y, epochs=2, verbose=0, callbacks=[backup])  # nothing is left to do
    for own, array in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(own, array)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[backup])
    assert model.history.epoch == [0, 1, 2]


def test_a_file_can_be_named(tmp_path):
    path = tmp_path / "mine.safetensors"
    with pytest.raises(Interruption):
        train(path, Interrupt(3))
    assert path.is_file()


@pytest.mark.parametrize("options", [{"backup_dir": ""}, {"save_freq": 0}, {"save_freq": "batch"}])
def test_wrong_arguments(options):
    with pytest.raises(ValueError, match="BackupAndRestore"):
        BackupAndRestore(**({"backup_dir": "b"} | options))


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """The folder of a training that was interrupted."""
    with pytest.raises(Interruption):
        train(tmp_path / "b", Interrupt(5), EarlyStopping("loss"))
    return tmp_path / "b"


def test_a_damaged_file_is_told_of(left_behind):
    (path,) = left_behind.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged or cut short"):
        train(left_behind, EarlyStopping("loss"))


def test_a_file_of_another_kind_is_told_of(left_behind):
    (path,) = left_behind.iterdir()
    model = network()
    model(x)
    model.save(path)
    with pytest.raises(ValueError, match="not a file of BackupAndRestore"):
        train(left_behind, EarlyStopping("loss"))


def test_another_architecture_is_told_of(left_behind):
    with pytest.raises(ValueError, match="another architecture") as caught:
        train(left_behind, EarlyStopping("loss"), make=OwnSteps)
    assert "layer 'dense" in str(caught.value)


def test_other_callbacks_are_told_of(left_behind):
    with pytest.raises(ValueError, match="with a EarlyStopping, which fit now lacks") as caught:
        train(left_behind)
    assert "remove it" in str(caught.value)


def test_another_optimizer_is_told_of(left_behind):
    def other() -> Any:
        model = network()
        model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy", "auc"])
        return model

    with pytest.raises(ValueError, match="to start anew, remove it"):
        train(left_behind, EarlyStopping("loss"), make=other)


def test_other_metrics_are_told_of(left_behind):
    def other() -> Any:
        model = network()
        model.compile("adam", "binary_crossentropy")
        return model

    with pytest.raises(ValueError, match="to start anew, remove it"):
        train(left_behind, EarlyStopping("loss"), make=other)


def test_leftovers_of_a_kill_within_a_save_are_cleared_away(left_behind):
    leftover = left_behind / ".backup.safetensors.4321.tmp"
    leftover.write_bytes(b"half")
    train(left_behind, EarlyStopping("loss"))
    assert not leftover.exists()
