"""BackupAndRestore: a training that is killed goes on where it was, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnscratch.callbacks.callback import Callback, Logs
from nnscratch.saving import trees
from nnscratch.saving.tensor_file import TensorFile, remove_leftovers, write
from nnscratch.saving.weights import check_weights, read_weights, weight_arrays

if TYPE_CHECKING:
    import os

OPTIMIZER = "optimizer/"
STATE = "fit/"


class BackupAndRestore(Callback):
    """Saves the state of `fit` again and again; run the program again, and `fit` goes on from it.

    The file holds the weights, the optimizer's state, the place in the data and the order of its
    rows, the random generators, the running metrics, the history, and what other callbacks keep
    (`Callback.get_state`). So a program that seeds its random numbers, was killed at any moment and
    is run again ends with the same weights, to the last bit, as if nothing had happened.

    As `keras.callbacks.BackupAndRestore`, which goes on from the beginning of an epoch. Each `fit`
    of a program needs a folder of its own. It is called after all other callbacks.
    """

    runs_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
    ) -> None:
        """Choose where and how often to save.

        Args:
            backup_dir: a folder, made when needed, or a file whose name ends in ".safetensors".
            save_freq: "epoch" for the end of each epoch, or a number of batches.
            delete_checkpoint: whether to remove the file when `fit` has ended.

        Raises:
            ValueError: no folder, or another frequency.
        """
        if not backup_dir:
            raise ValueError(
                "BackupAndRestore needs a backup_dir, got an empty one: name a folder."
            )
        check_save_freq("BackupAndRestore", save_freq)
        path = Path(backup_dir)
        self.path = path if path.suffix == ".safetensors" else path / "backup.safetensors"
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._batches = 0  # since the last save
        self._epoch = 0
        self._pending: dict[str, Any] | None = None  # state to go on from within an epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Go on from the file, if there is one.

        Raises:
            ValueError: it is damaged, or of another model or program.
        """
        self._batches = 0
        self._pending = None
        remove_leftovers(self.path)
        if not self.path.exists():
            return
        with TensorFile(self.path) as file:
            state = self._read_state(file)
            if state["batch"]:
                self.model.fit_state.epoch = state["epoch"]
                self._pending = state  # the epoch has to begin for the others first
            else:
                self._restore(file, state)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Go on within this epoch, if the file is from there."""
        self._epoch = epoch
        if self._pending is not None:
            with TensorFile(self.path) as file:
                self._restore(file, self._pending)
            self._pending = None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save, if enough batches have passed."""
        if self.save_freq == "epoch" or self.model.stop_training:
            return  # a training that is about to stop would go on
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._save(self._epoch, batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if it is to be at the end of each epoch."""
        if self.save_freq == "epoch":
            following = self.params["epochs"] if self.model.stop_training else epoch + 1
            self._save(following, 0, logs or {})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the file."""
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)

    def _save(self, epoch: int, batch: int, logs: Logs) -> None:
        self._batches = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text, arrays = trees.split(self.model.fit_state.get(epoch, batch, logs))
        slots = self.model.optimizer.get_state(self.model.weights)
        write(
            self.path,
            weight_arrays(self.model)
            | {f"{OPTIMIZER}{name}": array for name, array in slots.items()}
            | {f"{STATE}{name}": array for name, array in arrays.items()},
            {"content": "backup", "state": text},
        )

    def _read_state(self, file: TensorFile) -> Any:
        if file.metadata.get("content") != "backup":
            raise file.error("it is not a file of BackupAndRestore")
        with file.blamed("it does not say where training stood"):
            state = trees.join(file.metadata["state"], lambda name: file.read(f"{STATE}{name}"))
            self.model.fit_state.check(state)
        return state

    def _restore(self, file: TensorFile, state: dict[str, Any]) -> None:
        fit_state = self.model.fit_state
        with file.blamed("it is not from this program; to start anew, remove it"):
            fit_state.prepare(state)
            check_weights(self.model, file)
            slots = {name: file.read(f"{OPTIMIZER}{name}") for name in file.named(OPTIMIZER)}
            self.model.optimizer.set_state(self.model.weights, slots)
            fit_state.set(state)
            read_weights(self.model, file)


def check_save_freq(callback: str, save_freq: str | int) -> None:
    """Refuse what `save_freq` cannot be.

    Raises:
        ValueError: neither "epoch" nor a number of batches.
    """
    if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
        raise ValueError(
            f"{callback} takes save_freq as 'epoch' or a number of batches, got {save_freq!r}."
        )
