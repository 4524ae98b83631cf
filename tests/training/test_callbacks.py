"""Callbacks are called when Keras calls them, with what Keras tells them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import Callback

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

x = np.random.default_rng(0).normal(size=(20, 3))
y = (x[:, :1] > 0).astype(int)

METHODS = [name for name in vars(Callback) if name.startswith("on_")]


def recorder(base: type, calls: list[Any]) -> Any:
    """A callback of either library that notes every call: method, number, names of the logs."""

    def note(method: str) -> Any:
        def called(self: Any, *args: Any, logs: Any = None) -> None:
            numbers = [argument for argument in args if isinstance(argument, int)]
            told = logs if logs is not None else next((a for a in args if isinstance(a, dict)), 0)
            calls.append((method, numbers, sorted(told) if isinstance(told, dict) else told))

        return called

    return type("Recorder", (base,), {method: note(method) for method in METHODS})()


def model_of(module: Any) -> Any:
    model = module.Sequential([module.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def test_all_of_keras_methods_are_there():
    theirs = {name for name in dir(keras.callbacks.Callback) if name.startswith("on_")}
    aliases = {"on_batch_begin", "on_batch_end"}  # Keras's old names of the train_batch methods
    assert theirs - aliases <= set(METHODS)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("fit", {"y": y, "epochs": 2, "batch_size": 8}),
        ("fit", {"y": y, "epochs": 2, "batch_size": 8, "validation_split": 0.5}),
        ("fit", {"y": y, "epochs": 3, "initial_epoch": 1, "validation_data": (x, y)}),
        ("fit", {"y": y, "epochs": 0}),
        ("evaluate", {"y": y, "batch_size": 8}),
        ("predict", {"batch_size": 8}),
    ],
    ids=["fit", "split", "validation", "no epochs", "evaluate", "predict"],
)
def test_the_order_of_calls_is_that_of_keras(method, options):
    recorded: list[list[Any]] = []
    for module, base in ((keras, keras.callbacks.Callback), (ns, Callback)):
        calls: list[Any] = []
        model = model_of(module)
        getattr(model, method)(x, verbose=0, callbacks=[recorder(base, calls)], **options)
        recorded.append(calls)
    theirs, ours = recorded
    assert ours == theirs
    assert len(ours) >= 2


def test_model_and_params():
    seen = {}
    for module, base in ((keras, keras.callbacks.Callback), (ns, Callback)):
        callback = base()
        model = model_of(module)
        history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, callbacks=[callback])
        assert callback.model is model
        assert history.model is model
        seen[module] = callback.params
        assert history.params == callback.params
    assert seen[ns] == seen[keras] == {"verbose": 0, "epochs": 2, "steps": 3}


@pytest.mark.parametrize("where", ["batch", "epoch"])
def test_stop_training(where):
    counts = []
    for module, base in ((keras, keras.callbacks.Callback), (ns, Callback)):
        calls: list[Any] = []

        def stop(self: Any, number: int, logs: Any = None) -> None:
            self.model.stop_training = number == 1

        name = {"batch": "on_train_batch_end", "epoch": "on_epoch_end"}[where]
        stopping = type("Stopping", (base,), {name: stop})()
        model = model_of(module)
        options = {"epochs": 5, "batch_size": 8, "verbose": 0, "validation_data": (x, y)}
        history = model.fit(x, y, callbacks=[stopping, recorder(base, calls)], **options)
        counts.append((calls, history.epoch))
        assert model.stop_training
    assert counts[0] == counts[1]
    assert counts[0][1] == {"batch": [0], "epoch": [0, 1]}[where]


def test_fit_goes_on_after_it_was_stopped():
    class Stop(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    model = model_of(ns)
    assert model.fit(x, y, epochs=3, verbose=0, callbacks=[Stop()]).epoch == [0]
    assert model.fit(x, y, epochs=3, verbose=0).epoch == [0, 1, 2]


def test_what_a_callback_adds_to_the_logs_is_in_the_history():
    for module, base in ((keras, keras.callbacks.Callback), (ns, Callback)):

        class Rate(base):  # type: ignore[misc] # one class for both libraries
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                logs["rate"] = 0.5

        history = model_of(module).fit(x, y, epochs=2, verbose=0, callbacks=[Rate()]).history
        assert history["rate"] == [0.5, 0.5]


def test_batch_logs_are_kept_apart_from_epoch_logs():
    kept: list[Any] = []

    class Keeping(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            kept.append(logs)

    model_of(ns).fit(x, y, batch_size=8, verbose=0, validation_data=(x, y), callbacks=[Keeping()])
    assert [sorted(logs) for logs in kept] == [["accuracy", "loss"]] * 3


def test_one_callback_without_a_list():
    calls: list[Any] = []
    model_of(ns).fit(x, y, verbose=0, callbacks=recorder(Callback, calls))
    assert calls


def test_learning_rate_set_by_a_callback():
    class Halve(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate /= 2

    model = model_of(ns)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[Halve()])
    assert model.optimizer.learning_rate == 0.01 / 8


def test_an_error_in_a_callback_comes_through_and_history_keeps_what_was():
    class Fail(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise RuntimeError("enough")

    model = model_of(ns)
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(x, y, epochs=3, verbose=0, callbacks=[Fail()])
    assert len(model.history.history["loss"]) == 1
