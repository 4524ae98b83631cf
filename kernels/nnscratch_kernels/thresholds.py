"""From how many elements on Numba is faster than NumPy, by kernel and dtype.

The numbers were measured by `nnscratch tune`, whose own results for a machine take their place.
Those here are never below `LEAST`: a short program on small arrays shall not wait a fifth of a
second for Numba to be imported in order to save a few milliseconds.
"""

from __future__ import annotations

LEAST = 1 << 14

NEVER = 1 << 62

MEASURED: dict[str, tuple[int, int]] = {}
"""For each kernel the number of elements in float32 and in float64."""
