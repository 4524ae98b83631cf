"""`nnscratch tune`: from which size on Numba is faster than NumPy, on this machine.

For each kernel and dtype the search goes down from large sizes until Numba loses, then halves the
gap. At each size both take turns, with more rounds where it is close. Where they are level, nothing
is lost either way; a threshold is a size at which Numba clearly won.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from nnscratch_kernels import thresholds, tuned
from nnscratch_kernels.laboratory import cases, contestants
from nnscratch_kernels.laboratory.paired import console
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.laboratory.warming import silence, warm_up
from nnscratch_kernels.threads import thread_count
from nnscratch_kernels.thresholds import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table as RichTable

    from nnscratch_kernels.tuned import Table

DTYPES = "fd"
LEVEL = 0.05  # a difference that is none
TURN = 1e-4  # seconds that a turn takes at least

CASES = {name: f"{name} (gelu)" for name in ("dense", "dense_gradient", "dense_with_preactivation")}
"""By which case a kernel is tuned that has several: a linear layer is NumPy's in both."""


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
    console().print(f"From how many elements on Numba is chosen, by {tuned.source()}:")
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
    """Numba against NumPy on one kernel and dtype.

    Attributes:
        name: of the kernel.
        dtype: the letter of the dtype.
        thoroughness: how long to look.
    """

    def __init__(self, name: str, dtype: str, thoroughness: Thoroughness) -> None:
        self.name = name
        self.dtype = dtype
        self.thoroughness = thoroughness
        self._end = time.perf_counter() + thoroughness.seconds

    def largest(self) -> int:
        """The largest size to look at: of slow kernels, one of which a call fits into the time."""
        count = self.thoroughness.largest
        shortest = self.thoroughness.seconds / (8 * self.thoroughness.rounds[0])
        small = 1 << 12
        per_element = max(_seconds(self._call("numpy", small)) / small, 1e-12)
        while count > small and count * per_element > shortest:
            count //= self.thoroughness.step
        return count

    def __call__(self, count: int) -> tuple[int, float, float]:
        """Compare at one size.

        Returns:
            The size as dispatch sees it, and the quartiles of Numba's time / NumPy's.
        """
        size = cases.make_case(CASES.get(self.name, self.name), count, self.dtype).size
        pair = [self._call(backend, count) for backend in ("numpy", "numba")]
        calls = [max(1, round(TURN / min(_seconds(call) for _ in range(3)))) for call in pair]
        fewest, most = self.thoroughness.rounds
        ratios: list[float] = []
        suspected = False
        while True:
            numpy_first = len(ratios) % 2 == 0
            order = (0, 1) if numpy_first else (1, 0)
            took = {place: _seconds(pair[place], calls[place]) for place in order}
            ratios.append(took[1] / took[0])
            if len(ratios) < min(fewest, most):
                continue
            low, _, high = quantiles(ratios, method="inclusive")
            if len(ratios) >= most or time.perf_counter() > self._end:
                return size, low, high
            winner = verdict(low, high)
            if winner == "numpy" and not suspected:  # another program may have disturbed us
                fewest, suspected = 2 * len(ratios), True
            elif winner is not None:
                return size, low, high

    def _call(self, backend: str, count: int) -> Callable[[], Any]:
        kernel = contestants.implementation(self.name, backend)
        if kernel is None:
            raise ValueError(f"There is no kernel {self.name!r} for {backend!r} to tune.")
        return cases.make_case(CASES.get(self.name, self.name), count, self.dtype).call(kernel)


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


def threshold(
    compare: Callable[[int], tuple[int, float, float]], largest: int, thoroughness: Thoroughness
) -> int:
    """The smallest size at which Numba was clearly faster, and above which it never lost.

    Args:
        compare: gives the size as dispatch sees it, and the quartiles of Numba's time / NumPy's.
        largest: elements of the largest size.
        thoroughness: the steps between sizes.

    Returns:
        `NEVER` if it was not faster, or lost at the largest size.
    """
    found, won, lost = NEVER, 0, 0
    for count in _sizes(largest, thoroughness.step):
        size, *quartiles = compare(count)
        winner = _decided(*quartiles)
        if winner == "numpy":
            lost = count
            break
        if winner == "numba":
            found, won = size, count
    while won and lost and won / lost > thoroughness.gap and won > lost + 1:
        middle = min(won - 1, max(lost + 1, round((won * lost) ** 0.5)))
        size, *quartiles = compare(middle)
        if _decided(*quartiles) == "numba":
            found, won = size, middle
        else:
            lost = middle
    return found


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


def _decided(low: float, high: float) -> str:
    """As `verdict`, but by the middle of the quartiles where that is not sure."""
    middle = (low + high) / 2
    return verdict(low, high) or verdict(middle, middle) or "level"


def _seconds(call: Callable[[], Any], calls: int = 1) -> float:
    """The mean time of some calls."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnscratch tune",
        description="Measure from which size on Numba is faster than NumPy here, and keep it.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds, a minute")
    parser.add_argument(
        "--show", action="store_true", help="measure nothing, show what is in force"
    )
    parser.add_argument("--write-shipped", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
