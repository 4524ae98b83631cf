"""Trainer: `compile`, `fit`, `evaluate`, `predict`, in Keras's words and order."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import losses, optimizers
from nnscratch import metrics as metrics_module
from nnscratch.autograd import Tensor, no_grad
from nnscratch.training.batches import ArrayData, Batch, at_least
from nnscratch.training.callbacks import Callback, CallbackList, History, Logs
from nnscratch.training.progress import check_verbose, describe, progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nnscratch.autograd import Parameter


class Trainer:
    """Mixin of `Model`: what turns a function with parameters into one that learns.

    `fit` loops over epochs and batches. Each batch goes through `train_step`, which a subclass may
    override, and which returns one dictionary of logs; the callbacks get to see it.

    Attributes:
        optimizer: set by `compile`.
        loss: the loss function, set by `compile`.
        metrics: the metrics, resolved at the first batch.
        stop_training: a callback sets it to end `fit` after the current epoch.
    """

    name: str
    dtype: np.dtype[Any]
    optimizer: optimizers.Optimizer | None = None
    stop_training = False
    _loss_mean: metrics_module.Mean | None = None
    _metrics: list[metrics_module.Metric] | None = None

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        metrics: Sequence[Any] | None = None,
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, a loss, or a function of `(y_true, y_pred)`.
            metrics: names, metrics or functions; "accuracy" is resolved by the shapes.

        Raises:
            ValueError: a name that does not exist.
            TypeError: something of the wrong kind; the model stays as it was.
        """
        if isinstance(metrics, str):
            raise TypeError(f"metrics takes a list, got {metrics!r}: write metrics=[{metrics!r}].")
        compiled = (
            optimizers.get(optimizer),
            None if loss is None else losses.get(loss),
            [
                requested
                if requested in metrics_module.ACCURACY_NAMES
                else metrics_module.named(requested)
                for requested in metrics or ()
            ],
        )
        self.optimizer, self.loss, self._requested_metrics = compiled
        self._metrics = None
        self._loss_mean = metrics_module.Mean("loss")

    # --- one batch ----------------------------------------------------------------------------

    def train_step(self, batch: Batch) -> Logs:
        """Forward, backward, update. Returns the running means of loss and metrics."""
        y_pred = self(batch.x, training=True)  # type: ignore[operator] # a Model is callable
        loss = self.compute_loss(batch, y_pred)
        parameters: list[Parameter] = self.trainable_weights  # type: ignore[attr-defined] # a Layer's
        # Before the update, so that a metric that refuses the data leaves the weights alone.
        logs = self.compute_metrics(batch, y_pred, loss)
        if not parameters:
            warnings.warn(
                f"Model {self.name!r} has no trainable weights, so fit changes nothing: set "
                f"layer.trainable = True for those that should learn.",
                stacklevel=2,
            )
            return logs
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        self._compiled_optimizer().apply([p.grad for p in parameters], parameters)
        return logs

    def test_step(self, batch: Batch) -> Logs:
        """Forward and metrics, on the tape: the loss is then the same fused op as in training."""
        y_pred = self(batch.x, training=False)  # type: ignore[operator] # a Model is callable
        return self.compute_metrics(batch, y_pred, self.compute_loss(batch, y_pred))

    def predict_step(self, batch: Batch) -> Any:
        """Forward alone; an array."""
        with no_grad():
            y_pred = self(batch.x, training=False)  # type: ignore[operator] # a Model is callable
        return y_pred.numpy() if isinstance(y_pred, Tensor) else y_pred

    def compute_loss(self, batch: Batch, y_pred: Any) -> Tensor:
        """The compiled loss of one batch."""
        if self.loss is None:
            raise ValueError(f"Model {self.name!r} was compiled without a loss: pass loss=.")
        if batch.y is None:
            raise ValueError(f"Model {self.name!r} needs targets: pass y.")
        loss: Tensor = self.loss(batch.y, y_pred, batch.sample_weight)
        return loss

    def compute_metrics(self, batch: Batch, y_pred: Any, loss: Tensor) -> Logs:
        """Add a batch to the running means and return them."""
        array = y_pred.data if isinstance(y_pred, Tensor) else y_pred
        if self._metrics is None:
            self._metrics = self._resolve_metrics(batch.y, array)
        for metric in self._metrics:
            metric.update_state(batch.y, array)
        self._loss_mean.add(loss.item(), len(batch.x))  # type: ignore[union-attr] # compiled
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        """Running means of the loss and the metrics since the last reset, by name."""
        logs = {metric.name: metric.result() for metric in self.metrics}
        return dict(sorted(logs.items()))

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """The mean loss and the resolved metrics; nothing before `compile`."""
        return [self._loss_mean, *(self._metrics or [])] if self._loss_mean else []

    def reset_metrics(self) -> None:
        """Start the running means anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _resolve_metrics(self, y_true: Any, y_pred: Any) -> list[metrics_module.Metric]:
        """The compiled metrics, "accuracy" chosen by the shapes of a first batch."""
        metrics = [metrics_module.get(m, y_true, y_pred) for m in self._requested_metrics]
        names = ["loss", *(metric.name for metric in metrics)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"Model {self.name!r} has two metrics called {name!r}: give one another name, "
                    f"as in Precision(name='precision_at_9')."
                )
        return metrics

    # --- many batches -------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train; a second `fit` goes on from where the first one stopped.

        Args:
            x: inputs, samples first.
            y: targets, as many.
            batch_size: samples in a step, by default 32; the last batch may be smaller.
            epochs: number of the last epoch.
            verbose: "auto", 0 (nothing), 1 (a live bar on a terminal), 2 (a line an epoch).
            callbacks: what else runs at the corners.
            validation_split: share of the last rows to hold out.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to evaluate after each epoch.
            shuffle: a new order for each epoch.
            sample_weight: weights of the samples in the loss.
            initial_epoch: number of the first epoch.

        Returns:
            History: `history.history["loss"]` holds one number for each epoch, the running mean
            over the epoch's batches while the weights were changing; likewise each metric.

        Raises:
            RuntimeError: not compiled.
            ValueError: lengths, shapes or numbers that do not fit.
            TypeError: text or objects where numbers are needed.
        """
        self._compiled_optimizer()
        data = ArrayData(x, y, sample_weight, dtype=self.dtype, batch_size=batch_size)
        validation: ArrayData | None = None
        if validation_data is not None:
            validation = data.validation(validation_data)
        elif validation_split:
            data, validation = data.split(validation_split)
        at_least(0, "epochs", epochs)
        at_least(0, "initial_epoch", initial_epoch)

        history = History()
        params = {"verbose": verbose, "epochs": epochs, "steps": len(data)}
        calls = CallbackList(callbacks, self, params, last=[*progress(verbose), history])
        self.history = history
        self.stop_training = False
        logs: Logs = {}
        try:
            calls.call("on_train_begin", {})
            for epoch in range(initial_epoch, epochs):
                self.reset_metrics()
                calls.call("on_epoch_begin", epoch, {})
                logs = self._run(data.batches(shuffle), self.train_step, calls, "train")
                if validation is not None:
                    held_out_logs = self._evaluate(validation, calls)
                    logs = logs | {f"val_{name}": v for name, v in held_out_logs.items()}
                calls.call("on_epoch_end", epoch, logs)
                if self.stop_training:
                    break
        finally:
            calls.close()
        calls.call("on_train_end", logs)
        return history

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on held-out data.

        Returns:
            The loss alone if there are no metrics, else a list that starts with the loss; a
            dictionary by name with `return_dict`.

        Raises:
            RuntimeError: not compiled.
            ValueError: lengths, shapes or numbers that do not fit.
        """
        self._compiled_optimizer()
        check_verbose(verbose)
        data = ArrayData(x, y, sample_weight, dtype=self.dtype, batch_size=batch_size)
        logs = self._evaluate(data, CallbackList(callbacks, self, {"steps": len(data)}))
        if verbose:
            print(f"Evaluated {data.samples} samples{describe(logs)}")
        if return_dict:
            return logs
        values = [logs[metric.name] for metric in self.metrics]
        return values if len(values) > 1 else values[0]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> Any:
        """The model's outputs for `x`, an array with the samples first.

        Raises:
            ValueError: an input of a shape or with numbers that do not fit.
        """
        check_verbose(verbose)
        data = ArrayData(x, dtype=self.dtype, batch_size=batch_size)
        calls = CallbackList(callbacks, self, {"steps": len(data)})
        outputs: list[Any] = []

        def step(batch: Batch) -> dict[str, Any]:
            outputs.append(self.predict_step(batch))
            return {"outputs": outputs[-1]}

        calls.call("on_predict_begin", {})
        self._run(data.batches(), step, calls, "predict")
        calls.call("on_predict_end", {})
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def _evaluate(self, data: ArrayData, calls: CallbackList) -> Logs:
        self.reset_metrics()
        calls.call("on_test_begin", {})
        logs = self._run(data.batches(), self.test_step, calls, "test")
        calls.call("on_test_end", logs)
        return logs

    def _run(
        self,
        batches: Iterator[Batch],
        step: Callable[[Batch], Logs],
        calls: CallbackList,
        phase: str,
    ) -> Logs:
        """One pass: a step for each batch, between the callbacks of `phase`."""
        begins = [
            getattr(c, f"on_{phase}_batch_begin")
            for c in calls.overriding(f"on_{phase}_batch_begin")
        ]
        ends = [
            getattr(c, f"on_{phase}_batch_end") for c in calls.overriding(f"on_{phase}_batch_end")
        ]
        logs: Logs = {}
        for number, batch in enumerate(batches):
            for begin in begins:
                begin(number, {})
            logs = step(batch)
            for end in ends:
                end(number, logs)
            if self.stop_training and phase == "train":
                break
        return logs

    def _compiled_optimizer(self) -> optimizers.Optimizer:
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.name!r} is not compiled: call "
                f"model.compile(optimizer=..., loss=...) first."
            )
        return self.optimizer
