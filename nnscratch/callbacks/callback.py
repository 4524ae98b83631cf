"""Callbacks: what runs at the corners of training, with Keras's names and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.autograd.trees import leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

Logs = dict[str, float]


class Callback:
    """Base of all callbacks; override what you need. `self.model` and `self.params` are set.

    Attributes:
        state_names: the attributes that training depends on: `BackupAndRestore` keeps them.
        runs_last: whether it is called after all others, so as to see what they did.
    """

    model: Any = None
    params: dict[str, Any]
    state_names: tuple[str, ...] = ()
    runs_last = False

    def get_state(self) -> dict[str, Any]:
        """What a training that was interrupted must go on with: numbers, text, arrays, nested."""
        return {name: getattr(self, name) for name in self.state_names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave, after `on_train_begin`."""
        for name in self.state_names:
            setattr(self, name, state[name])

    def set_model(self, model: Any) -> None:
        """Take the model that is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take `epochs`, `steps` and `verbose`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch of `fit`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step; `logs` are running means over the epoch."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before `evaluate`, also within `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After `evaluate`."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate`."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`."""

    def close(self) -> None:
        """Let go of what must not outlive `fit`, also when it ended with an error."""


class CallbackList:
    """Calls every callback in turn; only those that override a method are called for it."""

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None,
        model: Any,
        params: dict[str, Any],
        last: Sequence[Callback] = (),
    ) -> None:
        """Tell the callbacks what they watch; `last` come after the user's own, as in Keras.

        Raises:
            TypeError: something else than callbacks.
        """
        given = [*([] if callbacks is None else leaves(callbacks)), *last]
        self.callbacks = sorted(given, key=lambda one: getattr(one, "runs_last", False))
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks takes instances of nnscratch.training.Callback, got {callback!r}: "
                    f"write for example callbacks=[MyCallback()]."
                )
            callback.set_model(model)
            callback.set_params(params)

    def call(self, method: str, *args: Any) -> None:
        """Call `method` of every callback."""
        for callback in self.overriding(method):
            getattr(callback, method)(*args)

    def close(self) -> None:
        """Have callbacks that hold the terminal let go of it, also after an error."""
        for callback in self.callbacks:
            callback.close()

    def overriding(self, method: str) -> list[Callback]:
        """The callbacks for which `method` does something."""
        names = {method, method.replace("_train_batch_", "_batch_")}
        return [c for c in self.callbacks if any(_overrides(c, name) for name in names)]


def _overrides(callback: Callback, method: str) -> bool:
    """Whether its class, or the object itself, has a method of its own."""
    return getattr(getattr(callback, method), "__func__", None) is not getattr(Callback, method)
