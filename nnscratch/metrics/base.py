"""Metric: what is common to all metrics, and how targets and weights are fitted to predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.configuration import Configured
from nnscratch.losses.base import plain
from nnscratch.naming import snake_case

if TYPE_CHECKING:
    import numpy.typing as npt


class Metric(Configured):
    """Base of all metrics: subclass it, and write `update_state`, `result` and `reset_state`.

    Targets and predictions are arrays, tensors or lists, batch first; sums are kept in float64.

    Attributes:
        name: what logs call it.
        dtype: what the predictions are converted to; None leaves them as they are.
        direction: "up" if a higher value is better, "down" if a lower one is, None if nobody knows.
    """

    direction: str | None = None

    def __init__(self, dtype: npt.DTypeLike | None = None, name: str | None = None) -> None:
        """Name the metric and start anew, which calls `reset_state`.

        Args:
            dtype: dtype to compute in; None means that of the predictions.
            name: by default the class's name in snake_case.
        """
        self.name = name or snake_case(type(self).__name__)
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add one batch, as a rule `(y_true, y_pred, sample_weight=None)`."""
        raise NotImplementedError(f"Metric {self.name!r} needs an update_state method.")

    def result(self) -> Any:
        """The value over everything added since the last reset: a float or an array."""
        raise NotImplementedError(f"Metric {self.name!r} needs a result method.")

    def reset_state(self) -> None:
        """Start anew."""
        raise NotImplementedError(f"Metric {self.name!r} needs a reset_state method.")

    def get_state(self) -> dict[str, Any]:
        """What was added up so far, for a training that is interrupted: numbers and arrays."""
        kinds = int | float | np.generic | np.ndarray
        return {name: value for name, value in vars(self).items() if isinstance(value, kinds)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave.

        Raises:
            ValueError: the state of another metric.
        """
        if unknown := [name for name in state if name not in vars(self)]:
            raise ValueError(f"Metric {self.name!r} has no {unknown[0]!r} to go on from.")
        vars(self).update(state)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add one batch and give the value over everything added so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        """Show the name."""
        return f"<{type(self).__name__} {self.name!r}>"

    def numbers(self, y_pred: Any) -> Any:
        """Predictions (or values) as a plain array of the metric's dtype."""
        array = plain(y_pred)
        return array if self.dtype is None else array.astype(self.dtype, copy=False)


def shaped(metric: str, y_true: Any, shape: tuple[int, ...]) -> Any:
    """Targets as an array of `shape`: a last axis of one may be missing, or be too many.

    Raises:
        ValueError: another shape; the message names the metric.
    """
    targets = plain(y_true)
    if targets.shape == shape:
        return targets
    if (*targets.shape, 1) == shape or targets.shape == (*shape, 1):
        return targets.reshape(shape)
    raise ValueError(
        f"Metric {metric!r} got targets of shape {targets.shape} where the predictions ask for "
        f"{shape}: the two must be equal; check the last layer's units."
    )


def spread_weights(metric: str, sample_weight: Any, shape: tuple[int, ...]) -> Any:
    """Sample weights, whose axes are the leading ones of `shape`, broadcast to `shape`, float64.

    Raises:
        ValueError: another number of samples; the message names the metric.
    """
    weights = np.asarray(plain(sample_weight), dtype=np.float64)
    if weights.shape == (*shape, 1):
        weights = weights[..., 0]
    try:
        return np.broadcast_to(
            weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim)), shape
        )
    except ValueError:
        raise ValueError(
            f"Metric {metric!r} got sample weights of shape {weights.shape} for values of shape "
            f"{shape}: give one weight for each sample."
        ) from None


def ratio(numerator: Any, denominator: Any) -> Any:
    """Elementwise quotient, 0 where the denominator is 0, as in Keras."""
    zero = denominator == 0
    return np.where(zero, 0.0, numerator / np.where(zero, 1.0, denominator))


def scalar_or_array(values: Any) -> Any:
    """One value as a float, several as the array that they are."""
    return float(values.reshape(())) if values.size == 1 else values
