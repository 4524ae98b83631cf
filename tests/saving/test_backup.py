"""BackupAndRestore: what goes on where it was, with all the ways in which data comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from tests.saving.interruption import Interrupt, Interruption, OwnSteps, network, train, x, y


class Batches(Callback):
    """Counts."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append((self.epoch, batch))


def interrupted(folder: Path, at: int, *callbacks: Callback, **options: Any) -> tuple[Any, ...]:
    """What the program ends with when it is ended at a batch, and run again."""
    with pytest.raises(Interruption):
        train(folder, *callbacks, Interrupt(at), **options)
    return train(folder, *callbacks, **options)


def a_generator() -> dict[str, Any]:
    def batches() -> Any:
        rng = np.random.default_rng(3)
        while True:
            rows = rng.integers(len(x), size=8)
            yield x[rows], y[rows]

    return {"x": batches(), "y": None, "steps_per_epoch": 5, "batch_size": None}


class Reshuffled:
    """Data that shuffles itself anew with its own generator whenever it is gone through."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(4)

    def __len__(self) -> int:
        return 6

    def __iter__(self) -> Any:
        order = self.rng.permutation(len(x))
        for i in range(6):
            rows = order[8 * i : 8 * i + 8]
            yield x[rows], y[rows], np.ones(len(rows))


DATA: dict[str, dict[str, Any]] = {
    "arrays": {},
    "in order": {"shuffle": False},
    "validation": {"validation_split": 0.2},
    "some steps": {"steps_per_epoch": 5},
    "more steps than there are": {"steps_per_epoch": 9},
    "weights of classes": {"class_weight": {0: 1.0, 1: 2.0}},
    "a generator": {"x": a_generator},
    "an iterable": {"x": lambda: {"x": Reshuffled(), "y": None, "batch_size": None}},
    "validation now and then": {"validation_data": (x, y), "validation_freq": 2},
}


@pytest.mark.parametrize("save_freq", [1, 3, "epoch"])
@pytest.mark.parametrize("kind", DATA)
def test_wherever_it_is_interrupted_it_ends_the_same(tmp_path, kind, save_freq):
    options = {**DATA[kind], "save_freq": save_freq}
    expected = train(tmp_path / "alone", **options)
    for at in (1, 6, 7, 8, 15):
        assert interrupted(tmp_path / str(at), at, **options) == expected, at


def test_it_goes_on_and_does_not_start_anew(tmp_path):
    alone, again = Batches(), Batches()
    train(tmp_path / "alone", alone)
    with pytest.raises(Interruption):
        train(tmp_path / "b", Interrupt(10))
    train(tmp_path / "b", again)
    assert len(alone.seen) == 21
    assert again.seen == alone.seen[9:]  # the tenth batch was trained and not yet saved


@pytest.mark.parametrize(("save_freq", "first"), [(4, 8), ("epoch", 7)])
def test_it_saves_as_often_as_it_is_told(tmp_path, save_freq, first):
    alone, again = Batches(), Batches()
    train(tmp_path / "alone", alone)
    with pytest.raises(Interruption):
        train(tmp_path / "b", Interrupt(10), save_freq=save_freq)
    train(tmp_path / "b", again, save_freq=save_freq)
    assert again.seen == alone.seen[first:]


def test_interrupted_within_an_evaluation(tmp_path):
    options = {"validation_data": (x, y)}
    expected = train(tmp_path / "alone", **options)
    for at in (1, 7, 8, 20):
        with pytest.raises(Interruption):
            train(tmp_path / str(at), Interrupt(at, "on_test_batch_end"), **options)
        assert train(tmp_path / str(at), **options) == expected


def test_validation_from_a_generator_goes_on_where_it_was(tmp_path):
    def validation() -> Any:
        rng = np.random.default_rng(5)
        while True:
            rows = rng.integers(len(x), size=8)
            yield x[rows], y[rows]

    def options() -> dict[str, Any]:
        return {"validation_data": validation(), "validation_steps": 2}

    expected = train(tmp_path / "alone", **options())
    for at in (3, 8, 20):
        with pytest.raises(Interruption):
            train(tmp_path / str(at), Interrupt(at), **options())
        assert train(tmp_path / str(at), **options()) == expected


@pytest.mark.parametrize("at", [5, 8, 13, 20, 27, 30])
def test_other_callbacks_go_on_where_they_were(tmp_path, at):
    def callbacks(folder: Path) -> list[Callback]:
        return [
            EarlyStopping("loss", patience=1, min_delta=0.03, restore_best_weights=True),
            ns.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1, cooldown=1),
            ns.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            ns.callbacks.CSVLogger(folder.with_suffix(".csv")),
            ModelCheckpoint(folder.with_suffix(".{epoch}.x"), "loss", save_best_only=True),
        ]

    alone, folder = tmp_path / "alone", tmp_path / "again"
    expected = train(alone, *callbacks(alone), epochs=6)
    assert len(expected[2]) < 6  # it was stopped early
    if at <= 7 * len(expected[2]):
        with pytest.raises(Interruption):
            train(folder, *callbacks(folder), Interrupt(at), epochs=6)
    assert train(folder, *callbacks(folder), epochs=6) == expected
    assert folder.with_suffix(".csv").read_bytes() == alone.with_suffix(".csv").read_bytes()
    for file in tmp_path.glob("alone.*.x"):
        other = tmp_path / file.name.replace("alone", "again")
        assert other.stat().st_size == file.stat().st_size


def test_interrupted_after_it_was_stopped_early_it_stays_stopped(tmp_path):
    class Late(Callback):
        runs_last = True

        def __init__(self, interrupt: bool) -> None:
            self.interrupt = interrupt

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if self.model.stop_training and self.interrupt:
                raise Interruption

    def callbacks(interrupt: bool) -> list[Callback]:
        return [EarlyStopping("loss", min_delta=9.0, patience=2), Late(interrupt)]

    options = {"save_freq": "epoch", "epochs": 9}
    expected = train(tmp_path / "alone", *callbacks(False), **options)
    assert expected[2] == [0, 1, 2]
    with pytest.raises(Interruption):
        train(tmp_path / "b", *callbacks(True), **options)
    assert train(tmp_path / "b", *callbacks(True), **options) == expected


class End(Callback):
    """Keeps what `on_train_end` was told."""

    def on_train_end(self, logs: Any = None) -> None:
        self.logs = logs


def test_with_nothing_left_to_do_the_end_is_told_the_last_logs(tmp_path):
    class Last(Callback):
        runs_last = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise Interruption

    alone, again = End(), End()
    expected = train(tmp_path / "alone", alone, save_freq="epoch")
    with pytest.raises(Interruption):
        train(tmp_path / "b", Last(), save_freq="epoch")
    assert train(tmp_path / "b", again, Last(), save_freq="epoch") == expected
    assert again.logs == alone.logs
    assert again.logs


def test_interrupted_after_it_was_stopped_within_an_epoch(tmp_path):
    class StopAt(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 3:
                self.model.stop_training = True

    options = {"validation_data": (x, y)}
    expected = train(tmp_path / "alone", StopAt(), **options)
    assert expected[2] == [0]
    with pytest.raises(Interruption):
        train(tmp_path / "b", StopAt(), Interrupt(2, "on_test_batch_end"), **options)
    assert train(tmp_path / "b", StopAt(), **options) == expected


def test_a_row_that_was_written_and_not_saved_is_written_once(tmp_path):
    class AtEpochEnd(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise Interruption

    alone, log = tmp_path / "alone.csv", tmp_path / "log.csv"
    for append in (False, True):
        train(tmp_path / "alone", ns.callbacks.CSVLogger(alone, append=append))
        logger = ns.callbacks.CSVLogger(log, append=append)
        with pytest.raises(Interruption):
            train(tmp_path / "b", logger, AtEpochEnd())
        train(tmp_path / "b", ns.callbacks.CSVLogger(log, append=append))
        assert log.read_bytes() == alone.read_bytes()
    assert len(log.read_text().splitlines()) == 7


def test_a_layer_that_thawed_meanwhile_is_thawed(tmp_path):
    class Thaw(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.model.layers[0].trainable = True
                self.model.layers[1].trainable = True

    def frozen() -> Any:
        model = network()
        model.layers[0].trainable = False
        model.layers[1].trainable = False  # a frozen batch normalization uses its averages
        return model

    expected = train(tmp_path / "alone", Thaw(), make=frozen)
    for at in (5, 8, 16):
        assert interrupted(tmp_path / str(at), at, Thaw(), make=frozen) == expected


def two_outputs() -> Any:
    inputs = layers.Input((4,))
    hidden = layers.Dense(5, activation="tanh")(inputs)
    model = ns.Model(inputs, [layers.Dense(1, name="a")(hidden), layers.Dense(1, name="b")(hidden)])
    model.compile(
        ns.optimizers.SGD(ns.schedules.ExponentialDecay(0.1, 5, 0.5), momentum=0.9, use_ema=True),
        "mse",
        metrics=[["mae"], ["mse"]],
    )
    return model


def test_several_outputs_schedules_and_moving_averages(tmp_path):
    options = {"make": two_outputs, "y": [y, y]}
    expected = train(tmp_path / "alone", **options)
    for at in (3, 7, 11):
        assert interrupted(tmp_path / str(at), at, **options) == expected


def test_a_model_of_the_users_own(tmp_path):
    expected = train(tmp_path / "alone", make=OwnSteps)
    assert expected[1]["mine"] == [1.5] * 3
    for at in (3, 7, 11):
        assert interrupted(tmp_path / str(at), at, make=OwnSteps) == expected


def test_state_of_a_callback_of_the_users_own(tmp_path):
    class Counting(Callback):
        state_names = ("count", "best", "shapes")

        def __init__(self) -> None:
            self.count, self.best, self.shapes = 0, np.inf, {"w": np.zeros(3), "n": np.float32(0.1)}

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.count += 1
            self.best = min(self.best, logs["loss"])
            self.shapes["w"] += self.count

    alone, again = Counting(), Counting()
    train(tmp_path / "alone", alone)
    with pytest.raises(Interruption):
        train(tmp_path / "b", Counting(), Interrupt(9))
    train(tmp_path / "b", again)
    assert (again.count, again.best) == (alone.count, alone.best) == (21, alone.best)
    np.testing.assert_array_equal(again.shapes["w"], alone.shapes["w"])
    assert again.shapes["n"] == np.float32(0.1)
    assert isinstance(again.shapes["n"], np.float32)
