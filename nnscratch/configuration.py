"""What an object was made with, so that a file can say it and make the object again.

Layers, losses, metrics, optimizers, initializers and their kin note the arguments of their
constructor. A configuration is JSON: numbers, strings, lists, and for an object its class's name
with its own configuration. Loading makes only classes that are in a closed table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Known = Mapping[str, Callable[..., Any]]


class Configured:
    """Mixin: notes the constructor's arguments, and gives them as a configuration."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note the arguments before `__init__` sees them."""
        made = super().__new__(cls)
        object.__setattr__(made, "_arguments", (args, kwargs))
        return made

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as JSON can hold them."""
        import inspect  # slow to import, and needed for files alone

        args, kwargs = self._arguments
        bound = inspect.signature(type(self)).bind(*args, **kwargs)
        named: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            kind = inspect.signature(type(self)).parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[name] = value
        return {name: serialize(value) for name, value in named.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any], known: Known) -> Self:
        """Make an object from its configuration; `known` holds the classes it may name."""
        return cls(**{name: deserialize(value, known) for name, value in config.items()})


def class_name(cls: type) -> str:
    """What a file calls a class: with its family if it is ours, "initializers.Identity"."""
    package, *families = cls.__module__.split(".")
    return f"{families[0]}.{cls.__name__}" if package == "nnscratch" and families else cls.__name__


def serialize(value: Any) -> Any:
    """A value as JSON can hold it.

    Raises:
        TypeError: a value that JSON cannot hold, such as a function without a name.
    """
    if isinstance(value, Configured):
        return {"class_name": class_name(type(value)), "config": value.get_config()}
    if isinstance(value, dict):
        return {str(key): serialize(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [serialize(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, type) and issubclass(value, np.generic):
        return np.dtype(value).name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    name = getattr(value, "name", None) or getattr(value, "__name__", None)
    if callable(value) and name and name != "<lambda>":
        return {"function": name}
    raise TypeError(
        f"A configuration cannot hold {value!r}: use a name, number, array or named function."
    )


def deserialize(value: Any, known: Known) -> Any:
    """Undo `serialize`.

    Raises:
        ValueError: a class or function that is not in `known`.
    """
    if isinstance(value, dict):
        if value.keys() == {"class_name", "config"}:
            found = _look_up(value["class_name"], known)
            if not (isinstance(found, type) and issubclass(found, Configured)):
                raise ValueError(f"{value['class_name']!r} is not a class that a file may name.")
            return found.from_config(value["config"], known)
        if value.keys() == {"function"}:
            return _look_up(value["function"], known)
        return {key: deserialize(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [deserialize(item, known) for item in value]
    return value


def _look_up(name: Any, known: Known) -> Callable[..., Any]:
    if isinstance(name, str):
        for candidate in (name, name.rpartition(".")[2]):  # a table of one family names no families
            if candidate in known:
                return known[candidate]
    raise ValueError(
        f"The file names {name!r:.80}, which nnscratch does not have: pass it with "
        f"custom_objects={{{name!r:.80}: ...}} if it is yours."
    )
