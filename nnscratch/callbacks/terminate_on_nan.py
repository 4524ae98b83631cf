"""TerminateOnNaN."""

from __future__ import annotations

import math

from nnscratch.callbacks.callback import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite, as `keras.callbacks.TerminateOnNaN`."""

    def __init__(self, raise_error: bool = False) -> None:
        """Choose how: by default as any `fit` ends; with `raise_error` by an exception."""
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss.

        Raises:
            RuntimeError: it is NaN or infinite, and `raise_error` was asked for.
        """
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"The loss is {loss} at batch {batch}: lower the learning rate, or scale the data."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
