"""`nnscratch tune`: from which size on Numba is faster than NumPy, on this machine's processor.

For each kernel and dtype both take turns on sizes from one element to millions, with more rounds
where it is close. The threshold is the size at which switching to Numba loses least: at no size,
where that can be, more than `FACTOR` times the better of the two and `EXTRA` seconds. Around it
the sizes are looked at more closely, and what contradicts itself is measured again.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from nnscratch_kernels import thresholds, tuned
from nnscratch_kernels.laboratory import cases, contestants
from nnscratch_kernels.laboratory.paired import console, quartiles
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.laboratory.warming import silence, warm_up
from nnscratch_kernels.threads import thread_count
from nnscratch_kernels.thresholds import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.table import Table as RichTable

    from nnscratch_kernels.laboratory.cases import Case
    from nnscratch_kernels.tuned import Table

DTYPES = "fd"
FACTOR, EXTRA = 1.1, 1e-6
DISPATCH = 3e-7  # seconds that it takes to choose, about
LEVEL = 0.05  # a difference that is none: Numba must win by more, or it need not be loaded
TURN = 1e-4  # seconds that a turn takes at least


class Point(NamedTuple):
    """What both take at one size.

    Attributes:
        size: as dispatch sees it.
        numpy: seconds of a call.
        numba: seconds of a call.
    """

    size: int
    numpy: float
    numba: float

    def loss(self, bound: int) -> float:
        """What is taken with this threshold / what may be taken; 1 and less is fine."""
        taken = self._chosen(bound) + DISPATCH
        return taken / (FACTOR * min(self.numpy, self.numba) + EXTRA)

    def cost(self, bound: int) -> float:
        """How far from the better of the two, on a scale that counts all sizes alike."""
        handicap = log(1 + LEVEL) if self.size >= bound else 0.0
        return log(self._chosen(bound) / min(self.numpy, self.numba)) + handicap

    def _chosen(self, bound: int) -> float:
        return self.numba if self.size >= bound else self.numpy


@dataclass(frozen=True)
class Thoroughness:
    """How long to look.

    Attributes:
        largest: elements of the largest size.
        step: how many times smaller each size is than the one before.
        gap: how near two sizes are between which nothing more is looked for.
        rounds: at the least and at the most for a size.
        seconds: for one kernel and dtype, about.
    """

    largest: int
    step: int
    gap: float
    rounds: tuple[int, int]
    seconds: float


THOROUGH = Thoroughness(1 << 22, 4, 1.25, (5, 21), 3.0)
QUICK = Thoroughness(1 << 20, 8, 2.1, (5, 11), 0.5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    asked = _parser().parse_args(arguments)
    if not asked.show:
        thoroughness = QUICK if asked.quick else THOROUGH
        start = time.perf_counter()
        table = measure(thoroughness)
        path = write_shipped(table) if asked.write_shipped else tuned.save(table)
        took = time.perf_counter() - start
        console().print(f"Measured in {took:.0f} s on {thread_count()} threads, kept in {path}.")
        if asked.write_shipped:  # which this process has read already, as it was before
            return 0
    console().print(f"From how many elements on Numba is chosen on the CPU, by {tuned.source()}:")
    console().print(shown(tuned.thresholds()))
    return 0


def measure(thoroughness: Thoroughness, kernels: Sequence[str] | None = None) -> Table:
    """Measure the thresholds.

    Args:
        thoroughness: how long to look.
        kernels: of which; None for all that Numba has.
    """
    warm_up(kernels)
    names = contestants.compiled_kernels() if kernels is None else kernels
    todo = [(name, dtype) for name in names for dtype in DTYPES]
    table: Table = {name: {} for name in names}
    with silence():
        for name, dtype in tracked(todo, "measuring", lambda each: each[0]):
            compare = Comparison(name, dtype, thoroughness)
            table[name][dtype] = threshold(compare, compare.largest(), thoroughness)
    return table


class Comparison:
    """Numba against NumPy on the cases of one kernel in one dtype.

    Attributes:
        kernel: its name.
        dtype: the letter of the dtype.
        thoroughness: how long to look.
    """

    def __init__(self, kernel: str, dtype: str, thoroughness: Thoroughness) -> None:
        self.kernel = kernel
        self.dtype = dtype
        self.thoroughness = thoroughness
        self._cases = [name for name, it in cases.recipes().items() if it.kernel == kernel]
        self._end = time.perf_counter() + thoroughness.seconds * len(self._cases)

    def largest(self) -> int:
        """The largest size to look at: of slow kernels, one of which a call fits into the time."""
        count = self.thoroughness.largest
        shortest = self.thoroughness.seconds / (8 * self.thoroughness.rounds[0])
        small = 1 << 12
        works = (self._calls(self._case(name, small))[0] for name in self._cases)
        per_element = max(max(map(_seconds, works)) / small, 1e-12)
        while count > small and count * per_element > shortest:
            count //= self.thoroughness.step
        return count

    def __call__(self, count: int, again: bool = False) -> list[Point]:
        """Compare all cases at one size.

        Args:
            count: about how many elements.
            again: whether to take all the rounds that there may be.
        """
        return [self._compare(name, count, again) for name in self._cases]

    def _compare(self, name: str, count: int, again: bool) -> Point:
        case = self._case(name, count)
        pair = self._calls(case)
        calls = [max(1, round(TURN / min(_seconds(call) for _ in range(3)))) for call in pair]
        fewest, most = self.thoroughness.rounds
        if again:
            fewest = most
        took: tuple[list[float], list[float]] = [], []
        suspected = False
        while True:
            numpy_first = len(took[0]) % 2 == 0
            for place in (0, 1) if numpy_first else (1, 0):
                took[place].append(_seconds(pair[place], calls[place]))
            rounds = len(took[0])
            if rounds < min(fewest, most):
                continue
            ratios = [numba / numpy for numpy, numba in zip(*took, strict=True)]
            low, middle, high = quartiles(ratios)
            late = time.perf_counter() > self._end and not again
            winner = verdict(low, high)
            if winner == "numpy" and not (suspected or late):  # another program may have disturbed
                fewest, suspected = 2 * rounds, True
            elif winner is not None or late or rounds >= most:
                numpy = median(took[0])
                return Point(case.size, numpy, numpy * middle)

    def _case(self, name: str, count: int) -> Case:
        return cases.make_case(name, count, self.dtype)

    def _calls(self, case: Case) -> list[Callable[[], Any]]:
        kernels = (contestants.implementation(self.kernel, by) for by in ("numpy", "numba"))
        return [case.call(kernel) for kernel in kernels if kernel is not None]


def verdict(low: float, high: float) -> str | None:
    """Who is faster by the quartiles of Numba's time / NumPy's: "numba", "numpy", "level".

    None if it is not sure: the middle half of the rounds lies on both sides.
    """
    if high < 1 - LEVEL:
        return "numba"
    if low > 1 + LEVEL:
        return "numpy"
    if low >= 1 - LEVEL and high <= 1 + LEVEL:
        return "level"
    return None


def threshold(compare: Callable[..., list[Point]], largest: int, thoroughness: Thoroughness) -> int:
    """The size from which on Numba should be taken; `NEVER` if that loses least.

    Args:
        compare: called with a number of elements, and with `again` if the first answer is doubted.
        largest: elements of the largest size.
        thoroughness: the steps between sizes.
    """
    points = {count: compare(count) for count in _sizes(largest, thoroughness.step)}
    for count in contradictory(points):  # another program may have disturbed us
        points[count] = compare(count, again=True)
    while True:
        bound = least_loss(points.values())
        above = [count for count, found in points.items() if found[0].size >= bound]
        below = [count for count in points if not above or count < min(above)]
        if not above or not below:
            return bound
        won, lost = min(above), max(below)
        if won / lost <= thoroughness.gap or won == lost + 1:
            return bound
        middle = min(won - 1, max(lost + 1, round((won * lost) ** 0.5)))
        points[middle] = compare(middle)


def contradictory(points: Mapping[int, Sequence[Point]]) -> list[int]:
    """The sizes that no one threshold does justice to: NumPy should run above, Numba below."""
    for_numba = {n for n, found in points.items() if any(it.loss(NEVER) > 1 for it in found)}
    for_numpy = {n for n, found in points.items() if any(it.loss(0) > 1 for it in found)}
    least, largest = min(for_numba, default=NEVER), max(for_numpy, default=0)
    return sorted({n for n in for_numba if n < largest} | {n for n in for_numpy if n > least})


def least_loss(found: Iterable[Sequence[Point]]) -> int:
    """Of all thresholds the one whose worst loss is least; of several, that costs least in all."""
    points = [point for several in found for point in several]

    def badness(bound: int) -> tuple[float, float]:
        worst = max(point.loss(bound) for point in points)
        return max(worst, 1.0), sum(point.cost(bound) for point in points)

    return min((NEVER, *sorted({point.size for point in points})), key=badness)


def _sizes(largest: int, step: int) -> list[int]:
    """From the largest size down to one element."""
    sizes = [largest]
    while sizes[-1] > 1:
        sizes.append(sizes[-1] // step or 1)
    return sizes


def shown(table: Table) -> RichTable:
    """A table of thresholds, for people."""
    from rich.table import Table

    made = Table()
    made.add_column("kernel")
    for column in ("float32", "float64"):
        made.add_column(column, justify="right")
    for name in sorted(table):
        cells = (table[name][dtype] for dtype in DTYPES)
        made.add_row(name, *("never" if cell >= NEVER else f"{cell:,}" for cell in cells))
    return made


def write_shipped(table: Table, path: Path | None = None) -> Path:
    """Write measured thresholds into the source, never below `thresholds.LEAST`.

    Args:
        table: what `measure` gave.
        path: of the module; None for `thresholds` itself.
    """
    path = path or Path(thresholds.__file__)
    head, _, rest = path.read_text().partition("MEASURED")
    _, closing, tail = rest.partition("}\n")
    lines = [
        f'    "{name}": ({_shipped(by["f"])}, {_shipped(by["d"])}),'
        for name, by in sorted(table.items())
    ]
    body = "\n".join(["MEASURED: dict[str, tuple[int, int]] = {", *lines])
    path.write_text(f"{head}{body}\n{closing}{tail}")
    return path


def _shipped(measured: int) -> str:
    return "NEVER" if measured >= NEVER else str(max(measured, thresholds.LEAST))


def _seconds(call: Callable[[], Any], calls: int = 1) -> float:
    """The mean time of some calls."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnscratch tune",
        description="Measure from which size on Numba is faster than NumPy here, and keep it. "
        "This is about the CPU only: arrays on a GPU are computed there.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds, a minute")
    parser.add_argument(
        "--show", action="store_true", help="measure nothing, show what is in force"
    )
    parser.add_argument("--write-shipped", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
