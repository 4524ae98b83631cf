"""ModelCheckpoint."""

from __future__ import annotations

import os
import warnings

import numpy as np

from nnscratch.callbacks.backup import check_save_freq
from nnscratch.callbacks.callback import Logs
from nnscratch.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model during training, as `keras.callbacks.ModelCheckpoint`.

        ModelCheckpoint("best-{epoch:02d}-{val_loss:.2f}.safetensors", save_best_only=True)

    The files are those of `model.save`, for `ns.load_model`, or of `model.save_weights`.
    """

    state_names = ("best", "_batches")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        """Choose what to save, when and where.

        Args:
            filepath: where to; `{epoch}` (from 1), `{batch}` (from 1, when saving by batches) and
                the names of logs in braces are filled in, also with formats such as
                `{val_loss:.2f}`. Folders are made when needed.
            monitor: the log that says which model is best.
            verbose: 1 to print what happens.
            save_best_only: whether to save only when the log has improved.
            save_weights_only: whether to leave architecture and optimizer away.
            mode: "min", "max", or "auto" for what the name says.
            save_freq: "epoch", or a number of batches.
            initial_value_threshold: the value that the first model must surpass.

        Raises:
            ValueError: another mode or frequency.
        """
        super().__init__(monitor, mode, initial_value_threshold)
        check_save_freq("ModelCheckpoint", save_freq)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._batches = 0  # since the last save
        self._epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Make sure that the path is not that of a folder.

        Raises:
            IsADirectoryError: it is.
        """
        _refuse_folder(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save, if enough batches have passed."""
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if it is to be after each epoch."""
        self.set_direction()
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs)
        if not self._is_due(epoch, logs, path):
            return
        _refuse_folder(path)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _is_due(self, epoch: int, logs: Logs, path: str) -> bool:
        """Whether to save now; notes the value if it is the best."""
        current = logs.get(self.monitor)
        if self.save_best_only and current is None:
            warnings.warn(
                f"ModelCheckpoint cannot tell the best model without {self.monitor!r}, which is "
                f"not among the logs {', '.join(logs)}: it saves this one.",
                stacklevel=2,
            )
            return True
        if self.save_best_only and current is not None and np.ndim(current):
            warnings.warn(
                f"ModelCheckpoint cannot tell the best model by {self.monitor!r}, which is no "
                f"single number but has shape {np.shape(current)}: it saves this one.",
                stacklevel=2,
            )
            return True
        if not self.save_best_only or current is None:
            self._tell(f"Epoch {epoch + 1}: saving model to {path}")
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.is_improvement(current, self.best):
            self._tell(f"Epoch {epoch + 1}: {self.monitor} did not improve from {best}")
            return False
        self._tell(
            f"Epoch {epoch + 1}: {self.monitor} improved from {best} to {current:.5f}, saving "
            f"model to {path}"
        )
        self.best = current
        return True

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        """The file's name, filled in.

        Raises:
            KeyError: a name in braces that no log has.
        """
        numbers = (
            {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        )
        try:
            return self.filepath.format(**{**numbers, **logs})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint cannot fill in {error} of {self.filepath!r}: there are "
                f"{', '.join({**numbers, **logs})}."
            ) from None

    def _tell(self, message: str) -> None:
        if self.verbose:
            print(f"\n{message}")


def _refuse_folder(path: str) -> None:
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"ModelCheckpoint writes a file, but {path} is a folder: name a file in it, such as "
            f"{os.path.join(path, 'best.safetensors')}."
        )
