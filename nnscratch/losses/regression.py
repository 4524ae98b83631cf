"""Losses of numbers: squared, absolute and relative errors, and the angle between vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import EPSILON, BuiltInLoss
from nnscratch.ops import squared_error
from nnscratch.ops.special import softplus

if TYPE_CHECKING:
    import numpy.typing as npt


class MeanSquaredError(BuiltInLoss):
    """L = mean over outputs of (y - ŷ)²."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(np.square(y_pred - y_true), axis=-1)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i), in one op."""
        return squared_error.mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(BuiltInLoss):
    """L = mean over outputs of |y - ŷ|; the gradient at 0 is 0."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(np.abs(y_pred - y_true), axis=-1)


class MeanAbsolutePercentageError(BuiltInLoss):
    """L = 100 · mean over outputs of |y - ŷ| / max(|y|, 1e-7), in percent of the target."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        relative = (y_true - y_pred) / np.maximum(np.abs(y_true), EPSILON)
        return 100 * np.mean(np.abs(relative), axis=-1)


class MeanSquaredLogarithmicError(BuiltInLoss):
    """L = mean over outputs of (ln(1 + y) - ln(1 + ŷ))².

    Both are raised to 1e-7 first, as in Keras: a prediction below that gets no gradient.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        predicted = np.log1p(np.maximum(y_pred, EPSILON))
        return np.mean(np.square(predicted - np.log1p(np.maximum(y_true, EPSILON))), axis=-1)


class Huber(BuiltInLoss):
    """L = mean over outputs of e²/2 where |e| ≤ δ, δ|e| - δ²/2 elsewhere, e = ŷ - y (Huber 1964).

    Squared near the target and linear far from it, so that outliers pull less.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the δ where the square turns into a line; the rest as in `Loss`."""
        super().__init__(reduction, name, dtype)
        self.delta = delta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        error = y_pred - y_true
        size = np.abs(error)
        delta = self.delta
        linear = delta * size - 0.5 * delta * delta
        return np.mean(np.where(size <= delta, 0.5 * np.square(error), linear), axis=-1)


class LogCosh(BuiltInLoss):
    """L = mean over outputs of ln cosh(ŷ - y), like e²/2 near the target and |e| - ln 2 far off.

    It is computed as e + ln(1 + exp(-2e)) - ln 2, which does not overflow.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        error = y_pred - y_true
        return np.mean(error + softplus(-2 * error) - math.log(2), axis=-1)


class CosineSimilarity(BuiltInLoss):
    """L = -cos of the angle between y and ŷ: -1 where they point the same way, 1 where opposite.

    A vector shorter than 1e-7 is divided by 1e-7 instead of its length, as in Keras: a vector of
    zeros has L = 0.
    """

    pointwise = False

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose the axis of the vectors' components; the rest as in `Loss`."""
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, components) to (batch,)."""
        product = unit_vectors(y_true, self.axis) * unit_vectors(y_pred, self.axis)
        return -np.sum(product, axis=self.axis)


def unit_vectors(vectors: Any, axis: int) -> Any:
    """Vectors divided by their length, or by 1e-7 if that is larger."""
    squares = np.sum(np.square(vectors), axis=axis, keepdims=True)
    return vectors / np.sqrt(np.maximum(squares, EPSILON * EPSILON))


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The L of `MeanSquaredError` for each sample."""
    return MeanSquaredError().each(y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The L of `MeanAbsoluteError` for each sample."""
    return MeanAbsoluteError().each(y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """The L of `MeanAbsolutePercentageError` for each sample."""
    return MeanAbsolutePercentageError().each(y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The L of `MeanSquaredLogarithmicError` for each sample."""
    return MeanSquaredLogarithmicError().each(y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The L of `Huber` for each sample."""
    return Huber(delta).each(y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The L of `LogCosh` for each sample."""
    return LogCosh().each(y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The L of `CosineSimilarity` for each sample."""
    return CosineSimilarity(axis).each(y_true, y_pred)
