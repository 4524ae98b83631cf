"""How arrays of any layout go through CUDA kernels over elements, and how results come back.

Such a kernel is `name(size, y, *inputs, *parameters)` over contiguous arrays, written with
`each_element` of `common.cuh`: each input is read once and `y` written once. This is no kernel, so
this module is no subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import (
    MOST_BLOCKS,
    THREADS,
    compiled_for,
    cuda_kernel,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TILE = 4 * THREADS
"""Elements that a block takes at a time: AT_ONCE · TILE_THREADS of `common.cuh`."""


def can_compute(*arrays: Any) -> bool:
    """Whether these are arrays of the GPU of one shape and one dtype, float32 or float64.

    What is not is the NumPy twin's to compute, or to refuse.
    """
    return compiled_for(*arrays) and all(other.shape == arrays[0].shape for other in arrays[1:])


def elementwise(subject: str, name: str, *arrays: Any, parameters: tuple[float, ...] = ()) -> Any:
    """The result of a kernel over arrays that this module `can_compute`.

    Args:
        subject: the file of the kernel.
        name: the kernel's.
        arrays: its inputs.
        parameters: numbers, given to the kernel in the dtype of the arrays.

    Returns:
        A new array, in Fortran's order if all inputs are, else in C's.
    """
    x = arrays[0]
    if not x.flags.c_contiguous and all(array.flags.f_contiguous for array in arrays):
        return elementwise(subject, name, *(a.T for a in arrays), parameters=parameters).T
    y = cupy.empty(x.shape, x.dtype)
    over_tiles(
        cuda_kernel(subject, name, x.dtype),
        x.size,
        y,
        *map(plain, arrays),
        *map(x.dtype.type, parameters),
    )
    return y


def over_tiles(kernel: Callable[..., None], size: int, *arguments: Any) -> None:
    """Launch a kernel that is written with `each_element`; nothing for no elements.

    The kernel's first parameter is the size, `long long`; `arguments` follow.
    """
    if size:
        blocks = min(-(-size // TILE), MOST_BLOCKS)
        kernel((blocks,), (THREADS,), (np.int64(size), *arguments))
