"""What a user hands to `fit`, as arrays of numbers: conversion, and errors that help."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch_kernels.devices import is_on_gpu


def at_least(least: int, name: str, value: object) -> int:
    """`value` if it is a whole number from `least` on.

    Raises:
        ValueError: it is not; the message names the argument.
    """
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def pair(held_out: Any) -> Any:
    """What `validation_data` was given, if it is `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(held_out, tuple | list) or len(held_out) not in (2, 3):
        raise TypeError(
            f"validation_data takes (x, y) or (x, y, sample_weight), got "
            f"{type(held_out).__name__}: write validation_data=(x_test, y_test)."
        )
    return held_out


def as_array(name: str, values: Any, dtype: np.dtype[Any] | None = None) -> Any:
    """Numbers as an array, floating-point ones in `dtype`; arrays on a GPU stay there.

    Raises:
        ValueError: NaN or infinity among them (also once in `dtype`), or no sample axis.
        TypeError: text or objects.
    """
    array = values.data if isinstance(values, Tensor) else _plain(name, values)
    if array.dtype.kind == "O":
        array = _numbers(name, values, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(_encode(name, "text" if array.dtype.kind in "US" else str(array.dtype)))
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
    if is_on_gpu(values):
        return values
    try:
        return np.asarray(values)
    except ValueError as error:
        why = str(error).rstrip(".")
        raise ValueError(f"{name} needs rows of equal length: {why}.") from None


def _refuse(name: str, array: Any, finite: Any) -> None:
    """Say which rows are not finite, and what to do."""
    missing = np.isnan(array)
    kind, wrong, remedy = (
        ("NaN", missing, "drop or fill missing values")
        if missing.any()
        else ("infinite numbers", ~finite, "drop or clip them, or scale what overflows float32")
    )
    rows = np.unique(np.nonzero(wrong)[0]).tolist()
    raise ValueError(
        f"{name} holds {kind} in {len(rows)} of {len(array)} rows (first: row {rows[0]}): "
        f"{remedy} first."
    )


def _numbers(name: str, values: Any, array: Any) -> Any:
    """Objects that are all numbers (a frame of mixed columns) as float64."""
    if (numbers := _as_numbers(array)) is not None:
        return numbers
    if callable(values):
        raise TypeError(f"{name} is a function, not numbers: call it, and give what it returns.")
    which = ""
    if hasattr(values, "columns"):  # a frame: look at each of its columns
        named = {name: _as_numbers(np.asarray(values[name])) for name in values.columns}
        wrong = [str(name) for name, column in named.items() if column is None]
        columns = [column for column in named.values() if column is not None]
        if not wrong and len(columns) == array.shape[1]:  # each name is there once
            return np.column_stack(columns)
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
    tools = (
        "pandas.factorize or scikit-learn's LabelEncoder"
        if name.endswith("y")
        else "pandas.get_dummies or scikit-learn's OneHotEncoder"
    )
    return (
        f"{name} holds {what}, not numbers: encode them as numbers first, for example with {tools}."
    )
