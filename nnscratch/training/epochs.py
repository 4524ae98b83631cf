"""Which batches each epoch takes from the data, and how to find that place again after a stop."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from nnscratch import random
from nnscratch.training.arrays import at_least
from nnscratch.training.batches import ArrayData, StreamData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscratch.training.batches import Batch


class Epochs:
    """Cuts data into epochs of a number of steps; arrays are gone through again when they end."""

    def __init__(self, data: ArrayData | StreamData, shuffle: bool, steps: int | None) -> None:
        """Take all batches for each epoch, or `steps` of them (a stream counts its own)."""
        self._data = data
        self._shuffle = shuffle
        self._steps = steps if isinstance(data, ArrayData) else None
        self._batches: Iterator[Batch] | None = None
        self._passes = 0  # begun so far
        self._taken = 0  # batches from the pass that runs
        self._generator: dict[str, Any] | None = None  # its state before that pass was shuffled

    def next_epoch(self, done: int = 0) -> Iterator[Batch]:
        """The batches of the next epoch, or after `seek` those that come after the `done` ones."""
        if self._steps is None:
            batches = self._batches if done and self._batches else self._begin_pass()
        else:
            batches = islice(self._endless(), at_least(1, "steps", self._steps) - done)
        for batch in batches:
            self._taken += 1
            yield batch

    def position(self) -> dict[str, Any]:
        """Where it stands, as JSON can hold it."""
        return {"passes": self._passes, "taken": self._taken, "generator": self._generator}

    def seek(self, position: dict[str, Any], done: int) -> None:
        """Go to where `position` was taken, after `done` batches of an epoch (0: at its end).

        Arrays are shuffled again as they were, which moves the global generator; no batch is read.
        What a stream gave until then it has to give again.
        """
        if isinstance(self._data, StreamData):
            self._data.drop_passes(position["passes"] - (1 if done else 0))
        if position["generator"] is not None:
            random.set_state(position["generator"])
        if done or self._steps is not None:
            self._begin_pass(skip=position["taken"])
        self._passes = position["passes"]

    def sample(self) -> Batch:
        """Some batch, to see the shapes; after `seek`, without taking it away."""
        return self._data.sample()

    def _endless(self) -> Iterator[Batch]:
        """One pass after the other, from where it stands."""
        while True:
            batch = next(self._batches, None) if self._batches else None
            yield next(self._begin_pass()) if batch is None else batch

    def _begin_pass(self, skip: int = 0) -> Iterator[Batch]:
        if self._shuffle:
            self._generator = random.get_state()
        self._batches = self._data.batches(self._shuffle, skip)
        self._passes += 1
        self._taken = skip
        return self._batches
