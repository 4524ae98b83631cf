"""Sums and means that stream over batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import plain
from nnscratch.metrics.base import Metric, spread_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


class Sum(Metric):
    """The weighted sum of what is added, Σ w v."""

    def __init__(self, name: str | None = None, dtype: npt.DTypeLike | None = None) -> None:
        """Name the metric; see `Metric`."""
        super().__init__(dtype, name)

    def reset_state(self) -> None:
        """Start anew."""
        self.total = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add numbers; weights have their shape or its leading axes."""
        values = self.numbers(values)
        if sample_weight is not None:
            values = values * spread_weights(self.name, sample_weight, values.shape)
        self.total += float(np.sum(values, dtype=np.float64))

    def result(self) -> float:
        """The sum so far."""
        return self.total


class Average(Metric):
    """What all means share: a weighted mean of samples, Σ w v / Σ w.

    A value with inner axes counts as one sample with the mean over those axes, as in Keras.
    """

    def __init__(self, name: str | None = None, dtype: npt.DTypeLike | None = None) -> None:
        """Name the metric; see `Metric`."""
        super().__init__(dtype, name)

    def reset_state(self) -> None:
        """Start anew."""
        self.total = 0.0
        self.count = 0.0

    def add(self, mean: float, count: float) -> None:
        """Add `count` values whose mean is `mean`."""
        self.total += mean * count
        self.count += count

    def add_values(self, values: Any, sample_weight: Any = None) -> None:
        """Add an array of values, samples first; a 0-d one is one sample.

        Args:
            values: numbers or booleans.
            sample_weight: weights of their shape or of its leading axes; an axis of one in either
                is dropped or repeated as needed.

        Raises:
            ValueError: weights of another shape.
        """
        if sample_weight is not None:
            self._add_weighted(values, np.asarray(plain(sample_weight), dtype=np.float64))
            return
        samples = values.shape[0] if values.ndim else 1
        if values.dtype == np.bool_:
            total = float(np.count_nonzero(values))
        else:
            total = float(np.add.reduce(values, axis=None, dtype=np.float64))
        self.total += total if values.size == samples else total * samples / values.size
        self.count += samples

    def _add_weighted(self, values: Any, weights: Any) -> None:
        if weights.shape == (*values.shape, 1):
            weights = weights[..., 0]
        inner = tuple(range(weights.ndim, values.ndim))
        values = np.mean(values, axis=inner, dtype=np.float64) if inner else values
        weights = spread_weights(self.name, weights, values.shape)
        rows = values.shape[0] if values.ndim else 1
        share = rows / values.size if values.size else 0.0
        self.total += float(np.sum(values * weights)) * share
        self.count += float(np.sum(weights)) * share

    def result(self) -> float:
        """The mean so far; 0 before anything was added, as in Keras."""
        return self.total / self.count if self.count else 0.0


class Mean(Average):
    """The weighted mean of what is added: Σ w v / Σ w."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add numbers, samples first; weights have their shape or its leading axes."""
        self.add_values(self.numbers(values), sample_weight)


class SampleMean(Average):
    """The mean of a number for each sample, which a subclass gives in `values`."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """One number for each sample, from plain arrays."""
        raise NotImplementedError(f"Metric {self.name!r} needs a values method.")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch."""
        self.add_values(self.values(plain(y_true), self.numbers(y_pred)), sample_weight)


class MeanMetricWrapper(SampleMean):
    """The mean of what a function of targets and predictions says of each sample."""

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        """Wrap a function.

        Args:
            fn: a function of `(y_true, y_pred)`, which are plain arrays.
            name: by default the function's.
            dtype: see `Metric`.
            **kwargs: further arguments of the function.
        """
        super().__init__(name or getattr(fn, "name", None) or getattr(fn, "__name__", None), dtype)
        self.fn = fn
        self.arguments = kwargs

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """What the function says of each sample."""
        return plain(self.fn(y_true, y_pred, **self.arguments))
