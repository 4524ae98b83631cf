"""One batch: what `compile` chooses, and the steps that `fit`, `evaluate` and `predict` repeat."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import metrics as metrics_module
from nnscratch import optimizers
from nnscratch.autograd import Tensor, no_grad
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.layers.layer import Layer
from nnscratch.training.compiled import (
    CompiledLoss,
    CompiledMetrics,
    check_loss_weights,
    running,
)
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from nnscratch.callbacks import Logs
    from nnscratch.training.batches import Batch


class Steps(Layer):
    """A layer that `compile` gives an optimizer, a loss and metrics.

    Each batch goes through `train_step`, which a subclass may override, and which returns one
    dictionary of logs.

    Attributes:
        optimizer: set by `compile`.
        loss: the loss as `compile` was told.
    """

    optimizer: optimizers.Optimizer | None = None
    loss: Any = None
    _compiled_loss: CompiledLoss | None = None

    @property
    def output_names(self) -> list[str]:
        """What logs call the outputs; empty where they have no names."""
        return []

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Choose how to train.

        For a model of several outputs, each of the last four is a list with an entry for each
        output, or a dictionary by the names of the output layers.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, a loss, or a function of `(y_true, y_pred)`.
            loss_weights: factors of the outputs' losses in the sum.
            metrics: names, metrics or functions; "accuracy" is resolved by the shapes.
            weighted_metrics: the same, but with the sample weights.

        Raises:
            ValueError: a name that does not exist, or loss_weights for other outputs.
            TypeError: something of the wrong kind; the model stays as it was.
        """
        for name, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if isinstance(given, str):
                raise TypeError(f"{name} takes a list, got {given!r}: write {name}=[{given!r}].")
        check_loss_weights(loss_weights)
        names = self.output_names
        compiled = (
            optimizers.get(optimizer),
            None if loss is None else CompiledLoss(loss, loss_weights, names),
            CompiledMetrics(metrics, names),
            CompiledMetrics(weighted_metrics, names),
        )
        self.optimizer, self._compiled_loss, self._metrics, self._weighted_metrics = compiled
        self.loss = loss
        self._loss_mean = metrics_module.Mean("loss")

    # --- one batch ----------------------------------------------------------------------------

    def train_step(self, data: Batch) -> Logs:
        """Forward, backward, update. Returns the running means of loss and metrics."""
        x, y, sample_weight = data
        weights = self.trainable_weights
        y_pred = self(x, training=True) if weights else self._recorded(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        # Before the update, so that a metric that refuses the data leaves the weights alone.
        self._loss_mean.add(running(loss), count_samples(x))
        logs = self.compute_metrics(x, y, y_pred, sample_weight)
        weights = weights or self.trainable_weights  # the first batch may have built the model
        if not weights:
            warnings.warn(
                f"Model {self.name!r} has no trainable weights, so fit changes nothing: set "
                f"layer.trainable = True for those that should learn.",
                stacklevel=2,
            )
            return logs
        for weight in weights:
            weight.grad = None
        optimizer = self._compiled_optimizer()
        optimizer.scale_loss(loss).backward()
        optimizer.apply([weight.grad for weight in weights], weights)
        return logs

    def test_step(self, data: Batch) -> Logs:
        """Forward and metrics, on the tape: the loss is then the same fused op as in training."""
        x, y, sample_weight = data
        y_pred = self._recorded(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        self._loss_mean.add(running(loss), count_samples(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Batch) -> Any:
        """Forward alone; arrays."""
        with no_grad():
            y_pred = self(data[0], training=False)
        return _plain(y_pred)

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The compiled loss of one batch, with the penalties of regularizers and `add_loss`."""
        if self._compiled_loss is None:
            raise ValueError(f"Model {self.name!r} was compiled without a loss: pass loss=.")
        if y is None:
            raise ValueError(f"Model {self.name!r} needs targets: pass y.")
        loss = self._compiled_loss(y, y_pred, sample_weight)
        for penalty in self.losses:
            loss = loss + penalty
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Logs:
        """Add a batch to the running means and return them."""
        arrays = _plain(y_pred)
        self._metrics.update(y, arrays)
        if self._weighted_metrics.specification:
            self._weighted_metrics.update(y, arrays, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        """Running means of the loss and the metrics since the last reset, by name."""
        logs = {}
        metrics = self.metrics
        for metric in metrics:
            logs[metric.name] = metric.result()
        if "cupy" in sys.modules:
            logs = {name: _on_host(value) for name, value in logs.items()}
        if len(logs) < len(metrics):
            names = [metric.name for metric in metrics]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"Model {self.name!r} has two metrics called {twice!r}: give one another name, as "
                f"in Precision(0.9, name='precision_at_9')."
            )
        return logs

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """The mean loss and the resolved metrics; nothing before `compile`."""
        if self.optimizer is None:
            return []
        of_outputs = self._compiled_loss.outputs if self._compiled_loss else []
        return [
            self._loss_mean,
            *of_outputs,
            *self._metrics.metrics,
            *self._weighted_metrics.metrics,
        ]

    @property
    def metrics_names(self) -> list[str]:
        """Names of `metrics`, in the order in which `evaluate` gives their values."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Start the running means anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _move(self, device: str) -> None:
        super()._move(device)
        if self.optimizer is not None:
            self.optimizer.follow(self.weights)
        for metric in self.metrics:
            metric.to(device)

    def _recorded(self, x: Any, training: bool) -> Any:
        """Forward, on the tape also while every weight is frozen: freezing changes no loss."""
        weights = self.weights
        if not weights or any(weight.requires_grad for weight in weights):
            return self(x, training=training)
        for weight in weights:
            weight.requires_grad = True
        try:
            return self(x, training=training)
        finally:
            for weight in weights:
                weight.requires_grad = False

    def _compiled_optimizer(self) -> optimizers.Optimizer:
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.name!r} is not compiled: call "
                f"model.compile(optimizer=..., loss=...) first."
            )
        return self.optimizer


def count_samples(x: Any) -> int:
    """How many samples a batch of inputs holds."""
    return len(x) if isinstance(x, np.ndarray) else len(leaves(x)[0])


def _on_host(result: Any) -> Any:
    """What a metric of the user's own may have left on a GPU, as a number or array of the host."""
    if not is_on_gpu(result):
        return result
    return result.get() if result.ndim else result.item()


def _plain(y_pred: Any) -> Any:
    """Outputs as arrays."""
    if isinstance(y_pred, Tensor):
        return y_pred.data
    return rebuild(
        y_pred, (leaf.data if isinstance(leaf, Tensor) else leaf for leaf in leaves(y_pred))
    )
