"""Cross-entropies of outputs that are a distribution over classes, from one-hot or integer targets.

When the predictions come straight from a softmax, whose output is on the tape, the loss is computed
from the softmax's input z in one stable op, whose gradient is softmax(z) - y; so it is with
`from_logits=True`. Integer labels stay integers: no one-hot array is made. Otherwise probabilities
are divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import (
    EPSILON,
    BuiltInLoss,
    Loss,
    input_of,
    kind_of_targets,
    plain,
    targets_like,
)
from nnscratch.losses.binary_crossentropy import BinaryCrossentropy, checked_smoothing
from nnscratch.ops.crossentropy import (
    mean_softmax_crossentropy,
    mean_sparse_softmax_crossentropy,
    softmax_crossentropy,
    sparse_softmax_crossentropy,
)
from nnscratch.ops.special import log_softmax, softmax
from nnscratch_kernels.devices import is_on_gpu, on_host
from nnscratch_kernels.numpy_kernels.loss_functions import check_labels

if TYPE_CHECKING:
    import numpy.typing as npt


class _ClassesLoss(BuiltInLoss):
    """What the losses of one distribution over classes share: where the logits are."""

    pointwise = False
    from_logits: bool
    axis: int

    def _see_through(self, y_pred: Any) -> tuple[Any, Any]:
        """Logits, if they are known, and probabilities, if those are known then; classes last."""
        if self.from_logits:
            return self._classes_last(y_pred), None
        logits = input_of(softmax, y_pred, self.axis)
        if logits is None:
            return None, None
        return self._classes_last(logits), self._classes_last(y_pred.data)

    def _classes_last(self, array: Any) -> Any:
        return array if self.axis in (-1, array.ndim - 1) else np.moveaxis(array, self.axis, -1)


class CategoricalCrossentropy(_ClassesLoss):
    """L = -Σ_j y_j ln p_j for a distribution y, one-hot as a rule.

    When the predictions come straight from a softmax, L is computed from the softmax's input in
    one stable op; otherwise probabilities are divided by their sum and clipped to
    [1e-7, 1 - 1e-7], as in Keras.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose what the predictions are.

        Args:
            from_logits: predictions are logits z with p = softmax(z), not probabilities.
            label_smoothing: s in [0, 1] moves targets towards uniform: y (1 - s) + s / classes.
            axis: the axis of the classes.
            reduction: see `Loss`.
            name: see `Loss`.
            dtype: see `Loss`.

        Raises:
            ValueError: a label_smoothing outside [0, 1].
        """
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = checked_smoothing(label_smoothing)
        self.axis = axis

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Targets as an array of the predictions' shape and dtype.

        Raises:
            ValueError: targets of another shape.
        """
        targets = targets_like(y_true, y_pred)
        if targets.ndim < y_pred.ndim:
            raise ValueError(
                f"{self} got targets of shape {targets.shape} for predictions of "
                f"shape {y_pred.shape}: it takes one-hot targets of that shape; for integer labels "
                f"use sparse_categorical_crossentropy."
            )
        targets = super().prepare_targets(targets, y_pred)
        if y_pred.shape[self.axis] == 1:
            warnings.warn(
                f"{self} got predictions of shape {y_pred.shape}, and with one class "
                f"there is nothing to learn: use binary_crossentropy for a single output.",
                SyntaxWarning,
                stacklevel=3,
            )
        return targets

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) to (batch,)."""
        target = self._smooth(y_true)
        logits, probabilities = self._see_through(y_pred)
        if logits is not None:
            return softmax_crossentropy(
                self._classes_last(target), logits, probabilities=probabilities
            )
        return -np.sum(target * np.log(_clipped_shares(y_pred, self.axis)), axis=self.axis)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i), in one op from the logits."""
        logits, probabilities = self._see_through(y_pred)
        if logits is None:
            return super().mean(y_true, y_pred)
        target = self._classes_last(self._smooth(y_true))
        return mean_softmax_crossentropy(target, logits, probabilities=probabilities)

    def _smooth(self, y_true: Any) -> Any:
        smoothing = self.label_smoothing
        if not smoothing:
            return y_true
        return y_true * (1 - smoothing) + smoothing / y_true.shape[self.axis]


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """L = -Σ_j α (1 - p_j)^γ y_j ln p_j: classes that are sure already weigh little (Lin 2017)."""

    def __init__(
        self,
        alpha: float | npt.ArrayLike = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose how much easy samples are weighed down.

        Args:
            alpha: α, one weight for all classes or a list with one for each.
            gamma: γ, 0 for the plain cross-entropy times α.
            from_logits: see `CategoricalCrossentropy`.
            label_smoothing: see `CategoricalCrossentropy`.
            axis: see `CategoricalCrossentropy`.
            reduction: see `Loss`.
            name: see `Loss`.
            dtype: see `Loss`.
        """
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.alpha = alpha
        self.gamma = gamma

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i)."""
        return self.call(y_true, y_pred).mean()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) to (batch,)."""
        target = self._smooth(y_true)
        logits = y_pred if self.from_logits else input_of(softmax, y_pred, self.axis)
        if logits is None:
            p = _clipped_shares(y_pred, self.axis)
            log_p, not_p = np.log(p), 1 - p
        else:
            log_p = log_softmax(logits, self.axis)
            not_p = -np.expm1(log_p)
        alpha = np.asarray(self.alpha, dtype=y_pred.dtype, like=plain(y_pred))
        return -np.sum(alpha * np.power(not_p, self.gamma) * target * log_p, axis=self.axis)


class SparseCategoricalCrossentropy(_ClassesLoss):
    """L = -ln p_y for an integer label y: the cross-entropy without a one-hot array.

    When the predictions come straight from a softmax, L is computed from the softmax's input in
    one stable op; otherwise probabilities are divided by their sum and clipped to
    [1e-7, 1 - 1e-7], as in Keras.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Choose what the predictions are.

        Args:
            from_logits: predictions are logits z with p = softmax(z), not probabilities.
            ignore_class: samples with this label (-1, say) have L = 0 and no gradient, and are
                not among the N of the mean.
            reduction: see `Loss`.
            axis: the axis of the classes.
            name: see `Loss`.
            dtype: see `Loss`.
        """
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def prepare_targets(self, y_true: Any, y_pred: Any) -> Any:
        """Labels as integers, of the predictions' shape without the axis of classes.

        Raises:
            ValueError: labels of another shape, or that are not whole numbers.
            TypeError: labels that are not numbers.
        """
        labels = plain(y_true)
        shape = _without_axis(y_pred.shape, self.axis)
        if labels.ndim == y_pred.ndim and labels.shape == _with_one(y_pred.shape, self.axis):
            labels = labels.reshape(shape)
        if labels.shape != shape or not y_pred.ndim:
            raise ValueError(
                f"{self} got targets of shape {labels.shape} for predictions of shape "
                f"{y_pred.shape}: it takes one integer label for each sample, shape {shape}; for "
                f"one-hot targets use categorical_crossentropy."
            )
        return labels if labels.dtype == np.intp else whole_labels(str(self), labels)

    def check_targets(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Refuse labels that are not one of the classes, `ignore_class` excepted."""
        given = on_host(plain(y_true))
        labels = self.prepare_targets(given, np.broadcast_to(np.float32(0), shape))
        counted = self.counted(labels)
        check_labels(labels if counted is None else labels[counted], shape[self.axis])

    def counted(self, y_true: Any) -> Any | None:
        """Which labels are not `ignore_class`."""
        return None if self.ignore_class is None else np.not_equal(y_true, self.ignore_class)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) to (batch,)."""
        counted = self.counted(y_true)
        labels = y_true if counted is None else np.where(counted, y_true, 0)
        losses = self._of_labels(labels, y_pred)
        return losses if counted is None else np.where(counted, losses, 0)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i), in one op from the logits."""
        logits, probabilities = self._see_through(y_pred)
        if logits is None:
            return super().mean(y_true, y_pred)
        return mean_sparse_softmax_crossentropy(y_true, logits, probabilities=probabilities)

    def _of_labels(self, labels: Any, y_pred: Any) -> Any:
        """-ln p at the labels."""
        logits, probabilities = self._see_through(y_pred)
        if logits is not None:
            return sparse_softmax_crossentropy(labels, logits, probabilities=probabilities)
        y_pred = self._classes_last(y_pred)
        if not is_on_gpu(labels):
            check_labels(labels, y_pred.shape[-1])
        chosen = np.take_along_axis(y_pred, labels[..., None], axis=-1)[..., 0]
        share = chosen / np.sum(y_pred, axis=-1)
        losses = -np.log(np.clip(share, EPSILON, 1 - EPSILON))
        if is_on_gpu(labels):  # where nobody may look whether they are classes
            known = (labels >= 0) & (labels < y_pred.shape[-1])
            losses = np.where(known, losses, np.nan)
        return losses


class Crossentropy(BuiltInLoss):
    """The cross-entropy that the shapes ask for, as Keras's `compile` resolves "crossentropy".

    Predictions with one output: binary; targets with an axis less, or a last one of length 1:
    sparse categorical; else categorical.
    """

    def check_targets(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Refuse what the loss that the shapes ask for refuses."""
        self._chosen(np.shape(plain(y_true)), shape).check_targets(y_true, shape)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; see `Loss`."""
        chosen = self._chosen(np.shape(plain(y_true)), np.shape(plain(y_pred)))
        return chosen(y_true, y_pred, sample_weight)

    def _chosen(self, targets: tuple[int, ...], predictions: tuple[int, ...]) -> Loss:
        """The loss that targets and predictions of these shapes ask for."""
        kind = kind_of_targets(targets, predictions)
        loss: Any = {
            "binary": BinaryCrossentropy,
            "sparse": SparseCategoricalCrossentropy,
            "categorical": CategoricalCrossentropy,
        }[kind]
        chosen: Loss = loss(reduction=self.reduction, name=self.name, dtype=self.dtype)
        return chosen


def whole_labels(owner: str, labels: Any) -> Any:
    """Labels of any numeric dtype as integers; on a GPU nobody looks for fractions.

    Raises:
        ValueError: a label that is not a whole number; `owner` is named in the message.
        TypeError: labels that are not numbers.
    """
    if labels.dtype.kind not in "biuf":
        raise TypeError(
            f"{owner} takes integer labels, got an array of {labels.dtype}: give each class a "
            f"number from 0 on."
        )
    if labels.dtype.kind == "f" and not is_on_gpu(labels):
        fractional = labels != np.floor(labels)
        if fractional.any():
            raise ValueError(
                f"{owner} takes integer labels, got {labels[fractional][0]}: labels are whole "
                f"numbers from 0 on."
            )
    return labels.astype(np.intp)


def _clipped_shares(y_pred: Any, axis: int) -> Any:
    """Probabilities divided by their sum and kept 1e-7 away from 0 and 1."""
    shares = y_pred / np.sum(y_pred, axis=axis, keepdims=True)
    return np.clip(shares, EPSILON, 1 - EPSILON)


def _without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _with_one(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis % len(shape) else length for i, length in enumerate(shape))


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The L of `CategoricalCrossentropy` for each sample."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis).each(y_true, y_pred)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | npt.ArrayLike = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The L of `CategoricalFocalCrossentropy` for each sample."""
    loss = CategoricalFocalCrossentropy(alpha, gamma, from_logits, label_smoothing, axis)
    return loss.each(y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """The L of `SparseCategoricalCrossentropy` for each sample; 0 where it is ignored."""
    loss = SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
    return loss.each(y_true, y_pred)
