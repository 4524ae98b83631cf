"""LivePlot."""

from __future__ import annotations

import os
from typing import Any

from nnscratch.callbacks.callback import Callback, Logs
from nnscratch.callbacks.history import History


class LivePlot(Callback):
    """Draws the curves of the training while it runs: in a notebook, or into a file.

    In a notebook the picture below the cell is renewed; in a program the file is, which many image
    viewers show anew by themselves. Both can be had at once.

    Attributes:
        figure: the last picture, a matplotlib Figure; None before the first epoch has ended.
    """

    def __init__(self, filename: str | os.PathLike[str] | None = None, every: int = 1) -> None:
        """Choose where to.

        Args:
            filename: a picture's file, whose ending says its kind; None draws in notebooks only.
            every: draw after each so many epochs, and at the end.

        Raises:
            ValueError: `every` is less than 1.
        """
        self.filename = None if filename is None else os.fspath(filename)
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every!r}.")
        self.every = every
        self.figure: Any = None
        self._history = History()
        self._display: Any = None
        self._drawn = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start with empty curves."""
        self._history = History()
        self._display = None
        self._drawn = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the epoch, and draw if it is time to."""
        self._history.on_epoch_end(epoch, logs)
        if len(self._history.epoch) - self._drawn >= self.every:
            self._draw()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Draw what came after the last picture."""
        if len(self._history.epoch) > self._drawn:
            self._draw()

    def _draw(self) -> None:
        from matplotlib import pyplot as plt

        if self.figure is not None:
            plt.close(self.figure)
        self.figure = self._history.plot()[0].figure
        self._drawn = len(self._history.epoch)
        if self.filename is not None:
            self.figure.savefig(self.filename)
        if (shell := _notebook()) is not None:
            self._show(shell)
        plt.close(self.figure)  # or a notebook would show it once more below the cell

    def _show(self, display: Any) -> None:
        if self._display is None:
            self._display = display(self.figure, display_id=True)
        else:
            self._display.update(self.figure)


def _notebook() -> Any | None:
    """IPython's function `display` if a notebook runs this, else None."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    shell = get_ipython()
    return display if shell is not None and hasattr(shell, "kernel") else None
