"""`nnscratch bench`: measure kernels, print a table, keep the numbers and a picture."""

from __future__ import annotations

import argparse
import json
import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from nnscratch_kernels.laboratory import bench, cases, ceilings, contestants, machine, pictures
from nnscratch_kernels.laboratory.paired import console
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

    from nnscratch_kernels.laboratory.bench import Measurement
    from nnscratch_kernels.laboratory.ceilings import Ceilings

LADDER = "ladder"
DTYPES = ("float32", "float64")
UNITS = {"k": 10**3, "M": 10**6}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    try:
        asked = _parser().parse_args(arguments)
        names = chosen(asked.kernels)
        if asked.json:
            _check_folder(asked.json)
        if asked.plot:
            pictures.check(asked.plot)
        with machine.equal_threads(asked.threads):
            for peer in asked.against:
                contestants.frameworks()[peer]()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except (machine.MissingPackageError, contestants.ThreadsError) as error:
        print(error, file=sys.stderr)
        return 1
    with machine.equal_threads(asked.threads):
        return _climb(asked) if names == [LADDER] else _measure(names, asked)


def chosen(names: Sequence[str]) -> list[str]:
    """The cases that are meant: a kernel's name stands for all of its cases, none for all kernels.

    Raises:
        ValueError: there is no such kernel.
    """
    known = cases.recipes()
    if not names:
        return [name for name in known if name in cases.kernels()]
    if LADDER in names:
        if len(names) > 1:
            raise ValueError(f"{LADDER!r} is measured by itself: ask for the kernels apart.")
        return [LADDER]
    found: list[str] = []
    for name in names:
        of_kernel = [case for case, it in known.items() if name in (case, it.kernel)]
        if not of_kernel:
            near = get_close_matches(name, [*known, LADDER], n=3)
            hint = " or ".join(near) if near else f"one of {', '.join(cases.kernels())}"
            raise ValueError(f"There is no kernel called {name!r}: did you mean {hint}?")
        found += of_kernel
    return list(dict.fromkeys(found))


def table(measurements: Sequence[Measurement]) -> Table:
    """A line for each contestant below its case, the fastest first."""
    from rich import box
    from rich.table import Table

    made = Table(
        caption="±: half of the rounds lie so near; ratio: our time / the contestant's within a "
        "round; roofline: the least time in which this machine can do these operations on these "
        "bytes / the time, beyond 100 % where a cache held the arrays",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    made.add_column("")
    for column in ("time", "±", "ratio", "±", "GFLOP/s", "GB/s", "roofline", "first call"):
        made.add_column(column, justify="right", no_wrap=True)
    for it in measurements:
        made.add_row(f"{it.case}, {it.count:,} {it.dtype}", style="bold")
        for name in sorted(it.timings.seconds, key=it.seconds):
            made.add_row(*_cells(it, name))
        made.add_section()
    return made


def save(path: Path, measured: Ceilings, measurements: Sequence[Measurement]) -> None:
    """Write every number as JSON."""
    content = {
        "machine": machine.describe(),
        "ceilings": measured.as_json(),
        "measurements": [it.as_json() for it in measurements],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def ceilings_in_words(measured: Ceilings) -> str:
    """One line on the machine's limits."""
    return (
        f"ceilings of {measured.threads} thread{'s' if measured.threads > 1 else ''}: "
        f"copy {measured.copy / 1e9:.1f} GB/s, triad {measured.triad / 1e9:.1f} GB/s, BLAS "
        f"{measured.single / 1e9:.0f} GFLOP/s in float32, {measured.double / 1e9:.0f} in float64"
    )


def _measure(names: Sequence[str], asked: Any) -> int:
    measurable = [name for name in names if _has(name, asked.backend)]
    if not measurable:
        kernels = ", ".join(dict.fromkeys(cases.recipes()[name].kernel for name in names))
        print(f"Only NumPy has {kernels}: give --backend numpy.", file=sys.stderr)
        return 1
    for name, text in machine.describe().items():
        console().print(f"{name}: {text}")
    if find_spec("threadpoolctl") is None:
        console().print("threads of BLAS: as it likes (pip install threadpoolctl to hold it)")
    limits = ceilings.measure(asked.threads)
    console().print(ceilings_in_words(limits))
    combinations = [
        (name, count, dtype) for name in measurable for count in asked.size for dtype in asked.dtype
    ]
    options = {"backends": asked.backend, "against": asked.against, "seconds": asked.seconds}
    measurements = [
        bench.measure(*each, limits, **options)
        for each in tracked(combinations, "measuring", lambda each: f"{each[0]}, {each[1]:,}")
    ]
    console().print(table(measurements))
    if asked.json:
        save(asked.json, limits, measurements)
    if asked.plot:
        pictures.roofline(asked.plot, limits, measurements)
        console().print(f"The picture is in {asked.plot}.")
    return 0


def _climb(asked: Any) -> int:
    from nnscratch_kernels.laboratory.rungs import climb

    timings, speeds = climb()
    console().print(timings.table())
    for name, speed in speeds.items():
        console().print(f"{name:>12}: {speed / 1e9:8.3g} GFLOP/s")
    if asked.json:
        content = {"machine": machine.describe(), "operations_a_second": speeds}
        asked.json.write_text(json.dumps(content | timings.as_json(), indent=1) + "\n")
    if asked.plot:
        pictures.ladder(asked.plot, speeds, f"The ladder of the {timings.title}")
        console().print(f"The picture is in {asked.plot}.")
    return 0


def _cells(it: Measurement, name: str) -> list[str]:
    seconds = it.timings.seconds[name]
    ours = name == it.timings.ours
    ratios = it.timings.ratios(name)
    return [
        f"  {name}",
        _time(it.seconds(name)),
        _spread(seconds),
        "" if ours else f"{it.timings.median_ratio(name):.3g}",
        "" if ours else _spread(ratios),
        f"{it.operations / it.seconds(name) / 1e9:.3g}",
        f"{it.moved / it.seconds(name) / 1e9:.3g}",
        f"{it.share(name):.0%}",
        _time(it.first[name]),
    ]


def _time(seconds: float) -> str:
    """In the unit that suits it."""
    for unit, scale in (("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def _spread(values: Sequence[float]) -> str:
    """Half of the distance between the quartiles, in parts of the median."""
    low, middle, high = quantiles(values, method="inclusive")
    return f"{(high - low) / 2 / middle:.0%}"


def _has(name: str, backends: Sequence[str]) -> bool:
    kernel = cases.recipes()[name].kernel
    return any(contestants.implementation(kernel, backend) for backend in backends)


def _check_folder(path: Path) -> None:
    if not path.resolve().parent.is_dir():
        raise ValueError(f"There is no folder {str(path.resolve().parent)!r}: make it first.")


def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Names with commas between them, each of which must be known."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"choose of {', '.join(known)}, got {name!r}")
        return given

    return names


def _sizes(text: str) -> list[int]:
    """Numbers of elements such as 1000, 64k, 1M, 1.5M."""
    try:
        sizes = [
            round(float(size.rstrip("kM")) * UNITS.get(size[-1:], 1)) for size in text.split(",")
        ]
    except ValueError:
        sizes = [0]
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"give numbers of elements such as 1k,1M, got {text!r}")
    return sizes


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give 1, 2, 3 or more, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnscratch bench",
        description="Measure kernels beside their peers and beside this machine's limits.",
    )
    add = parser.add_argument
    add("kernels", nargs="*", metavar="KERNEL", help=f"all if none is named; or {LADDER}")
    add("--size", type=_sizes, default=[10**3, 10**6], help="elements; default 1k,1M")
    add("--dtype", type=_listed(DTYPES), default=["float32"], help="default float32")
    add(
        "--backend",
        type=_listed(contestants.BACKENDS),
        default=["numpy", "numba"],
        help="of numpy, numba and auto; the last is compared with the others",
    )
    add("--against", type=_listed(contestants.PEERS), default=[], help="torch, jax")
    add("--threads", type=_count, default=thread_count(), help="of every contestant")
    add("--seconds", type=float, default=bench.SECONDS, help="for a case, about; default 1")
    add("--json", type=Path, metavar="FILE", help="write every number there")
    add("--plot", type=Path, metavar="FILE", help="draw a picture there, .png or .svg")
    return parser
