"""Scaling of inputs as part of the model: Rescaling, Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch.layers.axes import check_lengths, feature_axes
from nnscratch.layers.shape_preserving import ShapePreserving
from nnscratch.ops.arguments import numbers
from nnscratch_kernels.devices import on_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LEAST_DEVIATION = 1e-7  # Keras's ε: a constant feature is not divided by zero
_ROWS_AT_ONCE = 65536  # so that a file larger than memory can be adapted to


class Rescaling(ShapePreserving):
    """y = scale · x + offset, as `keras.layers.Rescaling`: `Rescaling(1 / 255)` for images."""

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any) -> None:
        """Declare the layer.

        Args:
            scale: a number, or one for each feature.
            offset: a number, or one for each feature.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.scale = np.asarray(scale, self.dtype)
        self.offset = np.asarray(offset, self.dtype)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape; integers become floating-point numbers."""
        return self.floating(inputs) * self.scale + self.offset


class Normalization(ShapePreserving):
    """(x - mean) / standard deviation of each feature, as `keras.layers.Normalization`.

    Mean and variance are given, or `adapt` takes them from data; they are not trained. A deviation
    below 1e-7 counts as 1e-7.

    Attributes:
        mean: of each feature, in the order of `axis`.
        variance: of each feature, divided by n.
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            axis: the axis or axes of the features; None for one mean and variance of all numbers.
            mean: a number, or an array that broadcasts to the lengths of `axis`.
            variance: likewise; give both or neither.
            invert: whether to go back: x · standard deviation + mean.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: mean without variance or the reverse, a negative variance.
        """
        super().__init__(**options)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Layer {self.name!r} got only one of mean and variance: give both, or neither and "
                f"call adapt(data)."
            )
        if variance is not None and np.any(np.asarray(variance) < 0):
            raise ValueError(f"Layer {self.name!r} got a negative variance: {variance!r}.")
        self.axis = () if axis is None else axis
        self.invert = invert
        self._given = None if mean is None else (mean, variance)
        self.mean: Any = None
        self.variance: Any = None

    def build(self, input_shape: Any) -> None:
        """Make room for the statistics, or fit the given ones to `input_shape`.

        Raises:
            ValueError: axes that are not there or among them the batch axis; a given mean or
                variance that does not broadcast to their lengths.
        """
        self._axes = feature_axes(self, self.axis, input_shape)
        lengths = tuple(input_shape[axis] for axis in self._axes)
        along = tuple(n if i in self._axes else 1 for i, n in enumerate(input_shape))
        self._along = along[self._axes[0] :] if self._axes else ()
        if self._given is None:
            self.mean = self.add_weight(lengths, "zeros", trainable=False, name="mean")
            self.variance = self.add_weight(lengths, "ones", trainable=False, name="variance")
            return
        try:
            self.mean, self.variance = (
                np.broadcast_to(np.asarray(value, self.dtype), lengths) for value in self._given
            )
        except ValueError:
            shapes = " and ".join(str(np.shape(value)) for value in self._given)
            raise ValueError(
                f"Layer {self.name!r} got mean and variance of shapes {shapes} for features of "
                f"shape {lengths} along axis {self.axis}: the two must be broadcastable."
            ) from None

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data, in float64; a second call starts anew.

        Args:
            data: an array, a frame, nested lists; or any iterable of batches, each an array or a
                tuple that starts with one, such as `(x, y)`.

        Raises:
            TypeError: text or objects where numbers are needed.
            ValueError: no data, other features than the layer was built for, NaN or infinity, or
                mean and variance were given already. The statistics are as they were then.
        """
        if self._given is not None:
            raise ValueError(
                f"Layer {self.name!r} was given mean and variance: leave them away to adapt."
            )
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in self._batches(data):
            if not np.isfinite(batch).all():
                raise ValueError(
                    f"Layer {self.name!r} cannot adapt to data with NaN or infinite numbers: drop "
                    f"or fill them first."
                )
            batch_count, batch_mean, batch_variance = self._statistics(batch)
            share = batch_count / (count + batch_count)
            distance = batch_mean - mean
            variance = (  # Chan, Golub and LeVeque 1983: variances within, plus that between
                (1 - share) * variance + share * batch_variance + share * (1 - share) * distance**2
            )
            mean = mean + share * distance
            count += batch_count
        if not count:
            raise ValueError(f"Layer {self.name!r} cannot adapt to no data: give at least one row.")
        self.mean.assign(mean)
        self.variance.assign(variance)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape; integers become floating-point numbers.

        Raises:
            ValueError: other features than the layer was built for.
        """
        check_lengths(self, self._axes, inputs.shape)
        inputs = self.floating(inputs)
        mean = numbers(self.mean).reshape(self._along)
        deviation = np.maximum(np.sqrt(numbers(self.variance)), _LEAST_DEVIATION)
        deviation = deviation.reshape(self._along)
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def _batches(self, data: Any) -> Iterator[Any]:
        """Arrays of numbers with the samples first, each of which fits in memory."""
        if not _is_array(data) and not _is_nested_numbers(data):
            batches: Iterable[Any] = data
            for batch in batches:
                yield from self._batches(batch[0] if isinstance(batch, tuple) else batch)
            return
        array = np.asarray(on_host(data.data if isinstance(data, Tensor) else data))
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"Layer {self.name!r} adapts to numbers, got {array.dtype}: encode text as numbers "
                f"first."
            )
        if array.ndim == 0:
            raise ValueError(f"Layer {self.name!r} adapts to an array of samples, got one number.")
        if not array.size:
            return
        self.build_once((None, *array.shape[1:]))
        check_lengths(self, self._axes, array.shape)
        for start in range(0, len(array), _ROWS_AT_ONCE):
            yield array[start : start + _ROWS_AT_ONCE].astype(np.float64)

    def _statistics(self, batch: Any) -> tuple[int, Any, Any]:
        """How many numbers each feature has in a batch, their means and variances."""
        others = tuple(i for i in range(batch.ndim) if i not in self._axes)
        mean = np.mean(batch, axis=others)
        return batch.size // max(mean.size, 1), mean, np.var(batch, axis=others)


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape") or hasattr(data, "__array__")


def _is_nested_numbers(data: Any) -> bool:
    """Whether this is a list of numbers, or of lists of them, and not of batches."""
    if isinstance(data, list):
        return all(_is_nested_numbers(item) for item in data[:1])
    return isinstance(data, int | float | np.generic | str)
