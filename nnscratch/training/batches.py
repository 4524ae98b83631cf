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
        part: str = "",
    ) -> None:
        """Check the data and convert it once.

        Args:
            x: inputs, samples first: an array, a frame, a list, a tensor.
            y: targets, as many.
            sample_weight: weights, shape (samples,).
            dtype: what floating-point inputs are converted to.
            batch_size: samples in a batch, by default 32.
            part: what error messages put before "x", such as "validation ".

        Raises:
            ValueError: no samples, lengths that differ, NaN or infinite numbers.
            TypeError: text or objects where numbers are needed.
        """
        self.dtype = dtype
        self.x = as_array(f"{part}x", x, dtype)
        self.y = None if y is None else as_array(f"{part}y", y)
        self.sample_weight = (
            None if sample_weight is None else as_array(f"{part}sample_weight", sample_weight)
        )
        self.batch_size = at_least(1, "batch_size", 32 if batch_size is None else batch_size)
        self.samples = len(self.x)
        if self.samples == 0:
            raise ValueError(
                f"{part}x holds no samples (shape {self.x.shape}): give at least one row."
            )
        for name, values in (("y", self.y), ("sample_weight", self.sample_weight)):
            if values is not None and len(values) != self.samples:
                raise ValueError(
                    f"{part}x has {self.samples} samples but {part}{name} has {len(values)}: give "
                    f"one {name} for each row of x."
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

    def validation(self, held_out: Any) -> ArrayData:
        """Held-out data of the same kind, from `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            TypeError: not such a tuple.
            ValueError: samples of another shape than those to train on.
        """
        if not isinstance(held_out, tuple | list) or len(held_out) not in (2, 3):
            raise TypeError(
                f"validation_data takes (x, y) or (x, y, sample_weight), got "
                f"{type(held_out).__name__}: write validation_data=(x_test, y_test)."
            )
        data = ArrayData(
            *held_out, dtype=self.dtype, batch_size=self.batch_size, part="validation "
        )
        for name, own, other in (("x", self.x, data.x), ("y", self.y, data.y)):
            if own is not None and other is not None and _sample(own) != _sample(other):
                raise ValueError(
                    f"{name} has shape {own.shape} but validation {name} has {other.shape}: only "
                    f"the number of samples may differ."
                )
        return data

    def split(self, fraction: float) -> tuple[ArrayData, ArrayData]:
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
        first, last = (
            ArrayData(
                *(None if values is None else values[rows] for values in fields),
                dtype=self.dtype,
                batch_size=self.batch_size,
            )
            for rows in (slice(None, at), slice(at, None))
        )
        return first, last


def at_least(least: int, name: str, value: object) -> int:
    """`value` if it is a whole number from `least` on.

    Raises:
        ValueError: it is not; the message names the argument.
    """
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def as_array(name: str, values: Any, dtype: np.dtype[Any] | None = None) -> Any:
    """Numbers as an array, floating-point ones in `dtype`.

    Raises:
        ValueError: NaN or infinity among them (also once in `dtype`), or no sample axis.
        TypeError: text or objects.
    """
    array = values.data if isinstance(values, Tensor) else _plain(name, values)
    if array.dtype.kind == "O":
        array = _numbers(name, values, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(_encode(name, str(array.dtype)))
    if array.ndim == 0:
        raise ValueError(f"{name} needs an axis of samples, got a single number: write [number].")
    if array.dtype.kind == "f":
        if dtype is not None and array.dtype != dtype:
            with np.errstate(over="ignore"):  # told of below
                array = array.astype(dtype)
        finite = np.isfinite(array)
        if not finite.all():
            _refuse(name, array, finite)
    return array


def _plain(name: str, values: Any) -> Any:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} needs rows of equal length: {error}.") from None


def _refuse(name: str, array: Any, finite: Any) -> None:
    """Say which rows are not finite, and what to do."""
    missing = np.isnan(array)
    kind, wrong, remedy = (
        ("NaN", missing, "drop or fill missing values")
        if missing.any()
        else ("infinite numbers", ~finite, "drop or clip them, or scale what overflows float32")
    )
    rows = np.unique(np.nonzero(wrong)[0])
    raise ValueError(
        f"{name} holds {kind} in {len(rows)} of {len(array)} rows (first: row {rows[0]}): "
        f"{remedy} first."
    )


def _numbers(name: str, values: Any, array: Any) -> Any:
    """Objects that are all numbers (a frame of mixed columns) as float64."""
    if (numbers := _as_numbers(array)) is not None:
        return numbers
    which = ""
    if hasattr(values, "columns"):  # a frame: say which of its columns
        arrays = [(column, np.asarray(values[column])) for column in values.columns]
        wrong = [str(column) for column, array in arrays if _as_numbers(array) is None]
        which = f" in column {', '.join(wrong)}"
    raise TypeError(_encode(name, f"text or objects{which}"))


def _as_numbers(array: Any) -> Any | None:
    """As float64; None if something is no number, such as a text that spells one."""
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind != "O" or any(isinstance(value, str | bytes) for value in array.flat):
        return None
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        return None


def _encode(name: str, what: str) -> str:
    return (
        f"{name} holds {what}, not numbers: encode them as numbers first, for example with "
        f"pandas.get_dummies or scikit-learn's OneHotEncoder."
    )


def _sample(array: Any) -> tuple[int, ...]:
    """Shape of one sample; (1,) is the same as ()."""
    return tuple(array.shape[1:-1] if array.shape[1:][-1:] == (1,) else array.shape[1:])
