"""Matrices for kernels that give a team of threads to each row, and their twins in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels import numpy_kernels
from tests.gpu.on_device import map_arrays

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 2e-15}

# Lengths around the sizes of warps, blocks and tiles. Of short rows a block takes up to 256.
LENGTHS = [1, 2, 3, 31, 32, 33, 127, 128, 129, 255, 256, 257, 1000, 1025, 2048, 2049, 4097, 5000]
SHAPES = [
    (0, 33),
    (1, 1),
    (1, 257),
    *((257 if length < 10 else 17 if length < 100 else 3, length) for length in LENGTHS),
]

generator = np.random.default_rng(0)


def normal(shape: tuple[int, ...], dtype: Any, scale: float = 1.0) -> Any:
    """Normally distributed numbers."""
    return (scale * generator.normal(size=shape)).astype(dtype)


def exactly(twin: str, *arguments: Any, **options: Any) -> Any:
    """What the NumPy twin gives in float64 for the numbers that a narrower dtype was given."""
    wide = map_arrays(
        arguments, lambda one: one.astype(float) if one.dtype.kind == "f" else one, np.ndarray
    )
    with np.errstate(all="ignore"):
        return getattr(numpy_kernels, twin)(*wide, **options)
