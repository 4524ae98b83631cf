"""JSON without its traps: no key twice, no bare NaN, no number that a file cannot give back."""

from __future__ import annotations

import json
import math
from typing import Any

_NOT_FINITE = ("nan", "inf", "-inf")


def render(value: Any) -> str:
    """A value as JSON text, all ASCII; NaN and infinity as `{"float": "nan"}`, and so on.

    Raises:
        TypeError: something that JSON cannot hold.
    """
    return json.dumps(_spelled(value), separators=(",", ":"), allow_nan=False)


def parse(text: str) -> Any:
    """The value that a JSON text stands for.

    Raises:
        ValueError: not JSON; a key that stands twice in one object; a bare NaN or infinity, a
            number too large for a float; nested too deeply.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _spelled(value: Any) -> Any:
    """The same value with words for the numbers that JSON lacks."""
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    if found.keys() == {"float"} and found["float"] in _NOT_FINITE:
        return float(found["float"])
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"it holds {digits:.40}, which is too large for a float")
    return number
