"""Finding a kernel by name among the modules of a package, which load when first needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def find_kernel(package: str, subjects: Iterable[str], name: str) -> Any:
    """The kernel of this name.

    Raises:
        AttributeError: no module of the package defines it.
    """
    if not name.startswith("_"):
        for subject in subjects:
            kernel = vars(import_module(f"{package}.{subject}")).get(name)
            if getattr(kernel, "__module__", None) == f"{package}.{subject}":
                return kernel
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def kernel_names(package: str, subjects: Iterable[str]) -> list[str]:
    """The names of all kernels, sorted."""
    return sorted(
        name
        for subject in subjects
        for name, value in vars(import_module(f"{package}.{subject}")).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", None) == f"{package}.{subject}"
    )
