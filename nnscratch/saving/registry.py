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
from nnscratch.configuration import Configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Table = dict[str, Callable[..., Any]]


def layer_table() -> Table:
    """What an architecture consists of, models excepted."""
    modules = (layers, initializers, regularizers, constraints)
    classes = {name: made for module in modules for name, made in _classes(module).items()}
    return dict(activations.ACTIVATIONS) | classes


def loss_table() -> Table:
    """Losses, and the functions that stand for them in `compile`."""
    return _functions(losses) | _classes(losses)


def metric_table() -> Table:
    """Metrics, and the functions that stand for them in `compile`."""
    return _functions(losses) | _functions(metrics) | _classes(metrics)


def optimizer_table() -> Table:
    """Optimizers and schedules."""
    return _classes(optimizers) | _classes(schedules)


def _classes(module: ModuleType) -> Table:
    """The classes that a module offers and that can be made from a configuration."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Configured)
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
