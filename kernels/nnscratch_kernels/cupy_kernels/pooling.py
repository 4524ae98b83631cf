"""Pooling on the GPU: a thread for each result, and on the way back a thread for each pixel.

A pixel adds up what its windows hold for it, in a fixed order, so nothing is added atomically and
every run gives the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import compiled_for, plain
from nnscratch_kernels.cupy_kernels.sliding import slide
from nnscratch_kernels.numpy_kernels import pooling as numpy_twin
from nnscratch_kernels.windows import check_shape, window_axes

if TYPE_CHECKING:
    from nnscratch_kernels.windows import Axis

    Pair = int | tuple[int, int]

MOST_TAPS = 1 << 16  # of a window: the largest element's number takes 16 bits


def max_pool2d(
    x: Any, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Any:
    """As `numpy_kernels.max_pool2d`, in one pass."""
    if not compiled_for(x):
        return numpy_twin.max_pool2d(x, pool_size, strides, padding)
    axes = _axes("max_pool2d", x.shape, pool_size, strides, padding)
    y = cupy.empty(_result_shape(x.shape, axes), x.dtype)
    slide("max_pool2d", axes, x.shape[-1], plain(x), y)
    return y


def max_pool2d_gradient(
    g: Any,
    x: Any,
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Any:
    """As `numpy_kernels.max_pool2d_gradient`: the windows find their largest, then pixels ask."""
    axes = _axes("max_pool2d_gradient", x.shape, pool_size, strides, padding)
    if not compiled_for(g, x) or axes[0].size * axes[1].size > MOST_TAPS:
        return numpy_twin.max_pool2d_gradient(g, x, pool_size, strides, padding)
    check_shape("max_pool2d_gradient", g.shape, _result_shape(x.shape, axes))
    taps = cupy.empty(g.shape, np.uint16)
    slide("max_pool2d_taps", axes, x.shape[-1], plain(x), taps)
    images = cupy.empty(x.shape, g.dtype)
    slide("max_pool2d_gradient", axes, x.shape[-1], (plain(g), taps), images)
    return images


def average_pool2d(
    x: Any, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Any:
    """As `numpy_kernels.average_pool2d`, in one pass."""
    if not compiled_for(x):
        return numpy_twin.average_pool2d(x, pool_size, strides, padding)
    axes = _axes("average_pool2d", x.shape, pool_size, strides, padding)
    y = cupy.empty(_result_shape(x.shape, axes), x.dtype)
    slide("average_pool2d", axes, x.shape[-1], plain(x), y)
    return y


def average_pool2d_gradient(
    g: Any,
    shape: tuple[int, ...],
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Any:
    """As `numpy_kernels.average_pool2d_gradient`, in one pass."""
    if not compiled_for(g):
        return numpy_twin.average_pool2d_gradient(g, shape, pool_size, strides, padding)
    axes = _axes("average_pool2d_gradient", shape, pool_size, strides, padding)
    check_shape("average_pool2d_gradient", g.shape, _result_shape(shape, axes))
    images = cupy.empty(shape, g.dtype)
    slide("average_pool2d_gradient", axes, shape[-1], plain(g), images)
    return images


def _axes(
    kernel: str, shape: tuple[int, ...], pool_size: Pair, strides: Pair | None, padding: str
) -> tuple[Axis, Axis]:
    steps = pool_size if strides is None else strides
    return window_axes(kernel, shape, pool_size, steps, padding)


def _result_shape(shape: tuple[int, ...], axes: tuple[Axis, Axis]) -> tuple[int, int, int, int]:
    return shape[0], axes[0].positions, axes[1].positions, shape[3]
