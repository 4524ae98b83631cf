"""How arrays of any layout go through compiled loops over elements, and how results come back.

A loop is `loop(first, last, *inputs, y, *parameters)` over one-dimensional contiguous arrays of one
dtype. It reads each input and writes `y` once, so it moves as few bytes as can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES, plain
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

PART = 1 << 17
"""Elements that one thread takes at a time: some 20 to 200 µs of work."""


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


def elementwise(loop: Callable[..., Any], *arrays: Any, parameters: tuple[float, ...] = ()) -> Any:
    """The result of a compiled loop over arrays that `can_compile`.

    Args:
        loop: a compiled loop.
        arrays: its inputs.
        parameters: numbers, given to the loop in the dtype of the arrays.

    Returns:
        A new array, in Fortran's order if all inputs are, else in C's; a number for 0-d inputs.
    """
    x = arrays[0]
    if x.ndim > 1 and all(array.flags.fnc for array in arrays):
        return elementwise(loop, *(array.T for array in arrays), parameters=parameters).T
    y = np.empty(x.shape, x.dtype)
    typed = [x.dtype.type(parameter) for parameter in parameters]
    run_in_parts(
        loop, x.size, PART, *(plain(array).reshape(-1) for array in arrays), y.reshape(-1), *typed
    )
    return y if y.ndim else y[()]
