"""The first seed program against PyTorch and Keras: its warm `fit`, the import, the whole program.

python benchmarks/compare_seed_program.py                  everything, some minutes
python benchmarks/compare_seed_program.py pytorch import   parts of it
python benchmarks/compare_seed_program.py --json FILE      every number as JSON too
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import machine
import seed_program
from parts import in_words, run

from nnscratch_kernels.laboratory.paired import Goal, take_turns, wall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parts import Result

    from nnscratch_kernels.laboratory.paired import Timings

ROOT = Path(__file__).resolve().parents[1]


def pytorch_fit() -> Result:
    """The warm `fit` against plain PyTorch loops, each on one thread and on two."""
    ways = {
        "DataLoader": seed_program.loader,
        "x[i] a batch": seed_program.index,
        "x[order] an epoch": seed_program.permute,
    }
    by_way: dict[str, list[str]] = {way: [] for way in ways}
    contestants = {"nnscratch": _checked(seed_program.Nnscratch().fit)}
    for way, threads, foreach in itertools.product(ways, (1, 2), (False, True)):
        name = f"{way}, {in_words(threads)}{', foreach' if foreach else ''}"
        by_way[way].append(name)
        contestants[name] = _checked(seed_program.Torch(ways[way], threads, foreach).fit)
    timings = _per_step("Warm fit, and PyTorch loops", contestants, rounds=15)
    tutorial, *by_hand = by_way.values()
    every_by_hand = list(itertools.chain(*by_hand))
    goals = [
        Goal.against(timings, tutorial, "fit / PyTorch loop as in its tutorials", 1 / 4),
        Goal.against(timings, every_by_hand, "fit / fastest PyTorch loop by hand", 1 / 4),
    ]
    return [timings], goals


def keras_fit() -> Result:
    """The warm `fit` against Keras's on PyTorch, on one thread and on two."""
    contestants = {"nnscratch": _checked(seed_program.Nnscratch().fit)}
    for threads in (1, 2):
        name = f"Keras, {in_words(threads)}"
        contestants[name] = _checked(seed_program.Keras(threads).fit)
    timings = _per_step("Warm fit, and Keras's", contestants, rounds=9)
    return [timings], [Goal.against(timings, list(contestants)[1:], "fit / Keras's fit", 1 / 20)]


def import_time() -> Result:
    """`import nnscratch` against `import numpy`, each in a new process with compiled bytecode."""
    statement = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    processes = take_turns(
        "A process that imports",
        {name: wall(partial(_python, "-c", f"import {name}")) for name in _IMPORTED},
        rounds=25,
        unit="ms",
        scale=1e3,
    )
    statements = take_turns(
        "The import statement alone",
        {name: partial(_reported_by, statement.format(name)) for name in _IMPORTED},
        rounds=25,
        unit="ms",
        scale=1e3,
    )
    goals = [
        Goal.against(processes, ["numpy"], "process importing nnscratch / numpy", 1.5),
        Goal.against(statements, ["numpy"], "import statement, nnscratch / numpy", 1.5),
    ]
    return [processes, statements], goals


_IMPORTED = ("nnscratch", "numpy")


def whole_program() -> Result:
    """The program from process start against the same program under Keras."""
    ours = ROOT / "examples" / "keras_binary.py"
    with tempfile.TemporaryDirectory() as folder:
        theirs = Path(folder) / "keras_binary.py"
        theirs.write_text(ours.read_text().replace("from nnscratch.", "from keras."))
        contestants = {
            "nnscratch": wall(lambda: _python(str(ours))),
            "Keras, default threads": wall(lambda: _python(str(theirs))),
            "Keras, 1 thread": wall(lambda: _python(str(theirs), OMP_NUM_THREADS="1")),
        }
        timings = take_turns("The whole program", contestants, rounds=3, unit="s", scale=1.0)
    peers = list(contestants)[1:]
    return [timings], [Goal.against(timings, peers, "whole program / under Keras", 1 / 8)]


def _per_step(title: str, fits: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    contestants = {name: wall(fit) for name, fit in fits.items()}
    scale = 1e6 / seed_program.STEPS
    return take_turns(title, contestants, rounds, unit="µs a step", scale=scale)


def _checked(fit: Callable[[], seed_program.Logs]) -> Callable[[], None]:
    """`fit`, after which loss and accuracy of every epoch must be there."""

    def run() -> None:
        logs = fit()
        if len(logs) != seed_program.EPOCHS or not all(0 < a < 1 for _, a in logs):
            raise RuntimeError(f"A contestant did not log loss and accuracy of each epoch: {logs}.")

    return run


def _python(*arguments: str, **variables: str) -> str:
    """What a new Python process prints; it may write bytecode and use its own default threads."""
    left_out = {"PYTHONDONTWRITEBYTECODE", *machine.THREAD_VARIABLES}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    finished = subprocess.run(
        [sys.executable, *arguments],
        env=environment | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if finished.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed: {finished.stderr}")
    return finished.stdout


def _reported_by(program: str) -> float:
    """The seconds that a new Python process prints."""
    return float(_python("-c", program))


PARTS = {
    "pytorch": pytorch_fit,
    "keras": keras_fit,
    "import": import_time,
    "program": whole_program,
}


if __name__ == "__main__":
    run(__doc__, PARTS)
