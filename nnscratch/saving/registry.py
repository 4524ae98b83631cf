"""The closed table of what a file may name: nnscratch's own classes and functions, no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from nnscratch.configuration import Configured, class_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Table = dict[str, Callable[..., Any]]

FAMILIES = (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)


def known_objects() -> Table:
    """Every class below models by the name that files use, and every activation and loss."""
    functions = dict(activations.ACTIVATIONS) | _functions(losses) | _functions(metrics)
    return functions | {name: cls for family in FAMILIES for name, cls in _classes(family).items()}


def _classes(module: ModuleType) -> Table:
    """The classes that a module offers and that can be made from a configuration."""
    return {
        class_name(value): value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Configured) and value is not Configured
    }


def _functions(module: ModuleType) -> Table:
    """The functions that a package's modules define; those of the package itself look things up."""
    return {
        name: value
        for name, value in vars(module).items()
        if not isinstance(value, type)
        and callable(value)
        and getattr(value, "__module__", "").startswith(f"{module.__name__}.")
    }
