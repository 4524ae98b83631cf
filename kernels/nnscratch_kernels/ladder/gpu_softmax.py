"""The ladder of the softmax on a GPU: y = exp(x - max x) / Σ exp(x - max x), along the rows of x.

Every rung takes x, shape (rows, columns), and y, which it writes, both of CuPy, contiguous and
float32 or float64. The kernels are in cuda/softmax.cu, one for each rung with its name; each has a
block of threads for each row. An exponential costs a GPU next to nothing, so it counts how often a
row goes through memory, and how often threads wait for each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel

THREADS = 512


def three_passes(x: Any, y: Any) -> None:
    """The formula as it stands: the largest of a row, then the sum, then the quotients.

    The threads of a block go over the row side by side and merge what they found at the end of a
    pass. A row that is larger than the cache is read three times and written once.
    """
    _by_rows("three_passes", x, y)


def two_passes(x: Any, y: Any) -> None:
    """The largest and the sum in one pass, as if the largest so far were the largest.

    A sum taken relative to one peak is taken relative to a higher one by a factor:
    Σ exp(x - new) = exp(old - new) Σ exp(x - old). That saves one reading of the row. But the block
    agrees on a peak for every 512 numbers, and until all threads have come, all of them wait.
    """
    _by_rows("two_passes", x, y)


def online(x: Any, y: Any) -> None:
    """The same with a peak and a sum for each thread, which are merged once, at the end.

    (Milakov, Gimelshein, "Online normalizer calculation for softmax", 2018.) No thread waits for
    another while the row comes in, so the next numbers are on their way before the last ones are
    used up. Merging in any order is what lets attention do without the matrix of its logits.
    """
    _by_rows("online", x, y)


RUNGS = (three_passes, two_passes, online)
"""In the order in which they were found."""


def _by_rows(name: str, x: Any, y: Any) -> None:
    """Launch a kernel of softmax.cu with a block for each row."""
    if x.size:
        kernel = cuda_kernel("softmax", name, x.dtype, "nnscratch_kernels.ladder")
        kernel((len(x),), (THREADS,), (np.int64(x.shape[1]), x, y))
