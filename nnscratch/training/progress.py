"""What `fit` and `evaluate` print: one plain line an epoch, after a live bar on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from nnscratch.callbacks import Callback

if TYPE_CHECKING:
    from nnscratch.callbacks import Logs


def progress(verbose: int | str) -> list[Callback]:
    """The callback that prints for this `verbose`: "auto", 0 (nothing), 1 (bar), 2 (lines).

    Raises:
        ValueError: another value.
    """
    check_verbose(verbose)
    if verbose == 0:
        return []
    live = verbose != 2 and sys.stdout.isatty()
    return [ProgressBar() if live else ProgressLines()]


def check_verbose(verbose: int | str) -> None:
    """Refuse what `verbose` cannot be.

    Raises:
        ValueError: not "auto", 0, 1 or 2.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose is 'auto', 0, 1 or 2, got {verbose!r}: choose one of these.")


class ProgressLines(Callback):
    """One line for each epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the epoch's line."""
        seconds = time.perf_counter() - self._start
        took = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
        print(f"Epoch {epoch + 1}/{self.params['epochs']} - {took}{describe(logs)}")


class ProgressBar(ProgressLines):
    """A bar that moves with every batch, with the running means; at the epoch's end, its line."""

    _bar: Any = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock, and show an empty bar."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.table import Column

        super().on_epoch_begin(epoch, logs)
        # The running means get what the rest leaves of the terminal, so only they are cut off.
        means = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._bar = Progress(
            TextColumn("Epoch {task.fields[epoch]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[logs]}", table_column=means),
            expand=True,
            transient=True,
        )
        shown = f"{epoch + 1}/{self.params['epochs']}"
        self._task = self._bar.add_task("", total=self.params["steps"], epoch=shown, logs="")
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=batch + 1, logs=describe(logs)[3:])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the epoch's line in the place of the bar, whole also where the terminal is narrow."""
        self._bar.stop()
        super().on_epoch_end(epoch, logs)

    def close(self) -> None:
        """Give the terminal back also when an epoch was cut short."""
        if self._bar is not None:  # no epoch, no bar
            self._bar.stop()


def describe(logs: Logs | None) -> str:
    """` - loss: 0.6931 - accuracy: 0.5000`: the loss first, as people read it."""
    ordered = sorted(
        (logs or {}).items(),
        key=lambda item: (item[0].startswith("val_"), item[0].removeprefix("val_") != "loss"),
    )
    return "".join(f" - {name}: {_number(value)}" for name, value in ordered)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
