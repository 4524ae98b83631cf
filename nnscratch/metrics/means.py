"""Sums and means that stream over batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.losses.base import plain
from nnscratch.metrics.base import Metric, hosted, spread_weights
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


class _Streamed(Metric):
    """What sums and means share: a total and a count, Python's numbers.

    What a batch on a GPU adds is fetched when somebody asks: until then nothing waits for it.
    """

    def __init__(self, name: str | None = None, dtype: npt.DTypeLike | None = None) -> None:
        """Name the metric; see `Metric`."""
        super().__init__(dtype, name)

    def reset_state(self) -> None:
        """Start anew."""
        self.total = 0.0
        self.count = 0.0
        self._on_gpu: list[tuple[Any, float, Any, float]] = []

    def get_state(self) -> dict[str, Any]:
        """What was added up so far; see `Metric`."""
        self.settle()
        return super().get_state()

    def settle(self) -> None:
        """Add what is still on a GPU."""
        batches, self._on_gpu = self._on_gpu, []
        sums = hosted(*(value for total, _, count, _ in batches for value in (total, count)))
        pairs = zip(sums[::2], sums[1::2], strict=True)
        for (total, count), (_, factor, _, count_factor) in zip(pairs, batches, strict=True):
            self._add(total, factor, count, count_factor)

    def _add(self, total: Any, factor: float, count: Any, count_factor: float = 1.0) -> None:
        """Add a total and a count, each times a factor; both may be arrays of shape ()."""
        if is_on_gpu(total):
            self._on_gpu.append((total, factor, count, count_factor))
        else:
            self.total += float(total) * factor
            self.count += float(count) * count_factor

    def _move(self, device: str) -> None:
        self.settle()


class Sum(_Streamed):
    """The weighted sum of what is added, Σ w v."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add numbers; weights have their shape or its leading axes."""
        values = self.numbers(values)
        if sample_weight is not None:
            values = values * spread_weights(self.name, sample_weight, values.shape)
        self._add(np.sum(values, dtype=np.float64), 1.0, 0.0)

    def result(self) -> float:
        """The sum so far."""
        if self._on_gpu:
            self.settle()
        return self.total


class Average(_Streamed):
    """What all means share: a weighted mean of samples, Σ w v / Σ w.

    A value with inner axes counts as one sample with the mean over those axes, as in Keras.
    """

    def add(self, mean: Any, count: float) -> None:
        """Add `count` values whose mean is `mean`, a number or an array of shape () on a GPU."""
        if type(mean) is not float:
            self._add(mean, count, count)
            return
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
            self._add_weighted(values, plain(sample_weight).astype(np.float64, copy=False))
            return
        samples = values.shape[0] if values.ndim else 1
        if values.dtype == np.bool_:
            total: Any = np.count_nonzero(values)
        else:
            total = np.add.reduce(values, axis=None, dtype=np.float64)
        if type(values) is not np.ndarray and is_on_gpu(values):
            self._add(total, samples / values.size if samples else 1.0, samples)
            return
        total = float(total)
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
        self._add(np.sum(values * weights), share, np.sum(weights), share)

    def result(self) -> float:
        """The mean so far; 0 before anything was added, as in Keras."""
        if self._on_gpu:
            self.settle()
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
