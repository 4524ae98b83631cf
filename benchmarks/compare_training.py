"""Training beside PyTorch and Keras: an MLP's step, the second seed program's fit, predict.

python benchmarks/compare_training.py                everything, some minutes
python benchmarks/compare_training.py mlp predict    parts of it
python benchmarks/compare_training.py --json FILE    every number as JSON too

What training from a file larger than memory takes is measured by `memmap.py`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import machine  # noqa: F401 (the threads come before NumPy)
import mlp
import multiclass_program
from parts import in_words, run

from nnscratch_kernels.laboratory.paired import Goal, Timings, take_turns, wall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from parts import Result

    from nnscratch_kernels.laboratory.paired import Contestant

IMPLEMENTATIONS: dict[str, dict[str, bool]] = {
    "default": {},
    "for-loop": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
"""Of PyTorch's Adam."""


def mlp_step() -> Result:
    """A step of a warm fit against PyTorch's eager step, on one thread and on two."""
    by_threads = [_mlp_step(threads) for threads in (1, 2)]
    goals = [
        Goal.against(
            timings,
            [name for name in timings.seconds if name != timings.ours],
            f"MLP step / PyTorch's fastest, {in_words(threads)} each",
            1.2,
        )
        for threads, timings in zip((1, 2), by_threads, strict=True)
    ]
    return by_threads, goals


def _mlp_step(threads: int) -> Timings:
    fits = {"nnscratch": mlp.Nnscratch(threads).fit}
    for name, implementation in IMPLEMENTATIONS.items():
        fits[f"PyTorch, Adam {name}"] = mlp.Torch(threads, **implementation).fit
    return take_turns(
        f"MLP 784-512-512-10, batch 128, {in_words(threads)}",
        {name: wall(_checked(fit)) for name, fit in fits.items()},
        rounds=15,
        unit="ms a step",
        scale=1e3 / mlp.STEPS,
    )


def multiclass_fit() -> Result:
    """The second seed program's warm fit against Keras's on PyTorch, on one thread and on two."""
    fits: dict[str, Callable[[], Any]] = {"nnscratch": multiclass_program.Nnscratch().fit}
    for threads in (1, 2):
        fits[f"Keras, {in_words(threads)}"] = multiclass_program.Keras(threads).fit
    contestants = {name: wall(_checked_logs(fit)) for name, fit in fits.items()}
    timings = take_turns("Second seed program, warm fit", contestants, 9, unit="ms", scale=1e3)
    peers = list(fits)[1:]
    return [timings], [Goal.against(timings, peers, "second program's fit / Keras's", 1 / 15)]


def predict_row() -> Result:
    """`predict` on one row against Keras's; and the model that is called, each on one thread."""
    ours, theirs = multiclass_program.Nnscratch(), multiclass_program.Keras()
    predict = take_turns(
        "predict on one row",
        {
            "nnscratch, predict": _latency(ours.predict_row, 500),
            "Keras, predict": _latency(theirs.predict_row, 20),
            "Keras, model(x)": _latency(theirs.call_row, 100),
        },
        rounds=25,
    )
    call = take_turns(
        "model(x) on one row",
        {
            "nnscratch, model(x)": _latency(ours.call_row, 500),
            "Keras, model(x)": _latency(theirs.call_row, 100),
        },
        rounds=25,
    )
    goal = Goal.against(predict, ["Keras, predict"], "predict on one row / Keras's", 1 / 20)
    return [predict, call], [goal]


def _latency(work: Callable[[], Any], calls: int) -> Contestant:
    """A contestant that gives the mean time of a call."""

    def contestant() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            outputs = work()
        took = time.perf_counter() - start
        if outputs.shape != (1, 3):
            raise RuntimeError(f"A contestant predicted {outputs.shape} instead of (1, 3).")
        return took / calls

    return contestant


def _checked(fit: Callable[[], list[float]]) -> Callable[[], None]:
    """`fit`, after which the loss of every epoch must be there."""

    def run() -> None:
        _check(fit(), mlp.EPOCHS)

    return run


def _checked_logs(fit: Callable[[], dict[str, list[float]]]) -> Callable[[], None]:
    """`fit`, after which loss and accuracy of every epoch and its evaluation must be there."""

    def run() -> None:
        logs = fit()
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            _check(logs[name], multiclass_program.EPOCHS)

    return run


def _check(values: Iterable[float], epochs: int) -> None:
    values = list(values)
    if len(values) != epochs or not all(map(math.isfinite, values)):
        raise RuntimeError(f"A contestant did not log a number for each epoch: {values}.")


PARTS = {"mlp": mlp_step, "multiclass": multiclass_fit, "predict": predict_row}


if __name__ == "__main__":
    run(__doc__, PARTS)
