"""The table of thresholds in force: this machine's own, if `nnscratch tune` has measured it."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from nnscratch_kernels import folders
from nnscratch_kernels.thresholds import MEASURED, NEVER

if TYPE_CHECKING:
    from pathlib import Path

Table = dict[str, dict[str, int]]
"""For each kernel the smallest size for Numba, by the dtype's letter: "f" float32, "d" float64."""


def thresholds() -> Table:
    """The table in force, read once."""
    return _in_force()[0]


def source() -> str:
    """Where the table comes from, in words."""
    return _in_force()[1]


def path() -> Path:
    """The file of this machine's own table; several machines may share a home."""
    machine = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return folders.base() / f"thresholds-{machine or 'here'}.json"


def save(table: Table) -> Path:
    """Keep a measured table for the programs to come; returns its file."""
    import json

    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    partial.replace(target)
    _in_force.cache_clear()
    return target


@cache
def _in_force() -> tuple[Table, str]:
    shipped = {name: {"f": single, "d": double} for name, (single, double) in MEASURED.items()}
    try:
        file = path()
        there = file.exists()
    except (OSError, RuntimeError):  # no home, or one that may not be looked into
        there = False
    if not there:
        return shipped, "the table that comes with nnscratch"
    import json  # which only few programs need
    import warnings

    try:
        own = _checked(json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        warnings.warn(
            f"The thresholds in {file} cannot be used ({error}): run `nnscratch tune` again, or "
            f"remove the file.",
            stacklevel=2,
        )
        return shipped, "the table that comes with nnscratch"
    return {name: own.get(name, shipped[name]) for name in shipped}, "measured here by tune"


def _checked(read: Any) -> Table:
    good = isinstance(read, dict) and all(
        isinstance(entry, dict)
        and entry.keys() == {"f", "d"}
        and all(isinstance(n, int) and 0 <= n <= NEVER for n in entry.values())
        for entry in read.values()
    )
    if not good:
        raise ValueError("it is no table of sizes")
    return read  # type: ignore[no-any-return] # just seen
