"""Where a running `fit` stands: all that the rest of it depends on, to save and to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch import random
from nnscratch.autograd import no_grad
from nnscratch.saving.layer_state import get_layer_state, set_layer_state
from nnscratch.training.batches import StreamData, brought

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.callbacks import Callback, Logs
    from nnscratch.training.batches import ArrayData
    from nnscratch.training.epochs import Epochs
    from nnscratch.training.trainer import Trainer


class FitState:
    """What `BackupAndRestore` saves and puts back, weights and optimizer excepted.

    Attributes:
        epoch: the epoch that `fit` begins with.
        batch: how many of its batches were done before.
        logs: the logs of the last one of them, or of the epoch before.
        evaluations: how often the validation data was evaluated.
    """

    def __init__(
        self,
        model: Trainer,
        data: Epochs,
        validation: ArrayData | StreamData | None,
        callbacks: Sequence[Callback],
        epoch: int,
    ) -> None:
        """Watch a `fit` that is about to begin with `epoch`."""
        self.epoch = epoch
        self.batch = 0
        self.logs: Logs = {}
        self.evaluations = 0
        self._model = model
        self._data = data
        self._validation = validation
        self._callbacks = callbacks

    def get(self, epoch: int, batch: int, logs: Logs) -> dict[str, Any]:
        """The state after `batch` batches of `epoch`, nested numbers, text and arrays."""
        return {
            "epoch": epoch,
            "batch": batch,
            "logs": logs,
            "evaluations": self.evaluations,
            "data": self._data.position(),
            "random": random.get_state(),
            "layers": get_layer_state(self._model),
            "metrics": [metric.get_state() for metric in self._model.metrics],
            "callbacks": [
                {"class": type(callback).__name__, "state": state}
                for callback in self._callbacks
                if (state := callback.get_state())
            ],
        }

    def check(self, state: Any) -> None:
        """Refuse what `get` cannot have given.

        Raises:
            ValueError: something is missing, or numbers that cannot be.
        """
        names = set(self.get(0, 0, {}))
        counts = ("epoch", "batch", "evaluations")
        if not isinstance(state, dict) or state.keys() != names:
            raise ValueError(f"it does not have exactly {', '.join(sorted(names))}")
        if any(type(state[name]) is not int or state[name] < 0 for name in counts):
            raise ValueError(f"{', '.join(counts)} must be whole numbers from 0 on")

    def prepare(self, state: dict[str, Any]) -> None:
        """Find the place in the data, and have what only a first batch creates."""
        if isinstance(self._validation, StreamData):
            self._validation.drop_passes(state["evaluations"])
        self._data.seek(state["data"], state["batch"])
        model = self._model
        if not model.built:
            with no_grad():
                model(self._data.sample().x)
        if state["batch"] and len(model.metrics) != len(state["metrics"]):
            x, y, sample_weight = brought(self._data.sample(), model.device)
            y_pred = model(x)
            model.compute_loss(x, y, y_pred, sample_weight)
            model.compute_metrics(x, y, y_pred, sample_weight)
            model.reset_metrics()

    def set(self, state: dict[str, Any]) -> None:
        """Go on from what `get` gave, after `prepare`.

        Raises:
            ValueError: the state of a `fit` with other callbacks, or of another architecture.
        """
        self.epoch, self.batch, self.logs = state["epoch"], state["batch"], state["logs"]
        self.evaluations = state["evaluations"]
        set_layer_state(self._model, state["layers"])
        if self.batch:
            for metric, saved in zip(self._model.metrics, state["metrics"], strict=True):
                metric.set_state(saved)
        self._set_callbacks(state["callbacks"])
        random.set_state(state["random"])

    def _set_callbacks(self, states: list[dict[str, Any]]) -> None:
        """Give each state to the next callback of its class."""
        left = list(self._callbacks)
        for saved in states:
            found = next((one for one in left if type(one).__name__ == saved["class"]), None)
            if found is None:
                raise ValueError(f"it was made with a {saved['class']}, which fit now lacks")
            left.remove(found)
            found.set_state(saved["state"])
