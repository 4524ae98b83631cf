"""Measuring a kernel beside its peers and beside this machine's limits.

The contestants of a case take turns, with as many threads each. A first call, which compiles or
loads, is timed apart. Those on a GPU are timed by its own clock, and held to its own limits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.devices import CPU, GPU, load_cupy
from nnscratch_kernels.laboratory import cases, contestants, gpu
from nnscratch_kernels.laboratory.paired import SETTLE, Timings, repeated, take_turns
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nnscratch_kernels.laboratory.cases import Case
    from nnscratch_kernels.laboratory.ceilings import Roof

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
        least: seconds that each contestant's machine needs at least.
    """

    case: str
    count: int
    dtype: str
    timings: Timings
    first: dict[str, float]
    operations: float
    moved: float
    least: dict[str, float]

    def seconds(self, contestant: str) -> float:
        """The median of a contestant's rounds."""
        return median(self.timings.seconds[contestant])

    def share(self, contestant: str) -> float:
        """How near a contestant comes to the machine's limit; above 1 where caches help."""
        return self.least[contestant] / self.seconds(contestant)

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
    roofs: Mapping[str, Roof],
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
        roofs: the limits of the machines that compete, by `devices.CPU` and `devices.GPU`.
        backends: of `contestants.BACKENDS`; the last that has the kernel is "ours" in ratios.
        against: of `contestants.PEERS`, or `contestants.TORCH_ON_GPU`.
        seconds: how long it may take, about.

    Raises:
        ValueError: nobody has this kernel.
        MissingPackageError: a peer is not installed.
        UnequalError: a peer cannot compete here.
    """
    case = cases.make_case(name, count, np.dtype(dtype))
    if CPU not in roofs:
        case = case.on(GPU)
    functions = _functions(case, backends, against)
    if not functions:
        raise ValueError(f"None of {', '.join(backends)} has the kernel {case.recipe.kernel!r}.")
    first = {contestant: _first(contestant, function) for contestant, function in functions.items()}
    turns, lengths = {}, []
    for contestant, function in functions.items():
        timed = gpu.clocked if contestants.runs_on_gpu(contestant) else repeated
        calls, took = calls_a_turn(function, timed)
        turns[contestant] = timed(function, calls)
        lengths.append(calls * took)
    disturbed = len(functions) > 1 and thread_count() > 1 and CPU in roofs
    settle = SETTLE if disturbed else 0.0
    timings = take_turns(
        f"{name}, {count} elements of {dtype}",
        turns,
        _rounds(seconds, [length + settle for length in lengths]),
        settle=settle,
    )
    least = {
        contestant: roofs[GPU if contestants.runs_on_gpu(contestant) else CPU].seconds(
            case.operations, case.bytes_moved, dtype
        )
        for contestant in functions
    }
    return Measurement(name, count, dtype, timings, first, case.operations, case.bytes_moved, least)


def calls_a_turn(
    function: Callable[[], Any],
    timed: Callable[[Callable[[], Any], int], Callable[[], float]] = repeated,
) -> tuple[int, float]:
    """How often to call it in a turn, and what a call takes, about.

    Args:
        function: what is timed.
        timed: gives a contestant of it that makes so many calls.
    """
    contestant = timed(function, 1)
    took = min(contestant() for _ in range(3))
    return max(1, round(TURN / max(took, 1e-9))), took


def _functions(
    case: Case, backends: Sequence[str], against: Sequence[str]
) -> dict[str, Callable[[], Any]]:
    """What each contestant runs, ours first: of our own the last that has the kernel."""
    found: dict[str, Callable[[], Any]] = {}
    for backend in backends:
        function = contestants.function_of(case, backend)
        if function is not None:
            found = {backend: function, **found}
    for name in against:
        function = contestants.peer(case, name)
        if function is not None:
            found[name] = function
    return found


def _first(contestant: str, function: Callable[[], Any]) -> float:
    """What the first call takes until its result is there."""
    start = time.perf_counter()
    function()
    if contestants.runs_on_gpu(contestant):
        load_cupy().cuda.Device().synchronize()
    return time.perf_counter() - start


def _rounds(seconds: float, turns: Sequence[float]) -> int:
    """As many rounds as the time allows, within bounds."""
    fewest, most = ROUNDS
    return max(fewest, min(most, int(seconds / max(sum(turns), 1e-9))))
