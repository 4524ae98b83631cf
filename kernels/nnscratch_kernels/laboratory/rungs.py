"""The ladders of the matrix product, rung by rung in operations a second."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from nnscratch_kernels.devices import load_cupy
from nnscratch_kernels.laboratory import gpu
from nnscratch_kernels.laboratory.paired import SETTLE, take_turns, wall
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from nnscratch_kernels.laboratory.paired import Timings

SIDE = 512
SIDE_ON_GPU = 4096
ROWS_IN_PYTHON = 4  # of the left matrix; the interpreter takes a second for each 50 or so


def climb(side: int = SIDE, rounds: int = 7) -> tuple[Timings, dict[str, float]]:
    """Measure every rung on square float32 matrices, the interpreter on some rows of one.

    Returns:
        What each rung took, and its operations a second, from the bottom to the top.
    """
    from nnscratch_kernels.ladder.matmul import RUNGS, in_python

    generator = np.random.default_rng(0)
    a, b = (generator.random((side, side), dtype=np.float32) for _ in range(2))
    turns, operations = {}, {}
    for rung in reversed(RUNGS):  # BLAS first, with which the others are compared
        rows = a[:ROWS_IN_PYTHON] if rung is in_python else a
        name = rung.__name__.replace("_", " ")
        rung(rows, b)  # compiles
        turns[name] = wall(partial(rung, rows, b))
        operations[name] = 2 * len(rows) * side * side
    timings = take_turns(
        f"matrix product, {side}×{side} of float32",
        turns,
        rounds,
        settle=SETTLE if thread_count() > 1 else 0.0,
    )
    speeds = {name: operations[name] / median(timings.seconds[name]) for name in operations}
    return timings, dict(reversed(speeds.items()))


def climb_on_gpu(side: int = SIDE_ON_GPU, rounds: int = 7) -> tuple[Timings, dict[str, float]]:
    """Measure every rung of the GPU's ladder on square float32 matrices there.

    Returns:
        What each rung took, and its operations a second, from the bottom to the top.

    Raises:
        RuntimeError: there is no CuPy.
    """
    cupy = load_cupy()
    from nnscratch_kernels.ladder.gpu_matmul import RUNGS

    generator = np.random.default_rng(0)
    a, b = (cupy.asarray(generator.random((side, side), dtype=np.float32)) for _ in range(2))
    turns = {
        rung.__name__.replace("_", " "): gpu.clocked(partial(rung, a, b), 1)
        for rung in reversed(RUNGS)  # cuBLAS first, with which the others are compared
    }
    timings = take_turns(
        f"matrix product on the GPU, {side}×{side} of float32",
        turns,
        rounds,
        unit="ms",
        scale=1e3,
        settle=0.0,
    )
    speeds = {name: 2 * side**3 / median(took) for name, took in timings.seconds.items()}
    return timings, dict(reversed(speeds.items()))
