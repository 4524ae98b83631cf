"""Memory over 10,000 training steps of the first seed program: it should be flat.

    python benchmarks/memory.py

Two runs: resident memory as the system counts it, and what Python and NumPy have allocated as
`tracemalloc` counts it (apart, since tracing itself takes memory). Nothing is collected by hand.
"""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import machine
import numpy as np
import psutil
from rich.table import Table

from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch_kernels.laboratory.paired import console

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 10_000
WARM_UP = 1_000
READINGS = 10


def readings(read: Callable[[], int]) -> list[int]:
    """What `read` says after the warm-up and then ten times over 10,000 steps."""
    generator = np.random.default_rng(0)
    x, y = generator.random((1000, 20)), generator.integers(2, size=(1000, 1))
    model = Sequential()
    model.add(Dense(64, activation="relu", input_dim=20))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    batches = [(x[i : i + 32], y[i : i + 32]) for i in range(0, len(x), 32)]

    def train(first: int, last: int) -> None:
        for step in range(first, last):
            model.train_on_batch(*batches[step % len(batches)])

    train(0, WARM_UP)
    values = [read()]
    for reading in range(READINGS):
        start = WARM_UP + reading * STEPS // READINGS
        train(start, start + STEPS // READINGS)
        values.append(read())
    return values


def main() -> None:
    """Take both readings, print first, last and difference."""
    for name, value in machine.describe().items():
        console().print(f"{name}: {value}")
    process = psutil.Process()
    resident = readings(lambda: process.memory_info().rss)
    tracemalloc.start()
    allocated = readings(lambda: tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    table = Table(
        title=f"Memory over {STEPS:,} training steps, in KiB, after {WARM_UP:,} to warm up",
        title_justify="left",
    )
    for column in ("", "first", "last", "difference", "bytes a step", "lowest", "highest"):
        table.add_column(column, justify="right")
    for name, values in (("resident", resident), ("allocated by Python", allocated)):
        grown = values[-1] - values[0]
        shown = (values[0], values[-1], grown, min(values), max(values))
        first, last, difference, lowest, highest = (f"{value / 1024:,.1f}" for value in shown)
        table.add_row(name, first, last, difference, f"{grown / STEPS:.2f}", lowest, highest)
    console().print(table)


if __name__ == "__main__":
    main()
