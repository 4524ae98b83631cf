"""TerminateOnNaN, LambdaCallback, and the order in which callbacks are called."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import BackupAndRestore, Callback, LambdaCallback, TerminateOnNaN

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

x, y = np.ones((8, 1)), np.ones((8, 1))


def a_model(module: Any, loss: Any = "mse") -> Any:
    model = module.Sequential([module.layers.Input((1,)), module.layers.Dense(1)])
    model.compile("sgd", loss)
    return model


class Model:
    """All that TerminateOnNaN looks at."""

    stop_training = False


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf, 1.0, None])
def test_terminate_on_nan_does_what_keras_does(loss, capsys):
    did = []
    for module in (ns, keras):
        model = Model()
        callback = module.callbacks.TerminateOnNaN()
        callback.set_model(model)
        capsys.readouterr()
        callback.on_train_batch_end(3, {} if loss is None else {"loss": loss})
        did.append((model.stop_training, capsys.readouterr().out))
    assert did[0] == did[1]


@pytest.mark.parametrize("module", [ns, keras], ids=["ours", "keras"])
def test_terminate_on_nan_may_raise(module):
    with pytest.raises(RuntimeError, match="batch 3"):
        module.callbacks.TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": np.nan})


def test_a_training_that_diverges_ends(capsys):
    with np.errstate(all="ignore"):
        model = a_model(ns)
        model.optimizer.learning_rate = 1e30
        seen: list[int] = []
        count = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
        history = model.fit(
            x, y, batch_size=1, epochs=5, verbose=0, callbacks=[TerminateOnNaN(), count]
        )
    assert len(history.epoch) == 1
    assert seen == list(range(len(seen)))
    assert len(seen) < 8
    assert "Invalid loss, terminating training" in capsys.readouterr().out


def calls_of(module: Any) -> list[Any]:
    calls: list[Any] = []
    callback = module.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(("epoch begin", epoch)),
        on_epoch_end=lambda epoch, logs: calls.append(("epoch end", epoch, sorted(logs))),
        on_train_begin=lambda logs: calls.append("begin"),
        on_train_end=lambda logs: calls.append(("end", sorted(logs))),
        on_train_batch_begin=lambda batch, logs: calls.append(("batch begin", batch)),
        on_train_batch_end=lambda batch, logs: calls.append(("batch end", batch)),
        on_test_begin=lambda logs: calls.append("test begin"),
        on_predict_end=lambda logs: calls.append("predict end"),
    )
    model = a_model(module)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[callback], validation_data=(x, y))
    model.predict(x, verbose=0, callbacks=[callback])
    return calls


def test_lambda_callback_is_called_as_keras_calls_it():
    ours = calls_of(ns)
    assert ours == calls_of(keras)
    assert len(ours) == 1 + 2 * (1 + 4 + 1 + 1) + 1 + 1


def test_a_method_that_callbacks_do_not_have_is_refused():
    with pytest.raises(TypeError, match="LambdaCallback has no 'on_epoch_ended'"):
        LambdaCallback(on_epoch_ended=lambda epoch, logs: None)


def test_the_old_names_of_batch_methods_are_called_once():
    for module in (ns, keras):
        calls: list[Any] = []

        class Old(module.callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_batch_begin(self, batch: int, logs: Any = None) -> None:
                calls.append(("begin", batch))  # noqa: B023 # called before the next turn

            def on_batch_end(self, batch: int, logs: Any = None) -> None:
                calls.append(("end", batch))  # noqa: B023

        a_model(module).fit(x, y, batch_size=4, verbose=0, callbacks=[Old()])
        assert calls == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]


def test_set_model_and_set_params_are_called():
    class Told(Callback):
        def set_model(self, model: Any) -> None:
            super().set_model(model)
            self.told = model.name

        def set_params(self, params: dict[str, Any]) -> None:
            super().set_params(params)
            self.epochs = params["epochs"]

    told = Told()
    model = a_model(ns)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[told])
    assert (told.told, told.epochs) == (model.name, 2)


def test_backup_is_called_after_all_others(tmp_path):
    order: list[str] = []

    class Noted(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            order.append("other")

    class NotedBackup(BackupAndRestore):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            order.append("backup")
            assert self.model.history.epoch == [0]
            super().on_epoch_end(epoch, logs)

    callbacks = [NotedBackup(tmp_path), Noted()]
    a_model(ns).fit(x, y, verbose=0, callbacks=callbacks)
    assert order == ["other", "backup"]
