"""Checks of what a layer's constructor is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.layers.layer import Layer


def number(
    layer: Layer, argument: str, value: Any, fits: Callable[[float], bool], wanted: str
) -> float:
    """`value` if it is a number that fits.

    Args:
        layer: named in the message.
        argument: what the constructor calls it.
        value: what was given.
        fits: whether a number may stand here.
        wanted: the same in words, such as "a number from 0 to 1".

    Raises:
        ValueError: no number, or one that does not fit.
    """
    if not isinstance(value, int | float | np.integer | np.floating) or not fits(float(value)):
        raise ValueError(f"Layer {layer.name!r} needs {wanted} for {argument}, got {value!r}.")
    return float(value)


def not_negative(layer: Layer, argument: str, value: Any) -> float:
    """`value` if it is a number from 0 up.

    Raises:
        ValueError: it is not.
    """
    return number(layer, argument, value, lambda n: n >= 0, "a number from 0 up")
