"""From what a user hands to `fit` to batches of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch import random
from nnscratch.autograd import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator


class Batch(NamedTuple):
    """A slice of the data: inputs, and, where given, targets and sample weights."""

    x: Any
    y: Any = None
    sample_weight: Any = None


class ArrayData:
    """Inputs, targets and weights that are in memory, cut into batches."""

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        dtype: np.dtype[Any],
        batch_size: int | None = None,
    ) -> None:
        """Check the data and convert it once.

        Args:
            x: inputs, samples first: an array, a frame, a list, a tensor.
            y: targets, as many.
            sample_weight: weights, shape (samples,).
            dtype: what floating-point inputs are converted to.
            batch_size: samples in a batch, by default 32.

        Raises:
            ValueError: no samples, lengths that differ, NaN in the inputs.
            TypeError: text or objects where numbers are needed.
        """
        self.x = as_array("x", x, dtype)
        self.y = None if y is None else as_array("y", y)
        self.sample_weight = (
            None if sample_weight is None else as_array("sample_weight", sample_weight)
        )
        self.batch_size = 32 if batch_size is None else batch_size
        self.samples = len(self.x)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        if self.samples == 0:
            raise ValueError(f"x holds no samples (shape {self.x.shape}): give at least one row.")
        for name, values in (("y", self.y), ("sample_weight", self.sample_weight)):
            if values is not None and len(values) != self.samples:
                raise ValueError(
                    f"x has {self.samples} samples but {name} has {len(values)}: give one "
                    f"{name} for each row of x."
                )

    def __len__(self) -> int:
        """Number of batches; the last one may be smaller."""
        return -(-self.samples // self.batch_size)

    def batches(self, shuffle: bool = False) -> Iterator[Batch]:
        """One pass over the data; `shuffle` draws a new order from the global generator."""
        fields = (self.x, self.y, self.sample_weight)
        order = random.generator().permutation(self.samples) if shuffle else None
        for start in range(0, self.samples, self.batch_size):
            stop = start + self.batch_size
            if order is None:
                yield Batch(*(None if a is None else a[start:stop] for a in fields))
            else:
                chosen = order[start:stop]
                yield Batch(*(None if a is None else a.take(chosen, axis=0) for a in fields))

    def split(self, fraction: float) -> tuple[Batch, Batch]:
        """The first rows, and the last `fraction` of them, as in Keras.

        Raises:
            ValueError: a fraction outside (0, 1), or one that leaves a side empty.
        """
        at = int(np.floor(self.samples * (1.0 - fraction)))
        if not 0.0 < fraction < 1.0 or at == 0 or at == self.samples:
            raise ValueError(
                f"validation_split={fraction} leaves one side of {self.samples} samples empty: "
                f"choose a fraction between 0 and 1, or pass validation_data."
            )
        fields = (self.x, self.y, self.sample_weight)
        first = Batch(*(None if values is None else values[:at] for values in fields))
        last = Batch(*(None if values is None else values[at:] for values in fields))
        return first, last


def as_array(name: str, values: Any, dtype: np.dtype[Any] | None = None) -> Any:
    """Numbers as an array, floating-point ones in `dtype`.

    Raises:
        ValueError: NaN among them, or no sample axis.
        TypeError: text or objects.
    """
    array = values.data if isinstance(values, Tensor) else np.asarray(values)
    if array.dtype.kind == "O":
        array = _numbers(name, values, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} holds {array.dtype}, not numbers: encode text as numbers first, for example "
            f"with pandas.get_dummies or scikit-learn's OneHotEncoder."
        )
    if array.ndim == 0:
        raise ValueError(f"{name} needs an axis of samples, got a single number.")
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            rows = np.unique(np.nonzero(np.isnan(array))[0])
            raise ValueError(
                f"{name} holds NaN in {len(rows)} of {len(array)} rows (first: row {rows[0]}): "
                f"drop or fill missing values first."
            )
        if dtype is not None and array.dtype != dtype:
            array = array.astype(dtype)
    return array


def _numbers(name: str, values: Any, array: Any) -> Any:
    """Objects that are all numbers (a frame of mixed columns) as float64."""
    columns = getattr(values, "dtypes", None)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        which = ""
        if columns is not None and np.ndim(columns):
            which = f" in column {', '.join(str(c) for c, t in columns.items() if t.kind == 'O')}"
        raise TypeError(
            f"{name} holds text or objects{which}, not numbers: encode them as numbers first, for "
            f"example with pandas.get_dummies or scikit-learn's OneHotEncoder."
        ) from None
