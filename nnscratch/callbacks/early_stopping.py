"""EarlyStopping."""

from __future__ import annotations

import warnings
from typing import Any

from nnscratch.callbacks.callback import Logs
from nnscratch.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Ends training when a log has stopped improving, as `keras.callbacks.EarlyStopping`.

    Attributes:
        wait: epochs since the last improvement.
        stopped_epoch: the epoch after which training ended, 0 if it was not ended.
        best_epoch: the epoch with the best value.
        best_weights: the weights after it, with `restore_best_weights`.
    """

    state_names = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        """Choose when to stop.

        Args:
            monitor: name of the log.
            min_delta: a smaller change is no improvement.
            patience: epochs without improvement after which to stop.
            verbose: 1 to print what happens.
            mode: "min", "max", or "auto" for what the name says.
            baseline: a value that must be surpassed for the waiting to start anew.
            restore_best_weights: whether to end with the weights of the best epoch; also if it does
                not surpass the baseline.
            start_from_epoch: epochs to let pass before watching.

        Raises:
            ValueError: another mode.
        """
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew, so that one object serves several `fit`."""
        self.best, self.best_weights = None, None
        self.wait = self.stopped_epoch = self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and stop if there was no improvement for too long."""
        self.set_direction()
        current = (logs or {}).get(self.monitor)
        if current is None:
            warnings.warn(
                f"EarlyStopping watches {self.monitor!r}, which is not among the logs "
                f"{', '.join(logs or {})}.",
                stacklevel=2,
            )
            return
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back, if asked to."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                best = self.best_epoch + 1
                print(f"Restoring model weights from the end of the best epoch: {best}.")
            self.model.set_weights(self.best_weights)
