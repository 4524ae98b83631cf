"""Measuring a kernel beside its peers and beside this machine's limits.

The contestants of a case take turns, with as many threads each. A first call, which compiles or
loads, is timed apart.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.laboratory import cases, contestants
from nnscratch_kernels.laboratory.paired import SETTLE, Timings, repeated, take_turns
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscratch_kernels.laboratory.cases import Case
    from nnscratch_kernels.laboratory.ceilings import Ceilings

TURN = 2e-3  # seconds that a turn takes at least: short calls are repeated
SECONDS = 1.0  # that a case takes, about
ROUNDS = (5, 31)


@dataclass(frozen=True)
class Measurement:
    """A case as it was measured.

    Attributes:
        case: its name.
        count: about how many elements it has.
        dtype: its dtype's name.
        timings: what each contestant took for a call, round by round.
        first: seconds of each contestant's first call.
        operations: floating-point operations of a call.
        moved: bytes of a call.
        least: seconds that the machine needs at least.
    """

    case: str
    count: int
    dtype: str
    timings: Timings
    first: dict[str, float]
    operations: float
    moved: float
    least: float

    def seconds(self, contestant: str) -> float:
        """The median of a contestant's rounds."""
        return median(self.timings.seconds[contestant])

    def share(self, contestant: str) -> float:
        """How near a contestant comes to the machine's limit; above 1 where caches help."""
        return self.least / self.seconds(contestant)

    def as_json(self) -> dict[str, object]:
        """Every number, for a file."""
        return {
            "case": self.case,
            "count": self.count,
            "dtype": self.dtype,
            "first_call": self.first,
            "operations": self.operations,
            "bytes": self.moved,
            "roofline_seconds": self.least,
            **self.timings.as_json(),
        }


def measure(
    name: str,
    count: int,
    dtype: str,
    ceilings: Ceilings,
    *,
    backends: Sequence[str] = ("numpy", "numba"),
    against: Sequence[str] = (),
    seconds: float = SECONDS,
) -> Measurement:
    """Measure one case with all of its contestants.

    Args:
        name: of the case.
        count: about how many elements.
        dtype: "float32" or "float64".
        ceilings: the machine's limits.
        backends: of `contestants.BACKENDS`; the last that has the kernel is "ours" in ratios.
        against: of `contestants.PEERS`.
        seconds: how long it may take, about.

    Raises:
        ValueError: nobody has this kernel.
        MissingPackageError: a peer is not installed.
    """
    case = cases.make_case(name, count, np.dtype(dtype))
    functions = _functions(case, backends, against)
    if not functions:
        raise ValueError(f"None of {', '.join(backends)} has the kernel {case.recipe.kernel!r}.")
    first = {contestant: _time(function) for contestant, function in functions.items()}
    calls = {contestant: calls_a_turn(function) for contestant, function in functions.items()}
    settle = SETTLE if thread_count() > 1 else 0.0
    timings = take_turns(
        f"{name}, {count} elements of {dtype}",
        {
            contestant: repeated(function, calls[contestant][0])
            for contestant, function in functions.items()
        },
        _rounds(seconds, [number * took + settle for number, took in calls.values()]),
        settle=settle,
    )
    least = ceilings.seconds(case.operations, case.bytes_moved, dtype)
    return Measurement(name, count, dtype, timings, first, case.operations, case.bytes_moved, least)


def _functions(
    case: Case, backends: Sequence[str], against: Sequence[str]
) -> dict[str, Callable[[], Any]]:
    """What each contestant runs, ours first: of our own the last that has the kernel."""
    found: dict[str, Callable[[], Any]] = {}
    for backend in backends:
        kernel = contestants.implementation(case.recipe.kernel, backend)
        if kernel is not None:
            found = {backend: case.call(kernel), **found}
    for name in against:
        function = contestants.peer(case, name)
        if function is not None:
            found[name] = function
    return found


def _time(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def calls_a_turn(function: Callable[[], Any]) -> tuple[int, float]:
    """How often to call it in a turn, and what a call takes, about."""
    took = min(_time(function) for _ in range(3))
    return max(1, round(TURN / max(took, 1e-9))), took


def _rounds(seconds: float, turns: Sequence[float]) -> int:
    """As many rounds as the time allows, within bounds."""
    fewest, most = ROUNDS
    return max(fewest, min(most, int(seconds / max(sum(turns), 1e-9))))
