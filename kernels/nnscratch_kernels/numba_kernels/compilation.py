"""The one way in which loops are compiled: same options, same private cache, and never in silence.

`fastmath` is a set that leaves NaN and infinity alone: with `True`, a check for NaN would be
compiled away. Divisions by zero give infinity or NaN, as in NumPy.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numba
import numba.core.config
import numba.core.event

from nnscratch_kernels import compile_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SETTINGS: Any = numba.core.config  # which makes its attributes at run time
_EVENTS: Any = numba.core.event

REORDERED = frozenset({"reassoc", "contract", "nsz", "arcp"})
"""What lets a loop be vectorised: sums in another order, products and sums in one instruction."""

EXACT = frozenset({"contract", "nsz"})
"""For error-free tricks, in which the order of operations matters."""


@overload
def compiled(function: Callable[..., Any]) -> Callable[..., Any]: ...


@overload
def compiled(
    *, fastmath: Collection[str] = REORDERED, inline: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...


def compiled(
    function: Callable[..., Any] | None = None,
    *,
    fastmath: Collection[str] = REORDERED,
    inline: bool = False,
) -> Any:
    """Decorate a loop over plain arrays and numbers, to have it compiled at its first call.

    Args:
        function: what to compile.
        fastmath: what the compiler may assume of floating-point numbers.
        inline: for what other compiled loops call: it becomes a part of them.
    """
    if function is None:
        return partial(compiled, fastmath=fastmath, inline=inline)
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": set(fastmath)}
    if inline:
        return numba.njit(inline="always", **options)(function)
    folder = compile_cache.folder()
    if folder is None:
        return numba.njit(nogil=True, **options)(function)
    # Numba reads its setting while it decorates; functions of the user's own are to stay apart.
    before, _SETTINGS.CACHE_DIR = _SETTINGS.CACHE_DIR, str(folder)
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    finally:
        _SETTINGS.CACHE_DIR = before


COMPILING = (
    "nnscratch: compiling kernels for this processor, which takes a few seconds once; "
    "`nnscratch warmup` compiles all of them in advance."
)


class _Announcement(numba.core.event.Listener):
    """Says once that the compiler is at work, so that nobody wonders what takes so long."""

    def __init__(self) -> None:
        self.made = False

    def on_start(self, event: Any) -> None:
        """A function that no cache has is about to be compiled."""
        module = event.data["dispatcher"].py_func.__module__ or ""
        if self.made or not module.startswith("nnscratch_kernels."):
            return
        self.made = True
        print(COMPILING, file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


ANNOUNCEMENT = _Announcement()
_EVENTS.register("numba:compile", ANNOUNCEMENT)
