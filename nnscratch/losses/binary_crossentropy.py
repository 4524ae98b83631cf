"""Cross-entropies of yes-or-no outputs, each with a probability of its own.

When the predictions come straight from a sigmoid, whose output is on the tape, the loss is computed
from the sigmoid's input z in one stable op, whose gradient is σ(z) - y; so it is with
`from_logits=True`. Otherwise probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import EPSILON, BuiltInLoss, input_of, plain
from nnscratch.ops.crossentropy import (
    binary_crossentropy_from_logits,
    mean_binary_crossentropy_from_logits,
)
from nnscratch.ops.special import sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt


class BinaryCrossentropy(BuiltInLoss):
    """L = mean over outputs of -y ln p - (1 - y) ln(1 - p), the cross-entropy of two classes.

    When the predictions come straight from a sigmoid, L is computed from the sigmoid's input in
    one stable op; otherwise probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.
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
            from_logits: predictions are logits z with p = σ(z), not probabilities.
            label_smoothing: s in [0, 1] moves targets towards 1/2: y (1 - s) + s/2.
            axis: the axis of the outputs, over which L is a mean.
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

    def check_targets(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Refuse targets outside [0, 1] by more than rounding, such as labels of three classes."""
        targets = plain(y_true)
        for worst in (targets.min(), targets.max()):
            if not -1e-6 <= worst <= 1 + 1e-6:
                raise ValueError(
                    f"{self} got the target {worst}: targets are 0 or 1, or probabilities; for "
                    f"more than two classes use sparse_categorical_crossentropy, with a unit for "
                    f"each class."
                )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(self._elementwise(y_true, y_pred), axis=self.axis)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i), in one op from the logits."""
        logits, probabilities = self._see_through(y_pred)
        if logits is None:
            return super().mean(y_true, y_pred)
        target = self._smooth(y_true)
        return mean_binary_crossentropy_from_logits(target, logits, probabilities=probabilities)

    def of_single_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """(batch,) to (batch,); a reshape would hide the sigmoid."""
        return self._elementwise(y_true, y_pred)

    def _elementwise(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every single output."""
        target = self._smooth(y_true)
        logits, probabilities = self._see_through(y_pred)
        if logits is not None:
            return binary_crossentropy_from_logits(target, logits, probabilities=probabilities)
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return -target * np.log(p) - (1 - target) * np.log(1 - p)

    def _see_through(self, y_pred: Any) -> tuple[Any, Any]:
        """The logits if they are known, and the probabilities if those are known then."""
        if self.from_logits:
            return y_pred, None
        logits = input_of(sigmoid, y_pred)
        return (None, None) if logits is None else (logits, y_pred.data)

    def _smooth(self, y_true: Any) -> Any:
        smoothing = self.label_smoothing
        return y_true * (1 - smoothing) + 0.5 * smoothing if smoothing else y_true


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """L = mean over outputs of w (1 - p_t)^γ times the binary cross-entropy (Lin et al. 2017).

    p_t is the probability of what is right, so that easy samples weigh little. w is 1, with
    `apply_class_balancing` α for the class 1 and 1 - α for the class 0.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
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
            apply_class_balancing: weigh the classes by α.
            alpha: α, the weight of the class 1.
            gamma: γ, 0 for the plain cross-entropy.
            from_logits: see `BinaryCrossentropy`.
            label_smoothing: see `BinaryCrossentropy`.
            axis: see `BinaryCrossentropy`.
            reduction: see `Loss`.
            name: see `Loss`.
            dtype: see `Loss`.
        """
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """(1/N) Σ L(y_i, ŷ_i)."""
        return self.call(y_true, y_pred).mean()

    def _elementwise(self, y_true: Any, y_pred: Any) -> Any:
        target = self._smooth(y_true)
        logits, _ = self._see_through(y_pred)
        if logits is None:
            p, not_p = y_pred, 1 - y_pred
        else:
            p, not_p = sigmoid(logits), sigmoid(-logits)
        wrong = target * not_p + (1 - target) * p
        loss = np.power(wrong, self.gamma) * super()._elementwise(y_true, y_pred)
        if self.apply_class_balancing:
            return (target * self.alpha + (1 - target) * (1 - self.alpha)) * loss
        return loss


def checked_smoothing(label_smoothing: float) -> float:
    """`label_smoothing` if it lies in [0, 1].

    Raises:
        ValueError: it does not.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing lies between 0 and 1, got {label_smoothing!r}.")
    return label_smoothing


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The L of `BinaryCrossentropy` for each sample."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis).each(y_true, y_pred)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The L of `BinaryFocalCrossentropy` for each sample."""
    loss = BinaryFocalCrossentropy(
        apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis
    )
    return loss.each(y_true, y_pred)
