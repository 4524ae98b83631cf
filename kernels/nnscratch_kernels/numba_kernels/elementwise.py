"""How arrays of any layout go through compiled loops over elements, and how results come back.

A loop is `loop(first, last, *inputs, y, *parameters)` over one-dimensional contiguous arrays of one
dtype. It reads each input and writes `y` once, so it moves as few bytes as can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES, plain
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

PART = 1 << 22
"""Bytes of an input that one thread takes at a time, some 100 µs of work.

To wake another thread takes 20 to 50 µs, in which the one that is awake gets through a third of it.
"""

PART_OF_LONG_LOOPS = PART // 4
"""The same of a loop that computes an exponential, a logarithm or the like for each element."""


def can_compile(*arrays: Any) -> bool:
    """Whether these are arrays of one shape and one dtype, float32 or float64.

    What is not is the NumPy twin's to compute.
    """
    x = arrays[0]
    if not isinstance(x, np.ndarray) or x.dtype not in COMPILED_DTYPES:
        return False
    return all(
        isinstance(other, np.ndarray) and other.dtype == x.dtype and other.shape == x.shape
        for other in arrays[1:]
    )


def elementwise(
    loop: Callable[..., Any],
    *arrays: Any,
    parameters: tuple[float, ...] = (),
    long: bool = False,
) -> Any:
    """The result of a compiled loop over arrays that `can_compile`.

    Args:
        loop: a compiled loop.
        arrays: its inputs.
        parameters: numbers, given to the loop in the dtype of the arrays.
        long: whether it computes an exponential or the like, which more threads share sooner.

    Returns:
        A new array, in Fortran's order if all inputs are, else in C's; a number for 0-d inputs.
    """
    x = arrays[0]
    if x.ndim > 1 and all(array.flags.fnc for array in arrays):
        turned = (array.T for array in arrays)
        return elementwise(loop, *turned, parameters=parameters, long=long).T
    y = aligned.empty(x.shape, x.dtype)
    typed = [x.dtype.type(parameter) for parameter in parameters]
    part = (PART_OF_LONG_LOOPS if long else PART) // x.itemsize
    run_in_parts(
        loop, x.size, part, *(plain(array).reshape(-1) for array in arrays), y.reshape(-1), *typed
    )
    return y if y.ndim else y[()]
