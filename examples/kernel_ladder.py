"""From a triple loop to BLAS: what makes a kernel fast.

The data are random matrices. Every rung of a ladder computes the same, each a little closer to what
the processor can do; `nnscratch_kernels/ladder` tells why. Each is timed beside the others, round
by round, so that whatever else the machine does meets all of them.
"""

import sys
from statistics import median
from time import perf_counter

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table

from nnscratch_kernels.ladder import matmul, softmax

ROUNDS = 7
random = np.random.default_rng(7)


def seconds(rungs, arguments):
    """The median time of each rung; the first call, which may compile, is left out."""
    times = {rung.__name__: [] for rung in rungs}
    for round in range(ROUNDS + 1):
        for rung in rungs:
            given = arguments(rung)
            start = perf_counter()
            rung(*given)
            if round:
                times[rung.__name__].append(perf_counter() - start)
    return {name: median(of_rung) for name, of_rung in times.items()}


# 1. The product of two square matrices; for the slowest rungs, smaller ones.
side = {"in_python": 64, "triple_loop": 256}
matrices = {n: random.random((2, n, n), dtype=np.float32) for n in (64, 256, 1024)}
products = seconds(matmul.RUNGS, lambda rung: matrices[side.get(rung.__name__, 1024)])
speed = {name: 2 * side.get(name, 1024) ** 3 / time / 1e9 for name, time in products.items()}

# 2. The softmax of rows that no cache holds. An exponential counts as one operation here.
logits = random.normal(size=(2, 1 << 23)).astype(np.float32)
result = np.empty_like(logits)
passes = seconds(softmax.RUNGS, lambda rung: (logits, result))
softmax_speed = {name: 4 * logits.size / time / 1e9 for name, time in passes.items()}

# 3. The table and the picture.
figure, panels = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=(2, 1), layout="constrained")
ladders = {"matrix product": (products, speed), "softmax": (passes, softmax_speed)}
for panel, (title, (times, rates)) in zip(panels, ladders.items(), strict=True):
    table = Table("rung", "size", "ms", "GFLOP/s", "times the rung before", title=title)
    before = None
    for name, rate in rates.items():
        gain = f"{rate / before:.2f}" if before else ""
        rows = logits.shape if times is passes else [side.get(name, 1024)] * 2
        size = " × ".join(map(str, rows))
        table.add_row(name, size, f"{1000 * times[name]:.2f}", f"{rate:.4g}", gain)
        before = rate
    Console(width=80).print(table)
    bars = panel.barh(list(rates), list(rates.values()), color="#2678b2")
    panel.bar_label(bars, fmt="%.3g", padding=4)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    panel.set(title=title, xlabel="GFLOP/s")
panels[0].set(xscale="log")
picture = sys.argv[1] if len(sys.argv) > 1 else "kernel_ladder.png"
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
