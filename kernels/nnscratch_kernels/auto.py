"""Every kernel by name, each call on the implementation that dispatch chooses.

from nnscratch_kernels import auto
auto.gelu(x)
"""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.dispatch import dispatched


def __getattr__(name: str) -> Any:
    """The kernel of this name, made once."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kernel = globals()[name] = dispatched(getattr(numpy_kernels, name))
    return kernel


def __dir__() -> list[str]:
    """The names of all kernels."""
    return dir(numpy_kernels)
