"""Callbacks that change the learning rate: LearningRateScheduler, ReduceLROnPlateau."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.callbacks.callback import Callback, Logs
from nnscratch.callbacks.monitor import MonitorCallback

if TYPE_CHECKING:
    from collections.abc import Callable


class LearningRateScheduler(Callback):
    """Sets the learning rate for each epoch, as `keras.callbacks.LearningRateScheduler`.

    The logs of each epoch then hold `learning_rate`.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        """Choose the rates.

        Args:
            schedule: a function of the epoch, from 0, and the rate so far, or of the epoch alone,
                that gives the new rate, a float.
            verbose: 1 to print each rate.
        """
        self.schedule = schedule
        self.verbose = verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Make sure that nothing else sets the rate.

        Raises:
            TypeError: the optimizer has a schedule of its own.
        """
        _refuse_schedule("LearningRateScheduler", self.model.optimizer)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate.

        Raises:
            TypeError: the schedule gives something else than a float.
        """
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, optimizer.learning_rate)
        except TypeError:  # a function of the epoch alone, which Keras takes too
            rate = self.schedule(epoch)
        if not isinstance(rate, float | np.floating):
            raise TypeError(
                f"The schedule of LearningRateScheduler must give a float, got {rate!r} for epoch "
                f"{epoch}."
            )
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the rate among the logs."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a log stops improving, as `keras.callbacks.ReduceLROnPlateau`.

    The logs of each epoch then hold `learning_rate`.

    Attributes:
        wait: epochs since the last improvement or reduction.
        cooldown_counter: epochs left in which it does not wait.
    """

    state_names = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        """Choose when to lower the rate, and how far.

        Args:
            monitor: name of the log.
            factor: what the rate is multiplied by, below 1.
            patience: epochs without improvement after which to lower it.
            verbose: 1 to print each change.
            mode: "min", "max", or "auto" for what the name says.
            min_delta: a smaller change is no improvement.
            cooldown: epochs to let pass after a reduction before waiting again.
            min_lr: the lowest rate.

        Raises:
            ValueError: another mode, or a factor of 1 or more.
        """
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau needs a factor below 1, got {factor!r}.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew, so that one object serves several `fit`.

        Raises:
            TypeError: the optimizer has a schedule, which sets the rate at every step.
        """
        _refuse_schedule("ReduceLROnPlateau", self.model.optimizer)
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and lower the rate if there was no improvement for too long."""
        self.set_direction()
        logs = {} if logs is None else logs
        logs["learning_rate"] = self.model.optimizer.learning_rate
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"ReduceLROnPlateau watches {self.monitor!r}, which is not among the logs "
                f"{', '.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, self.model.optimizer)

    def _reduce(self, epoch: int, optimizer: Any) -> None:
        old = optimizer.learning_rate
        if old <= self.min_lr:
            return
        optimizer.learning_rate = max(old * self.factor, self.min_lr)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            print(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to "
                f"{optimizer.learning_rate}."
            )


def _refuse_schedule(callback: str, optimizer: Any) -> None:
    """Raise if the rate is a schedule's, which a callback would replace, as Keras does."""
    if callable(optimizer._learning_rate):
        raise TypeError(
            f"{callback} sets the learning rate, but the optimizer was made with a schedule, which "
            f"it would replace: give the optimizer a number, or leave the callback away."
        )
