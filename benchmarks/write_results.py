"""Measure the kernels and write what was found: benchmarks/RESULTS.md and its picture.

python benchmarks/write_results.py                  about five minutes, and as many on a GPU
python benchmarks/write_results.py --only gpu       the section of the GPU; the others stay
python benchmarks/write_results.py --into FOLDER    into another folder than this repository
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import gpu_goals
import machine  # noqa: F401 (the threads come before NumPy)
import speed_goals

from nnscratch_kernels import tuned
from nnscratch_kernels.devices import CPU, require_gpu
from nnscratch_kernels.laboratory import bench, cases, ceilings, contestants, gpu, pictures
from nnscratch_kernels.laboratory import machine as laboratory
from nnscratch_kernels.laboratory.machine import equal_threads
from nnscratch_kernels.laboratory.paired import console, quartiles, take_turns
from nnscratch_kernels.laboratory.progress import tracked
from nnscratch_kernels.laboratory.warming import silence, warm_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnscratch_kernels.laboratory.bench import Measurement
    from nnscratch_kernels.laboratory.ceilings import Ceilings, GpuCeilings
    from nnscratch_kernels.laboratory.paired import Timings

ON_GPU = "## On a GPU"
ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 9
LARGE = 1 << 22  # float32 elements, 16 MiB an array
BOUND_BY_MEMORY = 0.75  # of the bandwidth, which such a kernel should reach
IN_PICTURE = ("adam_step", "gelu", "softmax", "layer_normalization", "column_sums", "relu", "dense")


class Near(NamedTuple):
    """A kernel beside the limit of memory.

    Attributes:
        speed: bytes a second.
        bandwidth: of memory, measured right before.
    """

    speed: float
    bandwidth: float


def main() -> int:
    """Measure everything, then write; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=ROOT, help="the folder of the repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each comparison")
    parser.add_argument("--only", choices=("cpu", "gpu"), help="leave the other's section alone")
    asked = parser.parse_args()
    if asked.only == "gpu":
        try:
            require_gpu()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    page = asked.into / "benchmarks" / "RESULTS.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    before = page.read_text() if page.exists() else ""
    of_cpu, heading, of_gpu = before.partition(ON_GPU)
    of_gpu = heading + of_gpu
    if asked.only != "gpu":
        of_cpu = cpu_sections(asked.into / "docs" / "images" / "roofline.png", asked.rounds)
    if asked.only == "gpu" or (asked.only is None and gpu.is_there()):
        roof = ceilings.measure_gpu()
        of_gpu = gpu_section(roof, list(gpu_goals.every_goal(roof)))
    page.write_text(f"{of_cpu.rstrip()}\n\n{of_gpu}".rstrip() + "\n")
    console().print(f"Written: {page}.")
    return 0


def cpu_sections(picture: Path, rounds: int) -> str:
    """All that is about the processor; its picture is drawn too."""
    threads = [1, 2] if (os.cpu_count() or 1) > 1 else [1]
    warm_up()
    limits = {count: ceilings.measure(count) for count in threads}
    goals = list(compare(threads, rounds))
    names = waiting_for_memory(limits[1])
    near = {count: near_the_limit(names, limits[count]) for count in threads}
    picture.parent.mkdir(parents=True, exist_ok=True)
    most = limits[threads[-1]]
    pictures.roofline(picture, [most], for_picture(most))
    return "\n".join([head(limits), beside_pytorch(goals, threads), limit_section(near)])


def gpu_section(roof: GpuCeilings, verdicts: Sequence[gpu_goals.Verdict]) -> str:
    """The GPU and a line for each goal there."""
    lines = [
        ON_GPU,
        "",
        "Written by `python benchmarks/write_results.py --only gpu`. All numbers are of float32.",
        "Kernels are timed by the GPU's own clock, a training step by the clock on the wall; what",
        f"waits for memory works on arrays of {gpu_goals.LARGE * 4 >> 20} MiB. In **bold** where a",
        "goal is reached.",
        "",
        *(f"- {name}: {text}" for name, text in (laboratory.describe() | gpu.describe()).items()),
        f"- {roof.in_words()}",
        "",
        _line(["what", "reach", "measured", "ms"]),
        _line(["---", "---", "---:", "---:"]),
    ]
    for it in verdicts:
        measured = _bold(it.measured, it.reached is True)
        lines.append(_line([it.what, it.reach, measured, f"{1e3 * it.seconds:.3g}"]))
    return "\n".join([*lines, ""])


def compare(
    threads: Sequence[int], rounds: int
) -> Iterable[tuple[speed_goals.Row, dict[int, Timings]]]:
    """Each row of the goals, measured with each number of threads."""
    for row in tracked(speed_goals.rows(), "comparing", lambda row: row.text):
        by_threads = {}
        for count in threads:
            with equal_threads(count):
                made = row.contestants(count)
                by_threads[count] = take_turns(row.text, made, rounds, unit="ms", scale=1e3)
        yield row, by_threads


def waiting_for_memory(limits: Ceilings) -> list[str]:
    """The compiled kernels whose bytes take longer than their operations."""
    made = {name: cases.make_case(name, 1 << 16) for name in contestants.compiled_kernels()}
    return [
        name
        for name, case in made.items()
        if case.operations / limits.peak("float32") < case.bytes_moved / limits.bandwidth
    ]


def near_the_limit(names: Sequence[str], limits: Ceilings) -> dict[str, Near]:
    """These kernels on large arrays, each right after the bandwidth, which other programs share."""
    found = {}
    with equal_threads(limits.threads), silence():
        streams = ceilings.Streams()
        for name in tracked(names, f"{limits.threads} threads, measuring", str):
            bandwidth = max(streams.bandwidths(0.1))
            measured = bench.measure(
                name, LARGE, "float32", {CPU: limits}, backends=["auto"], seconds=0.2
            )
            found[name] = Near(measured.moved / measured.seconds("auto"), bandwidth)
    return found


def for_picture(limits: Ceilings) -> list[Measurement]:
    """Some kernels beside their peers, on arrays of 16 MiB."""
    with equal_threads(limits.threads):
        return [
            bench.measure(name, 1 << 22, "float32", {CPU: limits}, against=["torch"], seconds=0.5)
            for name in tracked(IN_PICTURE, "for the picture, measuring", str)
        ]


def head(limits: dict[int, Ceilings]) -> str:
    """What this page is, and the machine."""
    described = [f"- {name}: {text}" for name, text in laboratory.describe().items()]
    described += [f"- {it.in_words()}" for it in limits.values()]
    described.append(f"- NumPy or Numba: chosen by {tuned.source()}")
    lines = [
        "# Results",
        "",
        "Written by `python benchmarks/write_results.py`, not by hand. All numbers are of float32,",
        "from one run on this machine; yours will differ.",
        "",
        *described,
        "",
        "![Kernels under the roofline of this machine](../docs/images/roofline.png)",
        "",
    ]
    return "\n".join(lines)


def beside_pytorch(
    goals: Sequence[tuple[speed_goals.Row, dict[int, Timings]]], threads: Sequence[int]
) -> str:
    """The table of ratios."""
    columns = ["what", "reach"]
    for count in threads:
        words = f"{count} thread{'s' if count > 1 else ''}"
        columns += [f"ratio, {words}", "middle half", "ms", "PyTorch's ms"]
    lines = [
        "## Beside PyTorch",
        "",
        "Both have as many threads, and take turns. The ratio is our time / PyTorch's within a",
        "round, its median and the middle half of the rounds; of several ways in which PyTorch can",
        "do it, against the fastest. In **bold** where the goal is reached.",
        "",
        _line(columns),
        _line(["---", *["---:"] * (len(columns) - 1)]),
    ]
    for row, by_threads in goals:
        cells = [row.text, f"≤ {row.at_most}"]
        for timings in by_threads.values():
            cells += _ratio_cells(row, timings)
        lines.append(_line(cells))
    return "\n".join([*lines, ""])


def limit_section(near: dict[int, dict[str, Near]]) -> str:
    """The table of bandwidths."""
    columns = ["kernel"]
    for count in near:
        words = f"{count} thread{'s' if count > 1 else ''}"
        columns += [f"GB/s, {words}", "of the ceiling"]
    lines = [
        "## Near the limit of memory",
        "",
        f"Kernels that do few operations on a byte, on arrays of {LARGE * 4 >> 20} MiB, beside the",
        f"bandwidth of a copy or triad of {ceilings.STREAMED * 4 >> 20} MiB, measured right before "
        "each of them. In **bold**",
        f"from {BOUND_BY_MEMORY:.0%} on.",
        "",
        _line(columns),
        _line(["---", *["---:"] * (len(columns) - 1)]),
    ]
    for name in near[1]:
        cells = [f"`{name}`"]
        for measured in near.values():
            speed, bandwidth = measured[name]
            share = speed / bandwidth
            cells += [f"{speed / 1e9:.1f}", _bold(f"{share:.0%}", share >= BOUND_BY_MEMORY)]
        lines.append(_line(cells))
    return "\n".join([*lines, ""])


def _ratio_cells(row: speed_goals.Row, timings: Timings) -> list[str]:
    peer = timings.fastest([name for name in timings.seconds if name != timings.ours])
    ratio = timings.median_ratio(peer)
    low, _, high = quartiles(timings.ratios(peer))
    return [
        _bold(f"{ratio:.2f}", ratio <= row.at_most),
        f"{low:.2f} to {high:.2f}",
        f"{timings.median(timings.ours):.3g}",
        f"{timings.median(peer):.3g}",
    ]


def _bold(text: str, bold: bool) -> str:
    return f"**{text}**" if bold else text


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
