"""Losses, with Keras's names, defaults and formulas.

Every loss is a mean over samples,

    loss = (1/N) Σ L(y_i, ŷ_i),

where L is the class's formula and N counts the samples (and, for outputs with inner axes, those).
With sample weights w_i it is (1/N) Σ w_i L(y_i, ŷ_i), as in Keras: still divided by N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch.naming import made, resolve, snake_case
from nnscratch.ops.neural import (
    binary_crossentropy_from_logits,
    mean_binary_crossentropy_from_logits,
)
from nnscratch.ops.special import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable

EPSILON = 1e-7  # Keras's: probabilities are kept this far from 0 and 1
REDUCTIONS = ("sum_over_batch_size", "sum", "none")


class Loss:
    """Base of all losses: a subclass gives L in `call`, this class takes the mean."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        """Choose how the samples' losses become one number.

        Args:
            reduction: "sum_over_batch_size" is the mean, "sum" leaves 1/N out, "none" gives the
                loss of each sample.
            name: by default the class's name in snake_case.

        Raises:
            ValueError: another reduction.
        """
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction is {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}: choose one."
            )
        self.reduction = reduction
        self.name = name or snake_case(type(self).__name__)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """L for each sample: shape (batch, outputs) to (batch,)."""
        raise NotImplementedError(f"Loss {self.name!r} needs a call(self, y_true, y_pred) method.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: targets, of the shape of `y_pred`; a last axis of one may be missing in either.
            y_pred: predictions, a tensor of shape (batch, outputs).
            sample_weight: w_i, shape (batch,), (batch, 1), or one number for all.

        Raises:
            ValueError: shapes that do not match.
        """
        if not isinstance(y_pred, Tensor):
            y_pred = np.asarray(y_pred)
        targets = self.prepare_targets(y_true, y_pred)
        if sample_weight is None and self.reduction == "sum_over_batch_size":
            return self.mean(targets, y_pred)
        if y_pred.ndim == 1:  # one output for each sample: the first axis is not that of outputs
            targets, y_pred = targets.reshape(-1, 1), y_pred.reshape(-1, 1)
        losses = self.call(targets, y_pred)
        if sample_weight is not None:
            losses = losses * self._prepare_weights(sample_weight, losses)
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.mean()

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i). A subclass may have one fused op for it."""
        return self.call(y_true, y_pred).mean()

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Targets as an array of the predictions' shape and dtype."""
        targets = _like(y_true, y_pred)
        if targets.shape != y_pred.shape:
            raise ValueError(
                f"Loss {self.name!r} got targets of shape {targets.shape} for predictions of shape "
                f"{y_pred.shape}: the two must be equal; check the last layer's units."
            )
        return targets

    def _prepare_weights(self, sample_weight: Any, losses: Any) -> Any:
        """w_i as an array that multiplies the samples' losses."""
        plain = sample_weight.data if isinstance(sample_weight, Tensor) else sample_weight
        weights = np.asarray(plain, dtype=losses.dtype)
        if weights.shape == (*losses.shape, 1):
            weights = weights[..., 0]
        if weights.ndim and weights.shape != losses.shape[: weights.ndim]:
            raise ValueError(
                f"Loss {self.name!r} got sample weights of shape {weights.shape} for losses of "
                f"shape {losses.shape}: give one weight for each sample."
            )
        return weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim))


def _like(y_true: Any, y_pred: Any) -> Any:
    """Targets in the predictions' dtype, with their rank if only a last axis of one differs."""
    targets = y_true.data if isinstance(y_true, Tensor) else np.asarray(y_true)
    if targets.dtype != y_pred.dtype:
        targets = targets.astype(y_pred.dtype)
    shape = y_pred.shape
    if targets.shape != shape and ((*targets.shape, 1) == shape or targets.shape == (*shape, 1)):
        targets = targets.reshape(shape)
    return targets


class MeanSquaredError(Loss):
    """L = mean over outputs of (y - ŷ)²."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(np.square(y_pred - y_true), axis=-1)


class BinaryCrossentropy(Loss):
    """L = mean over outputs of -y ln p - (1 - y) ln(1 - p).

    When the predictions come straight from a sigmoid, L is computed from the sigmoid's input in
    one stable op; otherwise probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.
    """

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        """Choose what the predictions are.

        Args:
            from_logits: predictions are logits z with p = σ(z), not probabilities.
            reduction: see `Loss`.
            name: see `Loss`.
        """
        super().__init__(reduction, name)
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        logits = self._logits(y_pred)
        if logits is not None:
            return np.mean(binary_crossentropy_from_logits(y_true, logits), axis=-1)
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return np.mean(-y_true * np.log(p) - (1 - y_true) * np.log(1 - p), axis=-1)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i), in one op from the logits."""
        logits = self._logits(y_pred)
        if logits is None:
            return super().mean(y_true, y_pred)
        return mean_binary_crossentropy_from_logits(y_true, logits)

    def _logits(self, y_pred: Any) -> Any | None:
        return y_pred if self.from_logits else input_of(sigmoid, y_pred)


def input_of(op: Any, result: Any) -> Any | None:
    """What `op` was applied to if `result` was recorded as its output; None otherwise."""
    node = result.node if isinstance(result, Tensor) else None
    return node.inputs[0] if node is not None and node.op is op else None


LOSSES: dict[str, type[Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(identifier: str | Loss | Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A loss from its name, itself, or a function of `(y_true, y_pred)` giving each sample's loss.

    Raises:
        ValueError: no loss has this name.
        TypeError: neither a name, a loss nor a function.
    """
    if isinstance(identifier, str):
        return resolve("loss", identifier, LOSSES)()
    loss = made("loss", identifier)
    return loss if isinstance(loss, Loss) else _FunctionLoss(loss)


class _FunctionLoss(Loss):
    """A user's function of targets and predictions as a loss."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Targets of any shape: the function knows what they mean."""
        return _like(y_true, y_pred)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """What the function says of each sample."""
        return self.function(y_true, y_pred)
