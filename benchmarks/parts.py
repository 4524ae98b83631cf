"""What every script that compares has: parts to choose from, tables, goals, and numbers as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import machine

from nnscratch_kernels.laboratory.paired import Goal, Timings, console, save, show_goals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Result = tuple[list[Timings], list[Goal]]


def run(description: str, parts: Mapping[str, Callable[[], Result]]) -> None:
    """Time the parts that were asked for on the command line, print tables and goals.

    Args:
        description: the script's docstring; `--help` shows its first line.
        parts: by the name that they are asked for by; all of them where none is named.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(parts)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.parts) - set(parts))
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}: the parts are {', '.join(parts)}.")
    described = machine.describe()
    for name, value in described.items():
        console().print(f"{name}: {value}")
    timings: list[Timings] = []
    goals: list[Goal] = []
    for part in arguments.parts or parts:
        part_timings, part_goals = parts[part]()
        for timing in part_timings:
            console().print(timing.table())
        timings += part_timings
        goals += part_goals
    show_goals(goals)
    if arguments.json:
        save(arguments.json, described, timings, goals)


def in_words(threads: int) -> str:
    """How a row says how many threads its contestant has."""
    return f"{threads} thread{'s' if threads > 1 else ''}"
