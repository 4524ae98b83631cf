"""`nnscratch bench`: measure kernels, print a table, keep the numbers and a picture."""

from __future__ import annotations

import argparse
import json
import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnscratch_kernels.devices import CPU, GPU, require_gpu
from nnscratch_kernels.laboratory import (
    bench,
    cases,
    ceilings,
    contestants,
    gpu,
    machine,
    pictures,
)
from nnscratch_kernels.laboratory.paired import console, quartiles
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.table import Table

    from nnscratch_kernels.laboratory.bench import Measurement
    from nnscratch_kernels.laboratory.ceilings import Roof

LADDER = "ladder"
DTYPES = ("float32", "float64")
UNITS = {"k": 10**3, "M": 10**6}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    try:
        asked = _parser().parse_args(arguments)
        names = chosen(asked.kernels)
        if asked.plot:
            pictures.check(asked.plot)
        for path in filter(None, (asked.json, asked.plot)):
            _check_writable(path)
        if asked.backend is None:
            asked.backend = ["numpy", "numba", *(["cupy"] if gpu.is_there() else [])]
        if "cupy" in asked.backend:
            require_gpu()
        with machine.equal_threads(asked.threads):
            asked.against = _peers(asked.against, asked.backend)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except (ImportError, RuntimeError) as error:
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
        "bytes / the time, beyond 100 % where a cache held the arrays; a GPU has its own clock and "
        "limits",
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


def save(path: Path, roofs: Mapping[str, Roof], measurements: Sequence[Measurement]) -> None:
    """Write every number as JSON."""
    content = {
        "machine": _described(GPU in roofs),
        "ceilings": {name: roof.as_json() for name, roof in roofs.items()},
        "measurements": [it.as_json() for it in measurements],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _peers(named: Sequence[str], backends: Sequence[str]) -> list[str]:
    """The peers of these backends, loaded: those that were named, on each machine that competes.

    Raises:
        MissingPackageError: one is not installed.
        UnequalError: one cannot compete.
    """
    peers: list[str] = []
    if any(backend in contestants.ON_CPU for backend in backends):
        peers += named
    elif "jax" in named:
        raise contestants.UnequalError(
            "JAX is measured on the processor: add numpy or numba to --backend, or leave it out."
        )
    for peer in peers:
        contestants.frameworks()[peer]()
    if "torch" in named and "cupy" in backends:
        try:
            contestants.frameworks()[contestants.TORCH_ON_GPU]()
            peers.append(contestants.TORCH_ON_GPU)
        except contestants.UnequalError as error:
            if not peers:
                raise
            print(f"Not compared there: {error}", file=sys.stderr)
    return peers


def _measure(names: Sequence[str], asked: Any) -> int:
    measurable = [name for name in names if _has(name, asked.backend)]
    if not measurable:
        kernels = ", ".join(dict.fromkeys(cases.recipes()[name].kernel for name in names))
        print(f"Only NumPy has {kernels}: give --backend numpy.", file=sys.stderr)
        return 1
    on_cpu = any(backend in contestants.ON_CPU for backend in asked.backend)
    on_gpu = "cupy" in asked.backend
    for name, text in _described(on_gpu).items():
        console().print(f"{name}: {text}")
    console().print("Measuring the limits of this machine, some seconds …")
    roofs: dict[str, Roof] = {}
    if on_cpu:
        roofs[CPU] = ceilings.measure(asked.threads)
    if on_gpu:
        roofs[GPU] = ceilings.measure_gpu()
    if find_spec("threadpoolctl") is None:
        console().print("threads of BLAS: as it likes (pip install threadpoolctl to hold it)")
    for roof in roofs.values():
        console().print(roof.in_words())
    combinations = [
        (name, count, dtype) for name in measurable for count in asked.size for dtype in asked.dtype
    ]
    options = {"backends": asked.backend, "against": asked.against, "seconds": asked.seconds}
    measurements = [
        bench.measure(*each, roofs, **options)
        for each in tracked(combinations, "measuring", lambda each: f"{each[0]}, {each[1]:,}")
    ]
    console().print(table(measurements))
    if asked.json:
        save(asked.json, roofs, measurements)
    if asked.plot:
        pictures.roofline(asked.plot, [*roofs.values()], measurements)
        console().print(f"The picture is in {asked.plot}.")
    return 0


def _climb(asked: Any) -> int:
    from nnscratch_kernels.laboratory.rungs import climb, climb_on_gpu

    on_gpu = asked.backend == ["cupy"]
    timings, speeds = climb_on_gpu() if on_gpu else climb()
    console().print(timings.table())
    for name, speed in speeds.items():
        console().print(f"{name:>14}: {speed / 1e9:8.3g} GFLOP/s")
    if asked.json:
        content = {
            "machine": _described(on_gpu),
            "operations_a_second": speeds,
        }
        asked.json.write_text(json.dumps(content | timings.as_json(), indent=1) + "\n")
    if asked.plot:
        pictures.ladder(asked.plot, speeds, f"The ladder of the {timings.title}")
        console().print(f"The picture is in {asked.plot}.")
    return 0


def _described(on_gpu: bool) -> dict[str, str]:
    """The machine, and the GPU if it competes."""
    return machine.describe() | (gpu.describe() if on_gpu else {})


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
    low, middle, high = quartiles(values)
    return f"{(high - low) / 2 / middle:.0%}"


def _has(name: str, backends: Sequence[str]) -> bool:
    case = cases.make_case(name, 1)
    return any(contestants.function_of(case, backend) for backend in backends)


def _check_writable(path: Path) -> None:
    """Refuse now what would be lost after minutes of measuring.

    Raises:
        ValueError: a file that cannot be written.
    """
    if not path.resolve().parent.is_dir():
        raise ValueError(f"There is no folder {str(path.resolve().parent)!r}: make it first.")
    new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise ValueError(
            f"{str(path)!r} cannot be written ({error.strerror}): name another file."
        ) from None
    if new:
        path.unlink()


def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Names with commas between them, each of which must be known."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"choose of {', '.join(known)}, got {name!r}")
        return given

    return names


def numbers_of_elements(text: str) -> list[int]:
    """Numbers of elements such as 1000, 64k, 1M, 1.5M."""
    try:
        sizes = [
            round(float(size.rstrip("kM")) * UNITS.get(size[-1:], 1)) for size in text.split(",")
        ]
    except (ValueError, OverflowError):  # 1e3k is fine, inf is not
        sizes = [0]
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"give numbers of elements such as 1k,1M, got {text!r}")
    return sizes


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give 1, 2, 3 or more, got {text!r}")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"give a positive number of seconds, got {text!r}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnscratch bench",
        description="Measure kernels beside their peers and beside this machine's limits.",
    )
    add = parser.add_argument
    add("kernels", nargs="*", metavar="KERNEL", help=f"all if none is named; or {LADDER}")
    add("--size", type=numbers_of_elements, default=[10**3, 10**6], help="elements; default 1k,1M")
    add("--dtype", type=_listed(DTYPES), default=["float32"], help="default float32")
    add(
        "--backend",
        type=_listed(contestants.BACKENDS),
        help="of numpy, numba, auto and cupy; the last is compared with the others; "
        "default numpy, numba, and cupy where there is a GPU",
    )
    add("--against", type=_listed(contestants.PEERS), default=[], help="torch, jax")
    add("--threads", type=_count, default=thread_count(), help="of every contestant")
    add("--seconds", type=_positive, default=bench.SECONDS, help="for a case, about; default 1")
    add("--json", type=Path, metavar="FILE", help="write every number there")
    add("--plot", type=Path, metavar="FILE", help="draw a picture there, .png or .svg")
    return parser
