"""CSVLogger."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from nnscratch.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file, as `keras.callbacks.CSVLogger`.

    The columns are "epoch" and the logs of the first epoch, sorted; without validation in it, also
    a column "val_…" for each. What is missing later is "NA".
    """

    state_names = ("_columns", "_size")

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        """Choose the file.

        Args:
            filename: where to.
            separator: what stands between the columns.
            append: whether to add to a file that is there, instead of replacing it.
        """
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start with the file as it is to be, empty unless it is added to.

        Raises:
            OSError: the file cannot be written; it is known now and not after an epoch.
        """
        self.close()
        self._columns = None
        self._size = os.path.getsize(self.filename) if self._adds() else 0
        with open(self.filename, "a"):
            pass

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        logs = logs or {}
        self._open()
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._columns is None:
            names = sorted(logs)
            if not any(name.startswith("val_") for name in names):
                names += [f"val_{name}" for name in names]
            self._columns = names
            if self._size == 0:
                writer.writerow(["epoch", *names])
        writer.writerow([epoch, *(_cell(logs.get(name, "NA")) for name in self._columns)])
        self._file.flush()
        self._size = os.path.getsize(self.filename)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file; it is there even if there was no epoch."""
        self._open()
        self.close()

    def close(self) -> None:
        """Close the file, also after an error."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _adds(self) -> bool:
        return self.append and os.path.exists(self.filename)

    def _open(self) -> None:
        """Open the file and cut it to the rows that count, which a killed training may exceed."""
        if self._file is None:
            mode = "r+" if self._size else "w"
            self._file = open(self.filename, mode, newline="")  # noqa: SIM115 # see close
            self._file.truncate(self._size)
            self._file.seek(0, os.SEEK_END)


def _cell(value: Any) -> Any:
    """A value as it stands in the file: several numbers in brackets."""
    single = isinstance(value, str) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if isinstance(value, Iterable) and not single:
        return f'"[{", ".join(map(str, value))}]"'
    return value
