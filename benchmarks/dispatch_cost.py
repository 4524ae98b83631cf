"""Whether choosing costs anything: `auto` beside NumPy and Numba, for every kernel and size.

It may take 1.1 times the better of the two and a microsecond more. What takes longer is measured
again on other arrays (where arrays lie in memory can make a fifth of the time) with more rounds,
and is in the table if it takes longer every time.

python benchmarks/dispatch_cost.py                    with the table in force
python benchmarks/dispatch_cost.py --tune             with a table that is measured first
python benchmarks/dispatch_cost.py gelu --sizes 1,1k  one kernel, at these sizes
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import contextmanager
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import machine  # noqa: F401 (the threads come before NumPy)
import numpy as np

from nnscratch_kernels import dispatch, numpy_kernels, thread_count, tuned
from nnscratch_kernels.laboratory import cases, contestants, tuning
from nnscratch_kernels.laboratory.bench_command import chosen, numbers_of_elements
from nnscratch_kernels.laboratory.machine import equal_threads
from nnscratch_kernels.laboratory.paired import console, repeated
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.laboratory.tuning import EXTRA, FACTOR
from nnscratch_kernels.laboratory.warming import silence, warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.table import Table

SIZES = "1,10,100,1k,10k,100k,1M"
DTYPES = ("float32", "float64")
TURN = 1e-4  # seconds that a turn takes at least
ROUNDS = (11, 41, 41)  # of a first measurement, and of those that confirm


class Cost(NamedTuple):
    """What the three take at one size: medians, in seconds.

    Attributes:
        case: its name.
        dtype: of its arrays.
        count: about how many elements.
        seconds: by contestant.
    """

    case: str
    dtype: str
    count: int
    seconds: dict[str, float]

    @property
    def allowed(self) -> float:
        """What `auto` may take."""
        return FACTOR * min(self.seconds["numpy"], self.seconds["numba"]) + EXTRA

    @property
    def violates(self) -> bool:
        """Whether `auto` takes longer."""
        return self.seconds["auto"] > self.allowed


def main() -> int:
    """Measure; gives 1 if `auto` takes longer anywhere than it may."""
    asked = _parser().parse_args()
    recipes, compiled = cases.recipes(), contestants.compiled_kernels()
    named = chosen(asked.kernels) if asked.kernels else recipes
    names = [name for name in named if recipes[name].kernel in compiled]
    kernels = list(dict.fromkeys(recipes[name].kernel for name in names))
    with equal_threads(asked.threads), silence():
        warm_up(kernels)
        if not asked.tune:
            return report(names, asked.sizes)
        with table_in_force(
            tuning.measure(tuning.QUICK if asked.quick else tuning.THOROUGH, kernels)
        ):
            return report(names, asked.sizes)


def report(names: Iterable[str], sizes: Iterable[int]) -> int:
    """Measure these cases at these sizes and print what takes too long; gives the exit status."""
    todo = [(name, dtype, size) for name in names for dtype in DTYPES for size in sizes]
    costs = [measure(*each) for each in tracked(todo, "measuring", lambda it: it[0])]
    violations = [cost for cost in costs if cost.violates]
    if violations:
        console().print(shown(violations))
    worst = max(costs, key=lambda cost: cost.seconds["auto"] / cost.allowed)
    console().print(
        f"With {tuned.source()}, on {thread_count()} threads: {len(costs) - len(violations)} of "
        f"{len(costs)} take at most {FACTOR} times the better of NumPy and Numba plus "
        f"{EXTRA * 1e6:g} µs. Nearest to that or beyond: {worst.case} of {worst.count:,} "
        f"{worst.dtype}, {worst.seconds['auto'] * 1e6:.3g} µs where {worst.allowed * 1e6:.3g} are "
        f"allowed."
    )
    return 1 if violations else 0


@contextmanager
def table_in_force(table: tuned.Table) -> Iterator[None]:
    """Have dispatch read this table, from a folder that is gone afterwards."""
    variable = "NNSCRATCH_CACHE_DIR"
    before = os.environ.get(variable)
    with TemporaryDirectory() as folder:
        os.environ[variable] = folder
        tuned.save(table)
        try:
            yield
        finally:
            os.environ.pop(variable)
            if before is not None:
                os.environ[variable] = before
            tuned._in_force.cache_clear()


def measure(name: str, dtype: str, count: int) -> Cost:
    """The three in turns; what seems to take too long again, and longer."""
    for rounds in ROUNDS:
        cost = Cost(name, dtype, count, _medians(_works(name, dtype, count), rounds))
        if not cost.violates:
            break
    return cost


def _works(name: str, dtype: str, count: int) -> dict[str, Callable[[], object]]:
    """The calls of the contestants, on new arrays."""
    case = cases.make_case(name, count, dtype)
    kernel = case.recipe.kernel
    implementations = {
        "numpy": getattr(numpy_kernels, kernel),
        "numba": contestants.implementation(kernel, "numba"),
        "auto": dispatch.dispatched(getattr(numpy_kernels, kernel)),  # by the table of now
    }
    return {by: case.call(it) for by, it in implementations.items() if it is not None}


def _medians(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """What each takes for a call, in rounds of turns in changing order."""
    turns = {}
    for name, work in works.items():
        took = min(repeated(work, 1)() for _ in range(3))
        turns[name] = repeated(work, max(1, round(TURN / took)))
    names, seconds = [*turns], {name: [] for name in turns}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            shift = number % len(names)
            for name in (names[shift:] + names[:shift])[:: 1 if number % 2 else -1]:
                seconds[name].append(turns[name]())
    finally:
        gc.enable()
    return {name: median(took) for name, took in seconds.items()}


def shown(costs: Iterable[Cost]) -> Table:
    """A line for each, in microseconds."""
    from rich.table import Table

    made = Table(title="Longer than allowed, in µs", title_justify="left")
    made.add_column("case")
    for column in ("elements", "NumPy", "Numba", "auto", "allowed", "threshold"):
        made.add_column(column, justify="right", no_wrap=True)
    for cost in costs:
        numbers = (cost.seconds[by] for by in ("numpy", "numba", "auto"))
        by_dtype = tuned.thresholds()[cases.recipes()[cost.case].kernel]
        bound = by_dtype[np.dtype(cost.dtype).char]
        made.add_row(
            f"{cost.case} {cost.dtype}",
            f"{cost.count:,}",
            *(f"{1e6 * it:.4g}" for it in (*numbers, cost.allowed)),
            "never" if bound >= tuning.NEVER else f"{bound:,}",
        )
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("kernels", nargs="*", metavar="KERNEL", help="all that Numba has if none is named")
    add("--sizes", type=numbers_of_elements, default=SIZES, help=f"elements; default {SIZES}")
    add("--threads", type=int, default=os.cpu_count() or 1, help="of Numba and of BLAS")
    add("--tune", action="store_true", help="measure a table of thresholds first, and use it")
    add("--quick", action="store_true", help="tune as `nnscratch tune --quick` does")
    return parser


if __name__ == "__main__":
    sys.exit(main())
