"""The processors of this machine, and how helping threads keep off the one that asks for help.

Linux wakes a thread on the processor where it ran last or on that of its waker, unless it knows of
an idle one beside them. In many virtual machines it does not: after a rest both threads then take
turns on one processor while another idles, and are slower than one thread alone.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def processor_count() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Helpers:
    """Threads that run anywhere but on the processor of the thread that they help."""

    def __init__(self) -> None:
        """Start without any."""
        self._threads: list[int] = []
        self._allowed: set[int] | None = None

    def join(self) -> None:
        """Make the calling thread one of them."""
        self._threads.append(threading.get_native_id())
        self._allowed = None

    def keep_off(self) -> None:
        """Leave the processor to the calling thread; nothing where the system has no say in it."""
        ask = _question()
        if ask is None:
            return
        with suppress(OSError):  # a sandbox forbids it, or a thread has ended
            here = ask()
            others = os.sched_getaffinity(0) - {here} or {here}
            if others == self._allowed:
                return
            self._allowed = others  # first, since a thread that joins meanwhile takes it back
            for thread in self._threads:
                os.sched_setaffinity(thread, others)


@cache
def _question() -> Callable[[], int] | None:
    """What tells the processor of the calling thread, where threads can be kept off it (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        import ctypes
    except ImportError:
        return None
    # PyDLL, since CDLL lets other threads of the program have the interpreter before it goes on.
    function: Callable[[], int] | None = getattr(ctypes.PyDLL(None), "sched_getcpu", None)
    return function
