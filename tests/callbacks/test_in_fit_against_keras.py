"""Callbacks in a real fit, evaluate and predict: Keras's decisions, params and refusals."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

x = np.random.default_rng(0).normal(size=(20, 3))
y = x[:, :1]
modules = pytest.mark.parametrize("module", [keras, ns], ids=["keras", "ours"])
# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def model_of(module: Any, optimizer: Any = "sgd") -> Any:
    model = module.Sequential([module.layers.Input((3,)), module.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
    return model


@modules
def test_a_history_of_the_users_own_is_what_fit_returns(module):
    history = module.callbacks.History()
    model = model_of(module)
    assert model.fit(x, y, epochs=2, verbose=0, callbacks=[history]) is history
    assert model.history is history
    model.fit(x, y, epochs=3, verbose=0, callbacks=[history])
    assert len(history.history["loss"]) == 5
    assert history.epoch == [0, 1, 2]


@modules
@pytest.mark.parametrize(
    ("method", "options", "steps"),
    [
        ("evaluate", {"batch_size": 7}, 3),
        ("evaluate", {"batch_size": 7, "steps": 2}, 2),
        ("predict", {}, 1),
        ("predict", {"batch_size": 6, "steps": 3}, 3),
    ],
)
def test_params_outside_of_fit(module, method, options, steps):
    seen: list[Any] = []

    class Watching(module.callbacks.Callback):  # type: ignore[misc] # one class for both libraries
        def on_test_begin(self, logs: Any = None) -> None:
            seen.append(dict(self.params))

        def on_predict_begin(self, logs: Any = None) -> None:
            seen.append(dict(self.params))

    data = (x, y) if method == "evaluate" else (x,)
    getattr(model_of(module), method)(*data, verbose=0, callbacks=[Watching()], **options)
    assert seen == [{"verbose": 0, "epochs": 1, "steps": steps}]


@modules
def test_evaluate_and_predict_can_be_stopped(module):
    class Stopping(module.callbacks.Callback):  # type: ignore[misc] # one class for both libraries
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_predicting = batch == 1

    model = model_of(module)
    first = model.evaluate(x[:7], y[:7], verbose=0)
    stopped = model.evaluate(x, y, batch_size=7, verbose=0, callbacks=[Stopping()])
    np.testing.assert_allclose(stopped, first, rtol=1e-6)
    assert model.predict(x, batch_size=7, verbose=0, callbacks=[Stopping()]).shape == (14, 1)
    # It is over with the call.
    assert model.predict(x, batch_size=7, verbose=0).shape == (20, 1)
    assert model.evaluate(x, y, batch_size=7, verbose=0) != stopped
    # Within fit an evaluation can be stopped too, and training goes on.
    history = model.fit(
        x, y, epochs=2, verbose=0, validation_data=(x, y), validation_batch_size=7,
        callbacks=[Stopping()],
    )  # fmt: skip
    assert history.epoch == [0, 1]


@modules
@pytest.mark.parametrize("name", ["LearningRateScheduler", "ReduceLROnPlateau"])
def test_a_schedule_of_the_optimizer_is_not_replaced(module, name):
    schedule = module.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = model_of(module, module.optimizers.SGD(schedule))
    callback = {
        "LearningRateScheduler": lambda: module.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        "ReduceLROnPlateau": lambda: module.callbacks.ReduceLROnPlateau(
            "loss", patience=1, min_delta=10
        ),
    }[name]()
    with pytest.raises(TypeError, match=r"[sS]chedule"):
        model.fit(x, y, epochs=4, verbose=0, callbacks=[callback])
    if module is ns:  # before the first epoch, not after some
        assert model.optimizer.iterations == 0


@modules
def test_a_log_file_that_cannot_be_written_is_known_before_the_first_epoch(module, tmp_path):
    model = model_of(module)
    before = model.get_weights()
    logger = module.callbacks.CSVLogger(str(tmp_path / "missing" / "log.csv"))
    with pytest.raises(FileNotFoundError):
        model.fit(x, y, verbose=0, callbacks=[logger])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@modules
@pytest.mark.parametrize("name", ["folder", "{epoch}"])
def test_a_checkpoint_that_is_a_folder(module, name, tmp_path):
    ending = ".keras" if module is keras else ""
    (tmp_path / (name.format(epoch=1) + ending)).mkdir()
    checkpoint = module.callbacks.ModelCheckpoint(str(tmp_path / name) + ending)
    message = "is a folder: name a file in it" if module is ns else "non-directory"
    with pytest.raises(OSError, match=message):
        model_of(module).fit(x, y, verbose=0, callbacks=[checkpoint])
    assert len(list(tmp_path.iterdir())) == 1


@modules
def test_the_best_by_something_that_is_no_number(module, tmp_path):
    class Adding(module.callbacks.Callback):  # type: ignore[misc] # one class for both libraries
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["pair"] = np.ones(2)

    path = str(tmp_path / "{epoch}.keras")
    checkpoint = module.callbacks.ModelCheckpoint(path, "pair", save_best_only=True, mode="min")
    with pytest.warns(UserWarning, match=r"shape \(2,\)|scalar"):
        model_of(module).fit(x, y, epochs=2, verbose=0, callbacks=[Adding(), checkpoint])
    assert {file.name for file in tmp_path.iterdir()} == {"1.keras", "2.keras"}


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 0, "min_delta": 100, "restore_best_weights": True, "start_from_epoch": 2},
        {"patience": 0, "min_delta": 100, "baseline": 0.001},
        {"patience": 2, "min_delta": 100, "baseline": 10.0, "restore_best_weights": True},
        {"patience": 1, "mode": "max", "restore_best_weights": True},
    ],
)
@pytest.mark.parametrize("monitor", ["loss", "val_mae"])
def test_early_stopping(options, monitor):
    seen = []
    for module in (keras, ns):
        model = model_of(module)
        stopping = module.callbacks.EarlyStopping(monitor, **options)
        history = model.fit(
            x, y, epochs=8, batch_size=5, shuffle=False, verbose=0, validation_data=(x, y),
            callbacks=[stopping],
        )  # fmt: skip
        weights = np.asarray(model.get_weights()[0])
        counts = (history.epoch, stopping.stopped_epoch, stopping.best_epoch, stopping.wait)
        seen.append((counts, weights))
    assert seen[0][0] == seen[1][0]
    np.testing.assert_allclose(seen[0][1], seen[1][1], rtol=1e-5)


def test_callbacks_may_be_nested():
    calls: list[int] = []
    noting = ns.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append(epoch))
    model_of(ns).fit(x, y, verbose=0, callbacks=[[noting], (noting,)])
    assert calls == [0, 0]
