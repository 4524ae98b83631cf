"""Warns, which fails the build, of every public class or function without a place in the docs."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

from nnscratch.activations import ACTIVATIONS
from nnscratch.autograd import OPS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = (
    "nnscratch",
    "nnscratch.activations",
    "nnscratch.callbacks",
    "nnscratch.constraints",
    "nnscratch.explainer",
    "nnscratch.initializers",
    "nnscratch.layers",
    "nnscratch.losses",
    "nnscratch.metrics",
    "nnscratch.models",
    "nnscratch.optimizers",
    "nnscratch.plot",
    "nnscratch.random",
    "nnscratch.regularizers",
    "nnscratch.schedules",
    "nnscratch.sklearn",
    "nnscratch.utils",
    "nnscratch_kernels",
)

log = logging.getLogger(__name__)


def check(app: Any, env: Any) -> None:
    """Compare what the packages offer with what the reference and the tables describe."""
    described = {id(found) for found in map(look_up, env.get_domain("py").objects)}
    described |= {id(value) for value in (*OPS.values(), *ACTIVATIONS.values())}
    for package in PACKAGES:
        for name, value in public(import_module(package)):
            if id(value) not in described:
                log.warning("%s.%s is public, and no page of docs/api has it", package, name)


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The classes, functions and ops of a module: those of `__all__`, or those that it defines."""
    for name in getattr(module, "__all__", None) or vars(module):
        value = getattr(module, name)
        own = hasattr(module, "__all__") or getattr(value, "__module__", "") == module.__name__
        is_described = inspect.isclass(value) or inspect.isfunction(value) or value in OPS.values()
        if own and is_described and not name.startswith("_"):
            yield name, value


def look_up(name: str) -> Any:
    """The object of a dotted name; None if it is an attribute that only instances have."""
    module, _, rest = name.rpartition(".")
    names = [rest]
    while module:
        try:
            found = import_module(module)
        except ImportError:
            module, _, rest = module.rpartition(".")
            names.insert(0, rest)
            continue
        for part in names:
            found = getattr(found, part, None)
        return found
    return None


def setup(app: Any) -> dict[str, bool]:
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
