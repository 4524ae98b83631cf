"""TensorBoard: logs for its web page, through tensorboardX."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.callbacks.callback import Callback, Logs

if TYPE_CHECKING:
    from nnscratch.autograd import Parameter


class TensorBoard(Callback):
    """Writes logs, and weights if asked to, for TensorBoard, as `keras.callbacks.TensorBoard`.

    Training goes to the folder `train` in `log_dir`, evaluations go to `validation`. Look at them
    with `tensorboard --logdir logs`. It needs tensorboardX: `pip install 'nnscratch[tensorboard]'`.
    """

    state_names = ("_train_batches", "_test_batches")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        """Choose what to write.

        Args:
            log_dir: a folder for this training alone.
            histogram_freq: after every so many epochs a histogram of each weight; 0 for none.
            write_graph: Keras's; there is no TensorFlow graph to write, so it changes nothing.
            write_images: with each histogram also the weight as a picture.
            write_steps_per_second: also how fast training goes.
            update_freq: "epoch", "batch", or a number of batches, after which loss and metrics of
                the running epoch are written too.
            profile_batch: 0; profiling needs TensorFlow.
            embeddings_freq: 0; embeddings are not written.
            embeddings_metadata: None, likewise.

        Raises:
            ValueError: profiling or embeddings asked for, or another update_freq.
        """
        if profile_batch or embeddings_freq or embeddings_metadata is not None:
            raise ValueError(
                "TensorBoard writes no profiles and no embeddings: leave profile_batch, "
                "embeddings_freq and embeddings_metadata away."
            )
        if update_freq not in ("epoch", "batch") and not (
            isinstance(update_freq, int) and update_freq > 0
        ):
            raise ValueError(
                f"TensorBoard takes update_freq as 'epoch', 'batch' or a number of batches, got "
                f"{update_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._train_batches = 0
        self._test_batches = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Count batches anew."""
        self._train_batches = 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Count, and start the clock."""
        self._train_batches += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the running logs, if it is their turn."""
        if self.update_freq == "epoch" or self._train_batches % int(self.update_freq):
            return
        if self.write_steps_per_second:
            rate = 1 / (time.perf_counter() - self._batch_start)
            self._write("train", {"batch_steps_per_second": rate}, self._train_batches)
        self._write("train", _named("batch_{}", logs), self._train_batches)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Count."""
        self._test_batches += 1

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the evaluation over the optimizer's steps."""
        step = self.model.optimizer.iterations
        self._write("validation", _named("evaluation_{}_vs_iterations", logs), step)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock."""
        self._epoch_start = time.perf_counter()
        self._epoch_steps = self.model.optimizer.iterations

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the logs, the learning rate, and the weights if it is their turn."""
        optimizer = self.model.optimizer
        train = {k: v for k, v in (logs or {}).items() if not k.startswith("val_")}
        train["learning_rate"] = optimizer.learning_rate
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._epoch_start
            train["steps_per_second"] = (optimizer.iterations - self._epoch_steps) / seconds
        validation = {
            k.removeprefix("val_"): v for k, v in (logs or {}).items() if k.startswith("val_")
        }
        self._write("train", _named("epoch_{}", train), epoch)
        self._write("validation", _named("epoch_{}", validation), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for layer in self.model.layers:
                for weight in layer.weights:
                    self._write_weight(f"{layer.name}/{weight.name}", weight, epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Write everything to the disk."""
        self.close()

    def close(self) -> None:
        """Write everything to the disk, also after an error."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            try:
                from tensorboardX import SummaryWriter
            except ImportError:
                raise ImportError(
                    "The TensorBoard callback needs tensorboardX: pip install "
                    "'nnscratch[tensorboard]'."
                ) from None
            self._writers[part] = SummaryWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _write(self, part: str, values: Logs, step: int) -> None:
        for name, value in values.items():
            self._writer(part).add_scalar(name, value, step)

    def _write_weight(self, name: str, weight: Parameter, epoch: int) -> None:
        values = weight.numpy()
        writer = self._writer("train")
        writer.add_histogram(f"{name}/histogram", values, epoch)
        if self.write_images and values.squeeze().ndim <= 2:
            picture = np.atleast_2d(np.clip(values.squeeze(), 0, 1))
            if picture.shape[0] > picture.shape[1]:  # lying, as Keras shows it
                picture = picture.T
            writer.add_image(f"{name}/image", picture, epoch, dataformats="HW")


def _named(template: str, logs: Logs | None) -> Logs:
    return {template.format(name): value for name, value in (logs or {}).items()}
