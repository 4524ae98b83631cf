"""The ladder of the softmax: y = exp(x - max x) / Σ exp(x - max x), along the rows of x.

Every rung takes x, shape (rows, columns), contiguous and float32 or float64, and writes y, which is
like x. For each number that memory brings there is little to compute, so it counts how often a row
goes through memory, and how many exponentials it costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.rows import largest
from nnscratch_kernels.numba_kernels.vector_math import exp

BLOCK = 2048  # numbers that stay in the first cache
LANES = 64  # running pairs that go side by side


@compiled
def three_passes(x: Any, y: Any) -> None:
    """The formula as it stands: the largest of a row, then the sum, then the quotients.

    The largest is subtracted since exp overflows from 89 on in float32; now no exponent is above
    0. A row that is larger than the cache comes from memory three times.
    """
    for i in range(x.shape[0]):
        row, result = x[i], y[i]
        peak = largest(row)
        total = x.dtype.type(0)
        for j in range(row.size):
            total += exp(row[j] - peak)
        for j in range(row.size):
            result[j] = exp(row[j] - peak) / total


@compiled
def two_passes(x: Any, y: Any) -> None:
    """All in one pass, as if the largest so far were the largest; then a pass that corrects.

    A sum taken relative to one peak is taken relative to a higher one by a factor:
    Σ exp(x - new) = exp(old - new) Σ exp(x - old). So the exponentials are computed once instead of
    twice and kept in y, and a second pass multiplies each block by what it was off.
    """
    peaks = np.empty(-(-x.shape[1] // BLOCK), x.dtype)
    for i in range(x.shape[0]):
        peak, total = np.finfo(x.dtype).min, x.dtype.type(0)
        for b in range(peaks.size):
            row, result = x[i, b * BLOCK : (b + 1) * BLOCK], y[i, b * BLOCK : (b + 1) * BLOCK]
            higher = max(peak, largest(row))
            total *= exp(peak - higher)
            peaks[b] = peak = higher
            for j in range(row.size):
                result[j] = exp(row[j] - peak)
                total += result[j]
        for b in range(peaks.size):
            result = y[i, b * BLOCK : (b + 1) * BLOCK]
            factor = exp(peaks[b] - peak) / total
            for j in range(result.size):
                result[j] *= factor


@compiled
def online(x: Any, y: Any) -> None:
    """The same for single numbers: each lane keeps a running pair of peak and sum, no more.

    (Milakov, Gimelshein, "Online normalizer calculation for softmax", 2018.) Pairs can be merged in
    any order. That is what lets thousands of threads of a GPU share a row, and attention go without
    the matrix of its logits. It takes three exponentials for each number, so a processor, whose
    cache looks at a block twice at no cost, is no faster with it.
    """
    peaks, totals = np.empty(LANES, x.dtype), np.empty(LANES, x.dtype)
    for i in range(x.shape[0]):
        row, result = x[i], y[i]
        peaks[:] = np.finfo(x.dtype).min
        totals[:] = 0
        for start in range(0, row.size, LANES):
            some = row[start : start + LANES]
            for j in range(some.size):
                higher = max(peaks[j], some[j])
                totals[j] = totals[j] * exp(peaks[j] - higher) + exp(some[j] - higher)
                peaks[j] = higher
        peak = largest(peaks)
        total = x.dtype.type(0)
        for j in range(LANES):
            total += totals[j] * exp(peaks[j] - peak)
        for j in range(row.size):
            result[j] = exp(row[j] - peak) / total


RUNGS = (three_passes, two_passes, online)
"""In the order in which they were found."""
