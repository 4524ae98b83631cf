"""Loss: what is common to all losses, and the mean that makes one number of the samples' losses.

A loss is the mean over samples,

    loss = (1/N) Σ L(y_i, ŷ_i),

where L is the class's formula and N counts the samples (and, for outputs with inner axes such as
time, those). `Loss.call` gives every L(y_i, ŷ_i), `Loss.mean` is the formula itself.

With sample weights w_i it is (1/N) Σ w_i L(y_i, ŷ_i), as in Keras: still divided by N. The other
reductions are Σ w_i L(y_i, ŷ_i) ("sum"), the sum divided by Σ w_i ("mean_with_sample_weight"), and
no reduction at all ("none").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch.configuration import Configured
from nnscratch.naming import snake_case
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

EPSILON = 1e-7  # Keras's: probabilities are kept this far from 0 and 1
REDUCTIONS = ("mean", "mean_with_sample_weight", "sum_over_batch_size", "sum", "none")


class Loss(Configured):
    """Base of all losses: a subclass gives L in `call`, this class takes the mean.

    Attributes:
        name: what messages call it.
        reduction: how the samples' losses become one number.
        dtype: what the predictions are converted to; None leaves them as they are.
        pointwise: whether every output has a loss of its own, so that predictions of shape (N,)
            are N samples with one output each; otherwise they are one sample with N outputs.
        kind: what messages call it in front of its name; a metric that shows a loss sets it.
    """

    pointwise = True
    kind = "Loss"

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how the samples' losses become one number.

        Args:
            name: by default the class's name in snake_case.
            reduction: "sum_over_batch_size" or "mean" is (1/N) Σ w L, "sum" leaves 1/N out,
                "mean_with_sample_weight" divides by the sum of the weights as they were given,
                "none" or None gives the loss of each sample.
            dtype: dtype to compute in; None means that of the predictions.

        Raises:
            ValueError: another reduction.
        """
        if reduction is not None and reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction is {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}: choose one."
            )
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction or "none"
        self.dtype = None if dtype is None else np.dtype(dtype)
        self._averages = self.reduction not in ("sum", "none")

    def __str__(self) -> str:
        """Name the loss as messages do."""
        return f"{self.kind} {self.name!r}"

    # --- for subclasses -----------------------------------------------------------------------

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """L(y_i, ŷ_i) for each sample: shape (batch, outputs) to (batch,)."""
        raise NotImplementedError(f"{self} needs a call(self, y_true, y_pred) method.")

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """The mean, loss = (1/N) Σ L(y_i, ŷ_i). A subclass may have one fused op for it."""
        return self.call(y_true, y_pred).mean()

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Targets as an array of the predictions' shape and dtype.

        Raises:
            ValueError: targets of another shape.
        """
        targets = targets_like(y_true, y_pred)
        if targets.shape != y_pred.shape:
            raise ValueError(
                f"{self} got targets of shape {targets.shape} for predictions of shape "
                f"{y_pred.shape}: the two must be equal; check the last layer's units."
            )
        return targets

    def check_targets(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Refuse targets that no sample can have; `fit` asks before it changes a weight.

        Args:
            y_true: all targets.
            shape: shape of the predictions for them.

        Raises:
            ValueError: a label that is no class, for losses that know.
        """

    def of_single_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """L for samples of one output each, without an axis of outputs: (batch,) to (batch,)."""
        return self.call(y_true.reshape(-1, 1), y_pred.reshape(-1, 1))

    def counted(self, y_true: Any) -> Any | None:
        """A mask of the samples' losses that count, or None if all do."""
        return None

    # --- calling ------------------------------------------------------------------------------

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: targets, of the shape of `y_pred`; a last axis of one may be missing in either.
            y_pred: predictions, a tensor or array of shape (batch, outputs).
            sample_weight: w_i; its axes are the leading ones of the samples' losses, and an axis of
                one is repeated: shape (batch,) or (batch, 1), for losses with inner axes
                also (batch, time), or one number for all.

        Returns:
            A tensor (for arrays a number) of shape (), with reduction "none" the samples' losses.

        Raises:
            ValueError: shapes that do not match.
        """
        y_pred = self._prepare_predictions(y_pred)
        targets = self.prepare_targets(y_true, y_pred)
        counted = self.counted(targets)
        if sample_weight is None and counted is None and self._averages:
            return self.mean(targets, y_pred)
        if y_pred.ndim == 1 and self.pointwise:
            losses = self.of_single_outputs(targets, y_pred)
        else:
            losses = self.call(targets, y_pred)
        return self._reduced(losses, sample_weight, counted)

    def each(self, y_true: Any, y_pred: Any) -> Any:
        """L(y_i, ŷ_i) of each sample, neither weighted nor reduced."""
        y_pred = self._prepare_predictions(y_pred)
        return self.call(self.prepare_targets(y_true, y_pred), y_pred)

    def _prepare_predictions(self, y_pred: Any) -> Any:
        if not isinstance(y_pred, Tensor):
            y_pred = plain(y_pred)
        dtype = y_pred.dtype
        if self.dtype is not None and dtype != self.dtype:
            return y_pred.astype(self.dtype)
        return y_pred if dtype.kind == "f" else y_pred.astype(np.float64)

    def _reduced(self, losses: Any, sample_weight: Any, counted: Any | None) -> Any:
        weights = None if sample_weight is None else self._prepare_weights(sample_weight, losses)
        if counted is not None:
            mask = counted.astype(losses.dtype)
            weights = mask if weights is None else weights * mask
        if weights is not None:
            losses = losses * weights
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            count = weights.sum()  # type: ignore[union-attr] # there are weights
        else:
            count = losses.size if counted is None else counted.sum()
        if is_on_gpu(count):  # where nobody may look whether it is 0
            none = (count == 0).astype(losses.dtype)
            return losses.sum() * (1 - none) / (count.astype(losses.dtype) + none)
        return losses.sum() / float(count) if count else losses.sum() * 0

    def _prepare_weights(self, sample_weight: Any, losses: Any) -> Any:
        """w_i as an array that multiplies the samples' losses."""
        weights = plain(sample_weight)
        if not weights.shape and not is_on_gpu(weights):  # a number serves any device
            return losses.dtype.type(weights)
        weights = weights.astype(losses.dtype, copy=False)
        if weights.shape == (*losses.shape, 1):
            weights = weights[..., 0]
        lengths = losses.shape[: weights.ndim]
        if len(lengths) < weights.ndim or any(
            given not in (1, length) for given, length in zip(weights.shape, lengths, strict=True)
        ):
            raise ValueError(
                f"{self} got sample weights of shape {weights.shape} for losses of "
                f"shape {losses.shape}: give one weight for each sample."
            )
        return weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim))


class BuiltInLoss(Loss):
    """Base of the losses of this package, which take the reduction first, as Keras's do."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how the samples' losses become one number; see `Loss`."""
        super().__init__(name, reduction, dtype)


class LossFunctionWrapper(BuiltInLoss):
    """A function of targets and predictions, which gives each sample's loss, as a loss."""

    def __init__(
        self,
        fn: Callable[[Any, Any], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Wrap a function.

        Args:
            fn: a function of `(y_true, y_pred)`, written in NumPy.
            reduction: see `Loss`.
            name: by default the function's.
            dtype: see `Loss`.
        """
        super().__init__(reduction, name or getattr(fn, "__name__", "loss"), dtype)
        self.fn = fn

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Targets of any shape: the function knows what they mean."""
        return targets_like(y_true, y_pred)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """What the function says of each sample."""
        return self.fn(y_true, y_pred)


def plain(value: Any) -> Any:
    """A tensor's array; anything else as an array."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, Tensor):
        return value.data
    return value if is_on_gpu(value) else np.asarray(value)


def targets_like(y_true: Any, y_pred: Any) -> Any:
    """Targets in the predictions' dtype, with their rank if only a last axis of one differs.

    They are an array, or a tensor if gradients flow to them.
    """
    targets = y_true
    if type(y_true) is not np.ndarray and not getattr(y_true, "requires_grad", False):
        targets = plain(y_true)
    dtype, shape = y_pred.dtype, y_pred.shape
    if targets.dtype != dtype:
        targets = targets.astype(dtype)
    if targets.shape != shape and ((*targets.shape, 1) == shape or targets.shape == (*shape, 1)):
        targets = targets.reshape(shape)
    return targets


def kind_of_targets(true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> str:
    """Which targets these shapes mean to Keras: "binary", "sparse" or "categorical" ones."""
    if len(pred_shape) < 2 or pred_shape[-1] == 1:
        return "binary"
    if len(true_shape) < len(pred_shape) or true_shape[-1] == 1:
        return "sparse"
    return "categorical"


def input_of(op: Any, result: Any, axis: int | None = None) -> Any | None:
    """What `op` was applied to if `result` was recorded as its output; None otherwise.

    With an `axis` the op must have run along it.
    """
    node = result.node if isinstance(result, Tensor) else None
    if node is None or node.op is not op or node.freed:
        return None
    if axis is not None:
        along = node.params["axis"]
        if not isinstance(along, int) or along % result.ndim != axis % result.ndim:
            return None
    return node.inputs[0]
