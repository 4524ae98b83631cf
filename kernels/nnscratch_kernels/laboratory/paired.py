"""Paired timings: contestants take turns, so that a busy machine is as busy for each of them.

A contestant is a function that does its work once and returns the seconds it took (`wall` makes
one of any function). In every round each of them runs once, in an order that changes; what is
reported as a ratio is the median of the ratios within rounds, not a ratio of medians.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import dataclass
from functools import cache
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    Contestant = Callable[[], float]

SETTLE = 0.05  # seconds; OpenMP's threads spin for a while after their last work


@cache
def console() -> Console:
    """Where tables are printed: as wide as the terminal, or 110 columns in a file."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 110
    return Console(highlight=False, markup=False, width=width)


@dataclass(frozen=True)
class Timings:
    """What each contestant took in each round.

    Attributes:
        title: what was timed.
        seconds: for each contestant one number a round; the first contestant is ours.
        unit: what is shown, such as "µs a step".
        scale: what seconds are multiplied with to be in that unit.
    """

    title: str
    seconds: dict[str, list[float]]
    unit: str
    scale: float

    @property
    def ours(self) -> str:
        """The contestant that the others are compared with."""
        return next(iter(self.seconds))

    def median(self, name: str) -> float:
        """A contestant's median, in `unit`."""
        return self.scale * median(self.seconds[name])

    def ratios(self, peer: str) -> list[float]:
        """Our time divided by the peer's, round by round."""
        pairs = zip(self.seconds[self.ours], self.seconds[peer], strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def median_ratio(self, peer: str) -> float:
        """The median of the ratios to a peer."""
        return median(self.ratios(peer))

    def fastest(self, names: Sequence[str]) -> str:
        """Of several ways to do the same, the one with the lowest median."""
        return min(names, key=self.median)

    def table(self) -> Table:
        """Medians, quartiles and ratios, the fastest first."""
        from rich.table import Table

        table = Table(
            title=f"{self.title}, {len(self.seconds[self.ours])} rounds",
            caption=f"ratio: {self.ours} / contestant within a round; half of the rounds lie "
            f"in the middle half",
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("contestant")
        for column in (self.unit, "middle half", "ratio", "middle half"):
            table.add_column(column, justify="right", no_wrap=True)
        for name in sorted(self.seconds, key=self.median):
            times = [self.scale * seconds for seconds in self.seconds[name]]
            ratios = self.ratios(name)
            compared = ("", "") if name == self.ours else (_ratio(median(ratios)), _spread(ratios))
            table.add_row(name, f"{median(times):.4g}", _spread(times), *compared)
        return table

    def as_json(self) -> dict[str, object]:
        """Every number, for a file."""
        peers = [name for name in self.seconds if name != self.ours]
        return {
            "title": self.title,
            "seconds": self.seconds,
            "unit": self.unit,
            "scale": self.scale,
            "median": {name: self.median(name) for name in self.seconds},
            "median_ratio": {peer: self.median_ratio(peer) for peer in peers},
        }


def wall(work: Callable[[], object]) -> Contestant:
    """A contestant that runs `work` and reads the clock around it."""

    def contestant() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return contestant


def repeated(work: Callable[[], object], calls: int) -> Contestant:
    """A contestant that runs `work` several times and gives the mean time of a call.

    One more call comes first and does not count: it wakes the threads that rested while others had
    their turns, and brings its own arrays into the caches.
    """

    def contestant() -> float:
        work()
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - start) / calls

    return contestant


def take_turns(
    title: str,
    contestants: Mapping[str, Contestant],
    rounds: int,
    *,
    unit: str = "µs",
    scale: float = 1e6,
    settle: float = SETTLE,
) -> Timings:
    """Let contestants run in turns, after one round that warms up and does not count.

    Args:
        title: what is timed.
        contestants: by name, ours first.
        rounds: how often each of them runs.
        unit: what the table shows.
        scale: what seconds are multiplied with to be in `unit`.
        settle: seconds of rest before each turn.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        shift = number % len(names)
        order = names[shift:] + names[:shift]
        for name in order[:: 1 if number % 2 else -1]:  # nobody always follows the same one
            gc.collect()  # nobody pays for another's garbage,
            gc.freeze()  # nor for the size of another's modules,
            time.sleep(settle)  # nor for another's threads
            took = contestants[name]()
            if number:
                seconds[name].append(took)
    return Timings(title, seconds, unit, scale)


@dataclass(frozen=True)
class Goal:
    """What a ratio should be at most, and what it is.

    Attributes:
        text: the goal in words.
        at_most: the limit.
        measured: the median ratio.
        peer: the contestant that it was measured against.
    """

    text: str
    at_most: float
    measured: float
    peer: str

    @classmethod
    def against(cls, timings: Timings, peers: Sequence[str], text: str, at_most: float) -> Goal:
        """A goal against the fastest of several peers."""
        peer = timings.fastest(peers)
        return cls(text, at_most, timings.median_ratio(peer), peer)

    @property
    def reached(self) -> bool:
        """Whether the measured ratio keeps to the limit."""
        return self.measured <= self.at_most

    def as_json(self) -> dict[str, object]:
        """Every number, for a file."""
        return vars(self) | {"reached": self.reached}


def show_goals(goals: Sequence[Goal]) -> None:
    """Print goals beside what was measured."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Goals", title_justify="left")
    for column in ("goal", "at most", "measured", "against", ""):
        table.add_column(column)
    for goal in goals:
        verdict = Text("reached", "green") if goal.reached else Text("not reached", "red")
        measured = _ratio(goal.measured)
        table.add_row(goal.text, _ratio(goal.at_most), measured, goal.peer, verdict)
    console().print(table)


def save(
    path: Path, machine: dict[str, str], timings: Sequence[Timings], goals: Sequence[Goal]
) -> None:
    """Write every number as JSON."""
    content = {
        "machine": machine,
        "timings": [timing.as_json() for timing in timings],
        "goals": [goal.as_json() for goal in goals],
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio > 0.5 else f"{ratio:.3f} (1/{1 / ratio:.1f})"


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Half of the values lie between the first and the last of them; of one value, three times."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = quantiles(values, method="inclusive")
    return low, middle, high


def _spread(values: Sequence[float]) -> str:
    low, _, high = quartiles(values)
    return f"{low:.3g} to {high:.3g}"
