"""From a CUDA source to a launch: compile once for each dtype, choose the grid, check the arrays.

This is no kernel, so this module is no subject.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 256
"""Threads of a block, for kernels that go element by element."""

MOST_BLOCKS = 1 << 13
"""Largest grid of such a kernel: some dozens of blocks on each multiprocessor of any GPU."""

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)

REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
"""What `real` stands for in a source, by dtype: the dtypes that kernels are compiled for."""


def cuda_source(package: str, subject: str) -> str:
    """The CUDA source of a subject, after what all sources share.

    A line such as `#include "matrix.cuh"` is replaced by that file, since a compiler at run time
    has no folder to look in.

    Args:
        package: where the folder `cuda` is, such as "nnscratch_kernels.cupy_kernels".
        subject: the file's name without `.cu`.
    """
    own = (files(package) / "cuda" / f"{subject}.cu").read_text(encoding="utf-8")
    return _shared("common.cuh") + _INCLUDE.sub(lambda line: _shared(line[1]), own)


def _shared(name: str) -> str:
    folder = files("nnscratch_kernels.cupy_kernels") / "cuda"
    return (folder / name).read_text(encoding="utf-8") + "\n"


@cache
def cuda_kernel(
    subject: str, name: str, dtype: Any, package: str = "nnscratch_kernels.cupy_kernels"
) -> Callable[..., None]:
    """A function of a CUDA source, to be called as `kernel(grid, block, arguments)`.

    The source is compiled at the first call, for the GPU at hand; CuPy keeps the result on disk,
    keyed by the source and the GPU. CuPy adds the option -ftz=true, to its own kernels as well: a
    subnormal float32 (below 1.2e-38) counts as 0 wherever it is computed with or compared.

    Args:
        subject: the file's name without `.cu`.
        name: of the `__global__` function.
        dtype: what `real` is: float32 or float64.
        package: where the folder `cuda` is.
    """
    module = _module(package, subject, np.dtype(dtype))
    kernel: Callable[..., None] = module.get_function(name)
    return kernel


@cache
def _module(package: str, subject: str, dtype: np.dtype[Any]) -> Any:
    return cupy.RawModule(
        code=cuda_source(package, subject), options=("-std=c++17", f"-DREAL={REAL[dtype]}")
    )


def compiled_for(*arrays: Any) -> bool:
    """Whether these are arrays of the GPU, of one dtype that kernels are compiled for.

    What is not so is the NumPy twin's to compute, or to refuse.
    """
    first = arrays[0]
    return (
        isinstance(first, cupy.ndarray)
        and first.dtype in REAL
        and all(isinstance(one, cupy.ndarray) and one.dtype == first.dtype for one in arrays[1:])
    )


def plain(array: Any, dtype: Any = None) -> Any:
    """The array itself if it is C-contiguous and of `dtype` (by default its own); else a copy."""
    return cupy.ascontiguousarray(array, dtype)


def over_elements(kernel: Callable[..., None], size: int, *arguments: Any) -> None:
    """Launch a kernel whose threads stride over `size` elements; nothing for none.

    The kernel's first parameter is the size, `long long`; `arguments` follow.
    """
    if size:
        blocks = min(-(-size // THREADS), MOST_BLOCKS)
        kernel((blocks,), (THREADS,), (np.int64(size), *arguments))


def over_rows(kernel: Callable[..., None], rows: int, threads: int, *arguments: Any) -> None:
    """Launch one block of `threads` for each of `rows`; nothing for none.

    The kernel's first parameter is the number of rows, `long long`; `arguments` follow. Above
    2³¹ − 1 rows, the most that a grid can have, blocks stride.
    """
    if rows:
        kernel((min(rows, 2**31 - 1),), (threads,), (np.int64(rows), *arguments))
