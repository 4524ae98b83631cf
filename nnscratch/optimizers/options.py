"""What every optimizer can do beside its own update, and the checks of the numbers given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, TypeGuard

import numpy as np

LearningRate = float | Callable[..., float]
"""A number, a schedule, or a function without arguments."""


class Options(TypedDict, total=False):
    """The options of every optimizer, passed on to `Optimizer`, which explains them."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


def not_negative(name: str, value: object) -> float:
    """`value` as a Python float, since a NumPy float64 would widen a float32 step.

    Raises:
        ValueError: not a finite number of at least 0.
    """
    if _is_number(value) and 0 <= float(value) < np.inf:
        return float(value)
    raise ValueError(f"{name} must be a number of at least 0, got {value!r}.")


def fraction(name: str, value: object) -> float:
    """`value` as a Python float.

    Raises:
        ValueError: not a number from 0 to 1.
    """
    if _is_number(value) and 0 <= float(value) <= 1:
        return float(value)
    raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")


def decay(name: str, value: object) -> float:
    """`value` as a Python float, if a running mean can be corrected for its start with it.

    Raises:
        ValueError: not a number in [0, 1).
    """
    if _is_number(value) and 0 <= float(value) < 1:
        return float(value)
    raise ValueError(f"{name} must be a number from 0 to below 1, got {value!r}.")


def positive(name: str, value: object, wanted: str = "a positive number") -> float:
    """`value` as a Python float.

    Raises:
        ValueError: not a positive finite number; the message says that `wanted` is.
    """
    if _is_number(value) and 0 < float(value) < np.inf:
        return float(value)
    raise ValueError(f"{name} must be {wanted}, got {value!r}.")


def positive_or_none(name: str, value: object) -> float | None:
    """`value` as a Python float, or None.

    Raises:
        ValueError: neither None nor a positive finite number.
    """
    return None if value is None else positive(name, value, "a positive number or None")


def steps_or_none(name: str, value: object, least: int) -> int | None:
    """`value` as a Python int, or None for None and 0, as in Keras.

    Raises:
        ValueError: neither None nor an integer of at least `least`.
    """
    if value is None or value == 0:
        return None
    if isinstance(value, int | np.integer) and value >= least:
        return int(value)
    raise ValueError(f"{name} must be an integer of at least {least} or None, got {value!r}.")


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, np.ndarray):
        return value.shape == () and value.dtype.kind in "iuf"
    return isinstance(value, int | float | np.number)
