"""Names: strings that stand for classes, as in Keras, and names that layers get by themselves."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_used_names: Counter[str] = Counter()


def resolve(kind: str, name: str, table: Mapping[str, T]) -> T:
    """The entry of `table` called `name`, in snake_case or CamelCase.

    Raises:
        ValueError: there is none; the message lists the near matches.
    """
    for candidate in (name, snake_case(name), name.lower()):
        if candidate in table:
            return table[candidate]
    near = get_close_matches(snake_case(name), table, n=3) or sorted(table)
    raise ValueError(f"There is no {kind} called {name!r}; did you mean {' or '.join(near)}?")


def made(kind: str, identifier: Any) -> Callable[..., Any]:
    """`identifier` itself, or an object of it if it is a class, as in Keras.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(identifier):
        raise TypeError(
            f"{kind} is a name, an object or a function, got {identifier!r}: give one of these."
        )
    function: Callable[..., Any] = identifier() if isinstance(identifier, type) else identifier
    return function


def snake_case(name: str) -> str:
    """`BinaryCrossentropy` → `binary_crossentropy`."""
    separated = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name))
    return separated.lower()


def unique_name(base: str) -> str:
    """`dense`, then `dense_1`, `dense_2`, …, as Keras counts."""
    count = _used_names[base]
    _used_names[base] += 1
    return f"{base}_{count}" if count else base


def reserve_name(name: str) -> None:
    """Have `unique_name` never give `name`, which something that was loaded has."""
    base, _, number = name.rpartition("_")
    if not (base and number.isdecimal() and len(number) < 10):  # no count gets further
        base, number = name, "0"
    _used_names[base] = max(_used_names[base], int(number) + 1)


def forget_names() -> None:
    """Start counting names anew."""
    _used_names.clear()
