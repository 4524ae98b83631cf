"""What `fit` was told, looked at before anything changes: numbers, fractions, class weights."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from nnscratch.training.arrays import at_least


def check_counts(options: dict[str, Any]) -> None:
    """Refuse options that must be None or a whole number from 1 on.

    Raises:
        ValueError: such an option; the message names it.
    """
    for name, value in options.items():
        if value is not None:
            at_least(1, name, value)


def check_validation_freq(validation_freq: Any) -> None:
    """Refuse what cannot say after which epochs to evaluate.

    Raises:
        ValueError: a number below 1.
        TypeError: neither a whole number nor a collection of them.
    """
    if isinstance(validation_freq, int | np.integer):
        at_least(1, "validation_freq", validation_freq)
    elif not isinstance(validation_freq, Collection) or isinstance(validation_freq, str):
        raise TypeError(
            f"validation_freq takes a whole number or a list of epochs, got {validation_freq!r}: "
            f"write for example validation_freq=2 or validation_freq=[1, 5, 10]."
        )


def check_validation_split(validation_split: Any) -> None:
    """Refuse what is not the share of rows to hold out; None is 0, as in Keras.

    Raises:
        TypeError: no number.
    """
    if not isinstance(validation_split, int | float | np.number | None):
        raise TypeError(
            f"validation_split takes a fraction between 0 and 1, got {validation_split!r}: write "
            f"for example validation_split=0.2."
        )


def check_class_weight(class_weight: Any) -> None:
    """Refuse what cannot say how much each class weighs.

    Raises:
        TypeError: no dictionary of numbers.
        ValueError: NaN or infinite numbers.
    """
    if not isinstance(class_weight, dict) or not all(
        isinstance(weight, int | float | np.number) for weight in class_weight.values()
    ):
        raise TypeError(
            f"class_weight takes a dictionary with a number for each class, got "
            f"{class_weight!r:.80}: write for example class_weight={{0: 1.0, 1: 2.5}}."
        )
    if not np.isfinite(list(class_weight.values())).all():
        raise ValueError(
            f"class_weight has a number that is not finite, got {class_weight!r:.80}: give every "
            f"class a finite one."
        )
