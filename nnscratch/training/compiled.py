"""What `compile` was told: losses and metrics, one set for each output of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import losses
from nnscratch import metrics as metrics_module
from nnscratch.autograd import Tensor
from nnscratch.autograd.trees import leaves
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from collections.abc import Sequence


class CompiledLoss:
    """The sum over outputs of weight times loss.

    Attributes:
        outputs: running means of each output's own loss, where there are several.
    """

    def __init__(self, specification: Any, weights: Any, names: Sequence[str]) -> None:
        """Note what was asked for; it is matched with the outputs at the first batch.

        Args:
            specification: a loss for every output, a list of them, or a dictionary by name.
            weights: for each output a factor, likewise.
            names: the outputs' names.

        Raises:
            ValueError: the name of a loss that does not exist, or another number of weights.
        """
        if names:
            by_output("loss_weights", weights, names, len(names))
        for one in leaves(specification):
            if one is not None:
                losses.get(one)
        self.specification = specification
        self.weights = weights
        self.names = names
        self.outputs: list[metrics_module.Mean] = []
        self._parts: list[tuple[Any, float]] | None = None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The loss of one batch, a scalar tensor."""
        predictions = [y_pred] if isinstance(y_pred, Tensor) else leaves(y_pred)
        if self._parts is None:
            self._parts = self._match(predictions)
        if len(predictions) == 1:
            loss, factor = self._parts[0]
            value = loss(only(y_true), predictions[0], only(sample_weight))
            return value if factor == 1.0 else value * factor
        targets = by_output("targets", y_true, self.names, len(predictions))
        weights = by_output("sample_weight", sample_weight, self.names, len(predictions))
        total: Any = 0.0
        tracked = iter(self.outputs)
        for (loss, factor), target, prediction, weight in zip(
            self._parts, targets, predictions, weights, strict=True
        ):
            if loss is not None:
                value = loss(target, prediction, weight)
                next(tracked).add(running(value), len(target))
                total = total + value * factor
        return total

    def check_targets(self, what: str, y_true: Any, y_pred: Any) -> None:
        """Refuse targets that a loss cannot take, before any of them is trained on.

        Args:
            what: what messages call the targets, such as "validation y".
            y_true: the targets of all samples.
            y_pred: predictions for at least one sample.

        Raises:
            ValueError: such targets; the message names the loss.
        """
        predictions = [y_pred] if isinstance(y_pred, Tensor) else leaves(y_pred)
        if self._parts is None:
            self._parts = self._match(predictions)
        count = len(predictions)
        names = output_names(self.names, count)
        if count > 1 and not isinstance(y_true, list | tuple | dict):
            raise ValueError(
                f"{what} is one array for {count} outputs ({', '.join(names)}): give a list with "
                f"one for each."
            )
        single = count == 1 and not isinstance(y_true, dict)
        targets = [only(y_true)] if single else by_output(what, y_true, names, count)
        for name, (loss, _), target, prediction in zip(
            names, self._parts, targets, predictions, strict=True
        ):
            if loss is None or isinstance(target, np.memmap):  # a file is seen batch by batch
                continue
            if target is None:
                raise ValueError(f"{what} has nothing for the output {name!r}, which has a loss.")
            try:
                loss.check_targets(target, (len(target), *prediction.shape[1:]))
            except ValueError as error:
                which = what if single else f"{what} of output {name!r}"
                raise ValueError(f"{which} does not fit: {error}") from None

    def _match(self, predictions: list[Any]) -> list[tuple[Any, float]]:
        count = len(predictions)
        names = output_names(self.names, count)
        asked = by_output("loss", self.specification, names, count)
        chosen = [None if one is None else losses.get(one) for one in asked]
        weights = by_output("loss_weights", self.weights, names, count)
        if count > 1:
            self.outputs = [
                metrics_module.Mean(f"{name}_loss")
                for name, loss in zip(names, chosen, strict=True)
                if loss is not None
            ]
        return [
            (loss, 1.0 if weight is None else float(weight))
            for loss, weight in zip(chosen, weights, strict=True)
        ]


class CompiledMetrics:
    """The metrics of each output, resolved by the shapes of a first batch.

    Attributes:
        metrics: all of them, in the order of the outputs; empty before the first batch.
    """

    def __init__(self, specification: Any, names: Sequence[str]) -> None:
        """Note what was asked for.

        Args:
            specification: a list of metrics for the one output; for several outputs a list of
                lists, or a dictionary by name.
            names: the outputs' names.

        Raises:
            ValueError: the name of a metric that does not exist, or of an output.
        """
        if names and isinstance(specification, dict):
            by_output("metrics", specification, names, len(names))
        for one in leaves(specification):
            if one is not None and one not in metrics_module.ACCURACY_NAMES:
                metrics_module.named(one)
        self.specification = specification
        self.names = names
        self.metrics: list[metrics_module.Metric] = []
        self._parts: list[list[metrics_module.Metric]] | None = None

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of plain arrays."""
        alone = (isinstance(y_pred, np.ndarray) and isinstance(y_true, np.ndarray)) or (
            is_on_gpu(y_pred) and is_on_gpu(y_true)
        )
        if alone and sample_weight is None and self._parts is not None:  # most steps: no matching
            for metric in self.metrics:
                metric.update_state(y_true, y_pred)
            return
        predictions = [y_pred] if isinstance(y_pred, np.ndarray) else leaves(y_pred)
        count = len(predictions)
        if count == 1:
            targets, weights = [only(y_true)], [only(sample_weight)]
        else:
            targets = by_output("targets", y_true, self.names, count)
            weights = by_output("sample_weight", sample_weight, self.names, count)
        if self._parts is None:
            self._parts = self._match(targets, predictions)
            self.metrics = [metric for part in self._parts for metric in part]
        for part, target, prediction, weight in zip(
            self._parts, targets, predictions, weights, strict=True
        ):
            for metric in part:
                if weight is None:
                    metric.update_state(target, prediction)
                else:
                    metric.update_state(target, prediction, weight)

    def _match(self, targets: list[Any], predictions: list[Any]) -> list[list[Any]]:
        count = len(predictions)
        names = output_names(self.names, count)
        if count == 1:
            asked = [leaves(self.specification)]
        else:
            asked = [
                [] if one is None else list(one) if isinstance(one, list | tuple) else [one]
                for one in by_output("metrics", self.specification or None, names, count)
            ]
        parts = []
        for name, wanted, target, prediction in zip(
            names, asked, targets, predictions, strict=True
        ):
            part = [
                metrics_module.get(one, target, prediction) for one in wanted if one is not None
            ]
            if count > 1:
                for metric in part:
                    metric.name = f"{name}_{metric.name}"
            parts.append(part)
        return parts


def running(loss: Any) -> Any:
    """The number in a scalar tensor; on a GPU its array, so that nobody waits for it yet."""
    data = loss.data
    if type(data) is not np.ndarray:
        return data
    return data.item() if data.size == 1 else loss.item()  # which says that it is no scalar


def check_loss_weights(weights: Any) -> None:
    """Refuse what cannot be factors of losses, such as metrics in their place.

    Raises:
        TypeError: something else than numbers.
        ValueError: NaN or an infinite number.
    """
    for one in leaves(weights):
        if one is None:
            continue
        if not isinstance(one, int | float | np.number) or isinstance(one, bool):
            raise TypeError(
                f"loss_weights, the third argument of compile, takes a number for each output, "
                f"got {weights!r:.80}: if these are metrics, write metrics=[...]."
            )
        if not np.isfinite(one):
            raise ValueError(
                f"loss_weights has {one!r} among {weights!r:.80}: give finite numbers."
            )


def only(values: Any) -> Any:
    """The one array of what was given for a single output."""
    if isinstance(values, list | tuple | dict):
        given = leaves(values)
        if len(given) != 1:
            raise ValueError(
                f"The model has one output, but {len(given)} arrays of targets or weights were "
                f"given: give one."
            )
        return given[0]
    return values


def output_names(names: Sequence[str], count: int) -> list[str]:
    """The outputs' names, or numbered ones where the model has none."""
    return list(names) if len(names) == count else [f"output_{i + 1}" for i in range(count)]


def by_output(what: str, given: Any, names: Sequence[str], count: int) -> list[Any]:
    """What was given for each of `count` outputs: one thing for all, a list, or by name.

    Raises:
        ValueError: another number of things than outputs, or a name that no output has.
    """
    names = output_names(names, count)
    if isinstance(given, dict):
        if unknown := [key for key in given if key not in names]:
            raise ValueError(
                f"{what} names the output {unknown[0]!r}, but the outputs are {', '.join(names)}."
            )
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != count:
            raise ValueError(
                f"{what} has {len(given)} entries for {count} outputs ({', '.join(names)}): give "
                f"one for each."
            )
        return list(given)
    return [given] * count
