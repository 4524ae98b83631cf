"""Trainer: `fit`, `evaluate` and `predict`, in Keras's words and order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.modes import note_origins
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.callbacks import Callback, CallbackList, History, Logs
from nnscratch.layers.layer import COLLECTED_LOSSES
from nnscratch.training.arguments import (
    check_counts,
    check_validation_freq,
    check_validation_split,
)
from nnscratch.training.arrays import at_least
from nnscratch.training.batches import ArrayData, Batch, brought
from nnscratch.training.epochs import Epochs
from nnscratch.training.fit_state import FitState
from nnscratch.training.inputs import Inputs
from nnscratch.training.progress import check_verbose, describe, progress
from nnscratch_kernels.devices import on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from nnscratch.training.inputs import Data

    Callbacks = Callback | Sequence[Callback] | None


class Trainer(Inputs):
    """What learns: `fit` loops over epochs and batches, and callbacks get to see the logs.

    Attributes:
        history: what the last `fit` returned.
        stop_training: a callback sets it to end `fit` after the current batch.
        stop_evaluating: the same for `evaluate`.
        stop_predicting: the same for `predict`.
        fit_state: while `fit` runs, what it takes to go on from where it stands.
    """

    history: History | None = None
    stop_training = stop_evaluating = stop_predicting = False
    fit_state: FitState | None = None

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
    ) -> History:
        """Train; a second `fit` goes on from where the first one stopped.

        Args:
            x: inputs, samples first, or a generator or iterable of batches `(x, y)` or
                `(x, y, sample_weight)`. Lists and dictionaries of arrays for several inputs.
            y: targets, as many.
            batch_size: samples in a step, by default 32; the last batch may be smaller. A generator
                makes its batches itself, so it goes without.
            epochs: number of the last epoch.
            verbose: "auto", 0 (nothing), 1 (a live bar on a terminal), 2 (a line an epoch).
            callbacks: what else runs at the corners.
            validation_split: share of the last rows to hold out.
            validation_data: `(x, y)` or `(x, y, sample_weight)`, or an iterable of batches, to
                evaluate.
            shuffle: a new order for each epoch.
            class_weight: for each class a factor of its samples' losses.
            sample_weight: weights of the samples in the loss.
            initial_epoch: number of the first epoch.
            steps_per_epoch: batches in an epoch; by default all there are.
            validation_steps: batches of each evaluation; by default all there are.
            validation_batch_size: samples in a batch of an evaluation, by default `batch_size`.
            validation_freq: evaluate after every so many epochs, or after those of these numbers.

        Returns:
            History: `history.history["loss"]` holds one number for each epoch, the running mean
            over the epoch's batches while the weights were changing; likewise each metric.

        Raises:
            RuntimeError: not compiled.
            ValueError: lengths, shapes or numbers that do not fit.
            TypeError: text or objects where numbers are needed.
        """
        self._compiled_optimizer()
        at_least(0, "epochs", epochs)
        at_least(0, "initial_epoch", initial_epoch)
        check_counts(
            {
                "steps_per_epoch": steps_per_epoch,
                "validation_steps": validation_steps,
                "validation_batch_size": validation_batch_size,
            }
        )
        check_validation_freq(validation_freq)
        check_validation_split(validation_split)
        data = self._data(x, y, sample_weight, batch_size, class_weight, steps_per_epoch)
        validation: Data | None = None
        if validation_data is not None:
            validation = self._validation(
                data, validation_data, validation_batch_size, validation_steps
            )
        elif validation_split:
            if not isinstance(data, ArrayData):
                raise ValueError(
                    "validation_split needs arrays, whose last rows it can hold out: give "
                    "validation_data with a generator."
                )
            data, validation = data.split(validation_split, validation_batch_size)
        self._rehearse(data)
        self._rehearse(validation, "validation ")

        params = {"verbose": verbose, "epochs": epochs, "steps": _steps(data, steps_per_epoch)}
        given = next((one for one in leaves(callbacks) if isinstance(one, History)), None)
        history = History() if given is None else given
        last = [*progress(verbose), *([history] if given is None else [])]
        calls = CallbackList(callbacks, self, params, last)
        self.history = history
        self.stop_training = False
        batches = Epochs(data, shuffle, steps_per_epoch)
        self.fit_state = start = FitState(self, batches, validation, calls.callbacks, initial_epoch)
        try:
            calls.call("on_train_begin", {})
            logs = start.logs
            for epoch in range(start.epoch, epochs):  # a callback may have put back a later start
                self.reset_metrics()
                calls.call("on_epoch_begin", epoch, {})
                logs = self._run(
                    batches.next_epoch(start.batch), self.train_step, calls, "train", start
                )
                start.batch = 0
                if validation is not None and _is_due(epoch, validation_freq):
                    held_out_logs = self._evaluate(validation, calls, validation_steps)
                    start.evaluations += 1
                    logs = logs | {f"val_{name}": v for name, v in held_out_logs.items()}
                calls.call("on_epoch_end", epoch, logs)
                if self.stop_training:
                    break
        finally:
            self.fit_state = None
            calls.close()
        if epochs > initial_epoch:
            self._compiled_optimizer().finalize_variable_values(self.trainable_weights)
        calls.call("on_train_end", logs)
        return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on held-out data; arguments as in `fit`.

        Returns:
            The loss alone if there are no metrics, else a list that starts with the loss; a
            dictionary by name with `return_dict`.

        Raises:
            RuntimeError: not compiled.
            ValueError: lengths, shapes or numbers that do not fit.
        """
        self._compiled_optimizer()
        check_verbose(verbose)
        check_counts({"steps": steps})
        data = self._data(x, y, sample_weight, batch_size, None, steps)
        self._rehearse(data)
        params = {"verbose": verbose, "epochs": 1, "steps": _steps(data, steps)}
        logs = self._evaluate(data, CallbackList(callbacks, self, params), steps)
        if verbose:
            samples = f"{data.samples} samples" if isinstance(data, ArrayData) else "a stream"
            print(f"Evaluated {samples}{describe(logs)}")
        return self._results(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
    ) -> Any:
        """The model's outputs for `x`, arrays with the samples first.

        Raises:
            ValueError: an input of a shape or with numbers that do not fit.
        """
        check_verbose(verbose)
        check_counts({"steps": steps})
        data = self._data(x, None, None, batch_size, None, steps)
        params = {"verbose": verbose, "epochs": 1, "steps": _steps(data, steps)}
        calls = CallbackList(callbacks, self, params)
        outputs: list[Any] = []

        def step(batch: Batch) -> dict[str, Any]:
            outputs.append(_on_host(self.predict_step(batch)))
            return {"outputs": outputs[-1]}

        calls.call("on_predict_begin", {})
        self._run(Epochs(data, False, steps).next_epoch(), step, calls, "predict")
        calls.call("on_predict_end", {})
        if len(outputs) == 1:
            return outputs[0]
        joined = zip(*(leaves(output) for output in outputs), strict=True)
        return rebuild(outputs[0], (np.concatenate(parts) for parts in joined))

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on these samples; gives loss and metrics, running since `reset_metrics`."""
        return self._on_batch(self.train_step, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of these samples, running since `reset_metrics`."""
        return self._on_batch(self.test_step, x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these samples, in one batch."""
        return _on_host(self.predict_step(self._at_home(self._one_batch(x, None, None, None))))

    # --- the parts of the above ---------------------------------------------------------------

    def _evaluate(self, data: Data, calls: CallbackList, steps: int | None) -> Logs:
        self.reset_metrics()
        calls.call("on_test_begin", {})
        batches = Epochs(data, False, steps).next_epoch()
        logs = self._run(batches, self.test_step, calls, "test")
        calls.call("on_test_end", logs)
        return logs

    def _run(
        self,
        batches: Iterator[Batch],
        step: Callable[[Batch], Logs],
        calls: CallbackList,
        phase: str,
        start: FitState | None = None,
    ) -> Logs:
        """One pass: a step for each batch, between the callbacks of `phase`; not those before."""
        begins = [
            getattr(c, f"on_{phase}_batch_begin")
            for c in calls.overriding(f"on_{phase}_batch_begin")
        ]
        ends = [
            getattr(c, f"on_{phase}_batch_end") for c in calls.overriding(f"on_{phase}_batch_end")
        ]
        stop = _STOPS[phase]
        if phase != "train" and getattr(self, stop):
            setattr(self, stop, False)  # it was meant for an earlier call
        logs: Logs = {} if start is None else start.logs
        collected: list[Any] = []
        token = COLLECTED_LOSSES.set(collected)
        try:
            with note_origins(False):  # a loop is in a hurry; `ns.record` has them noted
                for number, batch in enumerate(batches, 0 if start is None else start.batch):
                    for begin in begins:
                        begin(number, {})
                    logs = step(self._at_home(batch) if "cupy" in sys.modules else batch)
                    if collected:
                        collected.clear()
                    for end in ends:
                        end(number, logs)
                    if getattr(self, stop):
                        break
        finally:
            COLLECTED_LOSSES.reset(token)
        return dict(sorted(logs.items()))

    def _at_home(self, batch: Batch) -> Batch:
        """A batch where the weights are."""
        return brought(batch, self.device)

    def _on_batch(
        self,
        step: Callable[[Batch], Logs],
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: dict[int, float] | None,
        return_dict: bool,
    ) -> Any:
        self._compiled_optimizer()
        batch = self._one_batch(x, y, sample_weight, class_weight)
        logs = self._run(iter([batch]), step, CallbackList(None, self, {}), "test")
        return self._results(logs, return_dict)

    def _results(self, logs: Logs, return_dict: bool) -> Any:
        if return_dict:
            return logs
        values = [logs[name] for name in self.metrics_names if name in logs]
        return values if len(values) > 1 else values[0]


_STOPS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}
"""The attribute by which a callback ends each kind of pass."""


def _on_host(outputs: Any) -> Any:
    """Outputs as arrays of the host."""
    if isinstance(outputs, np.ndarray):
        return outputs
    return rebuild(outputs, (on_host(leaf) for leaf in leaves(outputs)))


def _steps(data: Data, steps: int | None) -> int | None:
    """How many batches callbacks are told to expect; None if nobody knows."""
    return len(data) or None if steps is None else steps


def _is_due(epoch: int, validation_freq: int | Collection[int]) -> bool:
    """Whether to evaluate after this epoch (they are counted from 1 here, as in Keras)."""
    if isinstance(validation_freq, int | np.integer):
        return bool((epoch + 1) % validation_freq == 0)
    return epoch + 1 in validation_freq
