"""History: what `fit` returns."""

from __future__ import annotations

from typing import Any

import numpy as np

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
        self._rows: list[int] = []  # the epoch of each row of the table
        self._places: dict[str, list[int]] = {}  # for each log the rows in which it has a value

    def __repr__(self) -> str:
        """Show the number of epochs, and the last value of each log."""
        logs = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        return f"<History of {len(self._rows)} epochs: {logs}>" if logs else "<History>"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a new list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._places.setdefault(name, []).append(len(self._rows))
        self._rows.append(epoch)

    def get_state(self) -> dict[str, Any]:
        """The epochs and their logs, lists of numbers as arrays."""
        return {
            "epoch": np.array(self.epoch, np.int64),
            "rows": np.array(self._rows, np.int64),
            "places": {name: np.array(rows, np.int64) for name, rows in self._places.items()},
            "history": {
                name: np.array(values) if all(type(v) is float for v in values) else values
                for name, values in self.history.items()
            },
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on after these epochs."""
        self.epoch = state["epoch"].tolist()
        self._rows = state["rows"].tolist()
        self._places = {name: rows.tolist() for name, rows in state["places"].items()}
        self.history = {
            name: values.tolist() if isinstance(values, np.ndarray) else values
            for name, values in state["history"].items()
        }

    def to_frame(self) -> Any:
        """The logs as a table.

        Returns:
            pandas.DataFrame: a row for each epoch, a column for each log, NaN where an epoch has no
            such log, as with `validation_freq`.
        """
        import pandas as pd

        columns = {
            name: pd.Series(values, index=self._places[name])
            for name, values in self.history.items()
        }
        frame = pd.DataFrame(columns, index=range(len(self._rows)))
        return frame.set_axis(pd.Index(self._rows, name="epoch"))

    def plot(self) -> Any:
        """Draw every log over the epochs: one picture for each, training and validation together.

        Returns:
            numpy.ndarray: the pictures' axes, shape (logs,); `axes[0].figure` is what they are in.
        """
        from matplotlib import pyplot as plt

        names = [name for name in self.history if not name.startswith("val_")]
        names += [name for name in self.history if name.removeprefix("val_") not in names]
        names.sort(key=lambda name: name != "loss")  # the loss first
        _, axes = plt.subplots(
            1,
            max(1, len(names)),
            figsize=(5 * max(1, len(names)), 4),
            squeeze=False,
            layout="constrained",
        )
        for name, picture in zip(names, axes[0], strict=False):
            for log, label in ((name, "training"), (f"val_{name}", "validation")):
                if log in self.history:
                    epochs = [self._rows[row] + 1 for row in self._places[log]]
                    picture.plot(epochs, self.history[log], marker=".", label=label)
            picture.set(title=name, xlabel="epoch", ylabel=name)
            picture.legend()
        return axes[0]
