"""From a triple loop to BLAS: what makes a kernel fast.

The data are random matrices. Every rung of a ladder computes the same, each a little closer to what
the processor or the GPU can do; `nnscratch_kernels/ladder` tells why. Each is timed beside the
others, round by round, so that whatever else the machine does meets all of them.
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

from nnscratch_kernels.laboratory import gpu
from nnscratch_kernels.ladder import matmul, softmax

ROUNDS = 7
random = np.random.default_rng(7)
ladders = {}  # the GFLOP/s of the rungs, by the ladder's title


def climb(title, rungs, arguments, wait=lambda: None):
    """Print the median time of each rung; the first call, which may compile, is left out."""
    times = {rung: [] for rung in rungs}
    for round in range(ROUNDS + 1):
        for rung in rungs:
            given = arguments(rung)
            start = perf_counter()
            rung(*given)
            wait()  # a GPU works while Python goes on
            if round:
                times[rung].append(perf_counter() - start)
    table = Table("rung", "size", "ms", "GFLOP/s", "times the rung before", title=title)
    rates = ladders[title] = {}
    for rung, taken in times.items():
        x, y = arguments(rung)  # an exponential counts as one operation here
        operations = 4 * x.size if "softmax" in title else 2 * x.size * y.shape[1]
        rate, size = operations / median(taken) / 1e9, " × ".join(map(str, x.shape))
        gain = f"{rate / [*rates.values()][-1]:.2f}" if rates else ""
        digits = f"{rate:.4g}" if rate < 1e4 else f"{rate:.0f}"
        table.add_row(rung.__name__, size, f"{1000 * median(taken):.2f}", digits, gain)
        rates[rung.__name__] = rate
    Console(width=80).print(table)


# 1. The product of two square matrices; for the slowest rungs, smaller ones.
side = {"in_python": 64, "triple_loop": 256}
pairs = {n: random.random((2, n, n), dtype=np.float32) for n in (64, 256, 1024)}
climb("matrix product", matmul.RUNGS, lambda rung: pairs[side.get(rung.__name__, 1024)])

# 2. The softmax of rows that no cache holds, beside the array that it is written to.
logits = np.zeros((2, 2, 1 << 23), np.float32)
logits[0] = random.normal(size=(2, 1 << 23))
climb("softmax", softmax.RUNGS, lambda rung: logits)

# 3. The same on a GPU, on more numbers.
if gpu.is_there():
    import cupy

    from nnscratch_kernels.ladder import gpu_matmul, gpu_softmax

    pair = cupy.asarray(random.random((2, 4096, 4096), dtype=np.float32))
    rows, wait = cupy.asarray(logits.reshape(2, 256, 1 << 16)), cupy.cuda.Device().synchronize
    climb("matrix product on a GPU", gpu_matmul.RUNGS, lambda rung: pair, wait)
    climb("softmax on a GPU", gpu_softmax.RUNGS, lambda rung: rows, wait)
else:
    print("The rungs for a GPU need one that CuPy can use.")

# 4. The picture.
figure, panels = plt.subplots(
    len(ladders) // 2, 2, figsize=(11, 2.2 * len(ladders)), layout="constrained"
)
for panel, (title, rates) in zip(panels.flat, ladders.items(), strict=True):
    bars = panel.barh(list(rates), list(rates.values()), color="#2678b2")
    panel.bar_label(bars, fmt="%.3g", padding=4)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    panel.set(title=title, xlabel="GFLOP/s", xscale="linear" if "softmax" in title else "log")
picture = sys.argv[1] if len(sys.argv) > 1 else "kernel_ladder.png"
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
