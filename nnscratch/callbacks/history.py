"""History: what `fit` returns."""

from __future__ import annotations

from nnscratch.callbacks.callback import Callback, Logs


class History(Callback):
    """What `fit` returns: the logs of every epoch.

    Attributes:
        epoch: numbers of the epochs, from 0.
        history: for each log its value at every epoch.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a new list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
