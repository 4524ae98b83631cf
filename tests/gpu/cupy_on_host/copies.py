"""Count what goes between the device and the host, and from where it was asked for."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

HERE = str(Path(__file__).parent)


@dataclass
class HostCopies:
    """What happened in a block, each time as "what, at file:line"."""

    copies: list[str] = field(default_factory=list)
    """Copies of arrays to the host: `get`, `item`, `float(x)`, `if x`, printing."""
    synchronizations: list[str] = field(default_factory=list)
    """Numbers that CuPy itself must read from the device: how many elements a mask selects."""
    uploads: list[str] = field(default_factory=list)
    """Copies of arrays of the host to the device."""


_WATCHERS: list[HostCopies] = []


@contextmanager
def count_host_copies() -> Iterator[HostCopies]:
    """Count what is copied in the block."""
    counted = HostCopies()
    _WATCHERS.append(counted)
    try:
        yield counted
    finally:
        _WATCHERS.remove(counted)


def copied_to_host(what: str) -> None:
    """An array has been copied to the host by `what`."""
    for watcher in _WATCHERS:
        watcher.copies.append(_place(what))


def synchronized(what: str) -> None:
    """The device had to be waited for in `what`."""
    for watcher in _WATCHERS:
        watcher.synchronizations.append(_place(what))


def uploaded(what: str) -> None:
    """An array of the host has been copied to the device by `what`."""
    for watcher in _WATCHERS:
        watcher.uploads.append(_place(what))


def _place(what: str) -> str:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(HERE) and "/numpy/" not in name:
            return f"{what}, at {name}:{frame.f_lineno}"
        frame = frame.f_back
    return what
