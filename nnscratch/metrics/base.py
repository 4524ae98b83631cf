"""Metric: what is common to all metrics, and how targets and weights are fitted to predictions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.configuration import Configured
from nnscratch.losses.base import plain
from nnscratch.naming import snake_case
from nnscratch_kernels import auto as kernels
from nnscratch_kernels.devices import checked_device, device_of, is_on_gpu, on_host, to_device

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt


class Metric(Configured):
    """Base of all metrics: subclass it, and write `update_state`, `result` and `reset_state`.

    Targets and predictions are arrays, tensors or lists, batch first; sums are kept in float64.
    Of arrays on a GPU the sums stay there until `result` is asked for.

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
        state = {name: hosted(value)[0] for name, value in vars(self).items()}
        return {name: value for name, value in state.items() if isinstance(value, kinds)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave.

        Raises:
            ValueError: the state of another metric.
        """
        if unknown := [name for name in state if name not in vars(self)]:
            raise ValueError(f"Metric {self.name!r} has no {unknown[0]!r} to go on from.")
        vars(self).update(state)

    def to(self, device: str) -> Self:
        """Move what was added up so far to a device, and give itself.

        Raises:
            ValueError: another name, or the number of a GPU that is not there.
            RuntimeError: no GPU, or no CuPy, with the remedy.
        """
        self._move(checked_device(device))
        return self

    def follow(self, predictions: Any) -> None:
        """Have what was added up so far where these predictions are."""
        if "cupy" in sys.modules:  # otherwise all is on the host
            self._move(device_of(predictions))

    def _move(self, device: str) -> None:
        for attribute, value in vars(self).items():
            if isinstance(value, np.ndarray) or is_on_gpu(value):
                vars(self)[attribute] = to_device(value, device)

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
    weights = plain(sample_weight).astype(np.float64, copy=False)
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


def hosted(*sums: Any) -> tuple[Any, ...]:
    """Sums as numbers and arrays of the host, in one copy, since each would wait for the GPU."""
    away = [value for value in sums if is_on_gpu(value)]
    if not away:
        return sums
    if len(away) == 1:
        copied = [away[0].get()]
    else:
        flat = on_host(np.concatenate([value.ravel() for value in away]))
        ends = np.cumsum([value.size for value in away])
        parts = zip(np.split(flat, ends[:-1]), away, strict=True)
        copied = [part.astype(value.dtype).reshape(value.shape) for part, value in parts]
    back = iter(copied)
    return tuple(next(back)[()] if is_on_gpu(value) else value for value in sums)


def sums_by_place(count: int, places: Any, *weights: Any) -> Any:
    """For each array of weights, `np.bincount(places, weights, count)`.

    Args:
        count: of places.
        places: integers from 0 to count - 1, shape (n,); on a GPU others do not count.
        weights: each of shape (n,), float64; None, on the CPU, counts.

    Returns:
        An array of shape (count,), float64, for each.
    """
    if not is_on_gpu(places):
        return [np.bincount(places, one, count) for one in weights]
    # CuPy's bincount would wait for the GPU.
    return kernels.embedding_scatter_add(np.stack(weights, axis=-1), places, count).T


def ratio(numerator: Any, denominator: Any) -> Any:
    """Elementwise quotient, 0 where the denominator is 0, as in Keras."""
    zero = denominator == 0
    return np.where(zero, 0.0, numerator / np.where(zero, 1.0, denominator))


def scalar_or_array(values: Any) -> Any:
    """One value as a float, several as the array that they are."""
    return float(values.reshape(())) if values.size == 1 else values
