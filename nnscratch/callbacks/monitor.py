"""What callbacks share that watch a log for improvement, as Keras's MonitorCallback."""

from __future__ import annotations

from operator import gt, lt
from typing import TYPE_CHECKING

from nnscratch.callbacks.callback import Callback

if TYPE_CHECKING:
    from collections.abc import Callable


class MonitorCallback(Callback):
    """Base of callbacks that compare a log with the best value so far.

    Attributes:
        monitor: name of the log.
        best: its best value, None before the first.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        """Choose what is an improvement.

        Args:
            monitor: name of the log.
            mode: "min", "max", or "auto": a loss should fall, a metric as it says itself.
            baseline: the first value of `best`.
            min_delta: a smaller change is no improvement.

        Raises:
            ValueError: another mode.
        """
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"{type(self).__name__} takes mode as 'auto', 'min' or 'max', got {mode!r}."
            )
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self._better: Callable[[float, float], bool] | None = None

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`.

        Raises:
            ValueError: mode "auto", and nobody knows which direction is better.
        """
        better = self.set_direction()
        if reference is None:
            return True
        margin = self.min_delta if better is gt else -self.min_delta
        return bool(better(value - margin, reference))

    def set_direction(self) -> Callable[[float, float], bool]:
        """Find out, once the metrics are there, whether lower or higher is better.

        Raises:
            ValueError: mode "auto", and nobody knows.
        """
        if self._better is None:
            self._better = {"min": lt, "max": gt}.get(self.mode) or self._from_name()
        return self._better

    def _from_name(self) -> Callable[[float, float], bool]:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return lt
        for metric in self.model.metrics:
            if metric.name == name and metric.direction is not None:
                return gt if metric.direction == "up" else lt
        raise ValueError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall: pass "
            f"mode='max' or mode='min'."
        )
