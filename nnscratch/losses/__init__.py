"""Losses, with Keras's names, defaults and formulas (`keras.losses` 3.15.1).

Every loss is a mean over samples,

    loss = (1/N) Σ L(y_i, ŷ_i),

where L is the class's formula; `base` holds the mean, the other modules the formulas, one family
each. `losses.get("mse")` gives a loss by name; `losses.mean_squared_error(y, p)` and its like give
the L of each sample.

A sigmoid or softmax that feeds its cross-entropy is seen through: the loss is computed from the
logits in one op, which neither overflows nor clips, and whose gradient is p - y.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.losses.base import EPSILON, REDUCTIONS, Loss, LossFunctionWrapper
from nnscratch.losses.binary_crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
)
from nnscratch.losses.categorical_crossentropy import (
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Crossentropy,
    SparseCategoricalCrossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    sparse_categorical_crossentropy,
)
from nnscratch.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from nnscratch.losses.overlap import Dice, Tversky, dice, tversky
from nnscratch.losses.probabilistic import KLDivergence, Poisson, kl_divergence, poisson
from nnscratch.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from nnscratch.naming import made, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES: dict[Callable[..., Any], type[Loss]] = {
    binary_crossentropy: BinaryCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    categorical_hinge: CategoricalHinge,
    cosine_similarity: CosineSimilarity,
    dice: Dice,
    hinge: Hinge,
    huber: Huber,
    kl_divergence: KLDivergence,
    log_cosh: LogCosh,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_error: MeanSquaredError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    poisson: Poisson,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    squared_hinge: SquaredHinge,
    tversky: Tversky,
}

LOSSES: dict[str, type[Loss]] = {function.__name__: loss for function, loss in _CLASSES.items()} | {
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
    "crossentropy": Crossentropy,
    "ce": Crossentropy,
}
"""What the strings mean. The last two are those of Keras's `compile`, resolved by the shapes."""


def get(identifier: str | Loss | Callable[..., Any]) -> Loss:
    """A loss from its name, itself, or a function of `(y_true, y_pred)` giving each sample's loss.

    Raises:
        ValueError: no loss has this name; the message lists the near matches.
        TypeError: neither a name, a loss nor a function.
    """
    if isinstance(identifier, str):
        return resolve("loss", identifier, LOSSES)()
    loss: Any = made("loss", identifier)
    if isinstance(loss, Loss):
        return loss
    return _CLASSES[loss]() if loss in _CLASSES else LossFunctionWrapper(loss)


__all__ = [
    "EPSILON",
    "LOSSES",
    "REDUCTIONS",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Crossentropy",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
