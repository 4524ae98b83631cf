"""Launching the kernels that slide windows over images, for convolution and pooling.

This is no kernel, so this module is no subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.cupy_kernels.launch import THREADS, cuda_kernel

if TYPE_CHECKING:
    from nnscratch_kernels.windows import Axis

AXIS = ("length", "size", "stride", "dilation", "positions", "before", "after")

WINDOWS = np.dtype(
    [
        ("images", np.int64),
        ("channels", np.int32),
        ("down", [(name, np.int32) for name in AXIS]),
        ("across", [(name, np.int32) for name in AXIS]),
    ],
    align=True,
)
"""The struct `Windows` of windows.cu, byte for byte."""

ELEMENTS = 8  # of a thread, at least: its first one costs it some divisions
MOST_BLOCKS = 1 << 11


def slide(name: str, axes: tuple[Axis, Axis], channels: int, given: Any, result: Any) -> None:
    """Launch a kernel of windows.cu; nothing where there is nothing to write.

    Args:
        name: of the kernel.
        axes: how the window slides over the rows and the columns.
        channels: of the images.
        given: the array or arrays that it reads, C-contiguous; the first one tells what is `real`.
        result: the array that it writes, C-contiguous, which has an element for each thread along
            its last axis.

    Raises:
        ValueError: images too large for a GPU's kernel, which counts rows and columns in 32 bits.
    """
    if not result.size:
        return
    width = result.shape[-1]
    if max(width, *(axis.padded for axis in axes)) >= 1 << 31:
        raise ValueError(
            f"{name} on a GPU takes images and windows of less than 2**31 rows, columns and "
            f"elements of a window: compute it in parts."
        )
    blocks = min(-(-result.size // (ELEMENTS * THREADS)), MOST_BLOCKS)
    arrays = given if isinstance(given, tuple) else (given,)
    windows = np.array((len(result), channels, *map(tuple, axes)), WINDOWS)
    kernel = cuda_kernel("windows", name, arrays[0].dtype)
    kernel((max(blocks, -(-width // THREADS)),), (THREADS,), (windows, *arrays, result))
