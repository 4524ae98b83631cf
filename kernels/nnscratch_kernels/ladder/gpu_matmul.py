"""The ladder of the matrix product on a GPU: c = a b, from a thread for each number to cuBLAS.

Every rung takes a, shape (rows, inner), and b, shape (inner, columns), both of CuPy, contiguous and
float32 or float64, and returns c, shape (rows, columns). The kernels are in cuda/matmul.cu, one for
each rung but the last, with its name. A multiprocessor does some 128 multiplications in the time in
which it gets one number from memory; what changes is how often each number is fetched.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import cuda_kernel

SIDE = 32  # of a tile with a thread for each number
TILE = 128  # of a tile with 8 × 8 numbers for each of 256 threads


def naive(a: Any, b: Any) -> Any:
    """A thread for each number of c: c_ij = Σ_k a_ik b_kj.

    Thousands of threads run at once, and while some wait for memory others compute. But the 32
    threads of a warp, which go in step, stand below each other in c, so that at each step they read
    32 rows of a, each in another piece of memory (32 bytes), of which they use one number.
    """
    return _by_tiles("naive", SIDE, (SIDE, SIDE), a, b)


def coalesced(a: Any, b: Any) -> Any:
    """The same with rows and columns exchanged: the threads of a warp stand side by side in c.

    At each step they read neighbouring numbers of b, which memory delivers together, and one and
    the same number of a. Nothing else changes: coalescing is the first thing to look at.
    """
    return _by_tiles("coalesced", SIDE, (SIDE, SIDE), a, b)


def shared_tiles(a: Any, b: Any) -> Any:
    """Tile by tile: a block copies a tile of a and one of b into shared memory, and uses it there.

    Each of the 32 × 32 threads fetches one number of either, and all of them use all of these, so
    that memory is asked for a thirty-second of the numbers. Shared memory is as near as a cache,
    but the program says what it holds.
    """
    return _by_tiles("shared_tiles", SIDE, (SIDE, SIDE), a, b)


def register_tiles(a: Any, b: Any) -> Any:
    """The same with 8 × 8 numbers of c for each thread, which stay in its registers.

    Shared memory is too slow to feed the multipliers when each product takes two numbers from it.
    Now a thread reads 8 numbers of a and 8 of b for 64 products, four numbers in one instruction,
    and a tile of 128 × 128 is four times as frugal with memory as well.
    """
    return _by_tiles("register_tiles", TILE, (256,), a, b)


def cublas(a: Any, b: Any) -> Any:
    """What CuPy calls: the same ideas, tuned by NVIDIA for each kind of GPU and each shape.

    It also fetches the next tiles while it multiplies, and keeps shared memory free of conflicts
    with instructions that CUDA C++ has no words for.
    """
    return cupy.matmul(a, b)


RUNGS = (naive, coalesced, shared_tiles, register_tiles, cublas)
"""From the slowest to the fastest."""


def _by_tiles(name: str, tile: int, threads: tuple[int, ...], a: Any, b: Any) -> Any:
    """Launch a kernel of matmul.cu with a block for each tile of c."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = cupy.empty((rows, columns), a.dtype)
    if c.size:
        kernel = cuda_kernel("matmul", name, a.dtype, "nnscratch_kernels.ladder")
        grid = -(-rows // tile), -(-columns // tile)
        kernel(grid, threads, (np.int64(rows), np.int64(inner), np.int64(columns), a, b, c))
    return c
