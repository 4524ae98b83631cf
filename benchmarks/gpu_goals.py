"""What is to be reached on a GPU, with a verdict on each line; some minutes.

python benchmarks/gpu_goals.py              every goal
python benchmarks/gpu_goals.py --json FILE  and every number into a file

`python benchmarks/write_results.py --only gpu` writes the same into RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import machine  # noqa: F401 (the threads come before NumPy)
import mlp

from nnscratch_kernels import auto
from nnscratch_kernels.devices import GPU, load_cupy
from nnscratch_kernels.laboratory import bench, cases, ceilings, contestants, gpu
from nnscratch_kernels.laboratory import machine as laboratory
from nnscratch_kernels.laboratory.paired import console, repeated, take_turns
from nnscratch_kernels.laboratory.progress import tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nnscratch_kernels.laboratory.ceilings import GpuCeilings

OURS, CUPY = "nnscratch", "CuPy"
LARGE = 1 << 24  # float32 elements: 64 MiB
BOUND_BY_MEMORY = 0.8  # of the bandwidth of a copy
PRODUCTS = {"matmul": (512, 2048, 8192), "matmul (transposed)": (2048,)}
OF_CUPY = 1.05  # of the time of cupy.matmul
OF_PYTORCH = 1.2
SECONDS = 0.3  # for a kernel, about
ROUNDS = 9


class Verdict(NamedTuple):
    """A goal and what was measured.

    Attributes:
        what: what is done.
        reach: the goal, in words.
        measured: in words.
        seconds: of a call or a step.
        reached: whether the goal is; None where there was nothing to compare with.
    """

    what: str
    reach: str
    measured: str
    seconds: float
    reached: bool | None

    @property
    def says(self) -> str:
        """The verdict in words."""
        return {True: "reached", False: "not reached", None: "not compared"}[self.reached]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line for each goal; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    asked = parser.parse_args(arguments)
    try:
        described = laboratory.describe() | gpu.describe()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in described.items():
        console().print(f"{name}: {text}")
    roof = ceilings.measure_gpu()
    console().print(roof.in_words())
    verdicts = []
    for verdict in every_goal(roof):
        console().print(
            f"{verdict.what}: {verdict.measured}, to be {verdict.reach}: {verdict.says}"
        )
        verdicts.append(verdict)
    if asked.json:
        content = {
            "machine": described,
            "ceilings": roof.as_json(),
            "goals": [verdict._asdict() for verdict in verdicts],
        }
        asked.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return 0


def every_goal(roof: GpuCeilings) -> Iterable[Verdict]:
    """All goals, one after the other."""
    yield training_step()
    yield from products()
    yield from memory_bound(roof)


def memory_bound(
    roof: GpuCeilings, names: Sequence[str] = (), count: int = LARGE, seconds: float = SECONDS
) -> Iterable[Verdict]:
    """How near the kernels that wait for memory come to its bandwidth.

    Args:
        roof: the GPU's limits.
        names: of cases; none for all of which this is true.
        count: elements.
        seconds: for each, about.
    """
    for name in tracked(names or waiting_for_memory(roof), "measuring", str):
        measured = bench.measure(
            name, count, "float32", {GPU: roof}, backends=["cupy"], seconds=seconds
        )
        took = measured.seconds("cupy")
        share = measured.moved / took / roof.bandwidth
        yield Verdict(
            name,
            f"≥ {BOUND_BY_MEMORY:.0%} of a copy's bandwidth",
            f"{measured.moved / took / 1e9:.0f} GB/s, {share:.0%}",
            took,
            share >= BOUND_BY_MEMORY,
        )


def waiting_for_memory(roof: GpuCeilings) -> list[str]:
    """The kernels whose bytes take longer than their operations."""
    names = []
    for name in cases.kernels():
        case = cases.make_case(name, 1 << 16).on(GPU)
        busy, waiting = case.operations / roof.single, case.bytes_moved / roof.bandwidth
        if busy < waiting and contestants.function_of(case, "cupy") is not None:
            names.append(name)
    return names


def products(
    sizes: dict[str, Sequence[int]] | None = None, rounds: int = ROUNDS
) -> Iterable[Verdict]:
    """Matrix products beside CuPy's own.

    Args:
        sizes: the sides of square matrices by the case; None for `PRODUCTS`.
        rounds: of each comparison.
    """
    cupy = load_cupy()
    for name, sides in (PRODUCTS if sizes is None else sizes).items():
        for side in sides:
            case = cases.make_case(name, side * side).on(GPU)
            a, b = case.arguments
            if case.recipe.options:
                a, b = a.T, b.T
            ours = case.call(getattr(auto, case.recipe.kernel))
            works = {OURS: ours, CUPY: partial(cupy.matmul, a, b)}
            turns = {
                who: gpu.clocked(work, bench.calls_a_turn(work, gpu.clocked)[0])
                for who, work in works.items()
            }
            timings = take_turns(name, turns, rounds, settle=0.0)
            ratio = timings.median_ratio(CUPY)
            yield Verdict(
                f"{name}, {side}×{side}",
                f"≤ {OF_CUPY} times cupy.matmul",
                f"{ratio:.2f} times",
                timings.median(OURS) / timings.scale,
                ratio <= OF_CUPY,
            )


def training_step(rounds: int = ROUNDS) -> Verdict:
    """A step of a multilayer perceptron beside PyTorch on the same GPU, by the clock on the wall.

    Both read their losses at the end of an epoch, so the work is done when the clock is read.
    """
    fits = {OURS: mlp.Nnscratch(device="gpu").fit}
    if torch_is_there():
        fits["PyTorch"] = mlp.Torch(device=contestants.TorchOnGpu.device).fit
        fits["PyTorch, Adam fused"] = mlp.Torch(
            device=contestants.TorchOnGpu.device, fused=True
        ).fit
    timings = take_turns("step", {who: _a_step(fit) for who, fit in fits.items()}, rounds)
    took = timings.median(OURS) / timings.scale
    what, reach = (
        "MLP 784-512-512-10, batch 128, Adam, whole step",
        f"≤ {OF_PYTORCH} times PyTorch's",
    )
    peers = [who for who in fits if who != OURS]
    if not peers:
        return Verdict(what, reach, f"{took * 1e3:.3f} ms, no PyTorch on this GPU", took, None)
    ratio = timings.median_ratio(timings.fastest(peers))
    return Verdict(
        what, reach, f"{took * 1e3:.3f} ms, {ratio:.2f} times", took, ratio <= OF_PYTORCH
    )


def torch_is_there() -> bool:
    """Whether PyTorch is installed and finds the GPU."""
    if find_spec("torch") is None:
        return False
    try:
        contestants.frameworks()[contestants.TORCH_ON_GPU]()
    except contestants.UnequalError:
        return False
    return True


def _a_step(fit: Callable[[], object]) -> Callable[[], float]:
    contestant = repeated(fit, 1)
    return lambda: contestant() / mlp.STEPS


if __name__ == "__main__":
    sys.exit(main())
