"""Pooling of images and its gradients: rows of pixels go side by side, images are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import all_alike, plain
from nnscratch_kernels.numpy_kernels import pooling as numpy_twin
from nnscratch_kernels.threads import run_in_parts
from nnscratch_kernels.windows import check_shape, window_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from nnscratch_kernels.windows import Axis

    Array = npt.NDArray[Any]
    Pair = int | tuple[int, int]

_PART = 1 << 18  # elements that one thread takes at a time


def max_pool2d(
    x: Array, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Array:
    """As `numpy_kernels.max_pool2d`."""
    axes = window_axes(
        "max_pool2d", x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    if not all_alike(x):
        return numpy_twin.max_pool2d(x, pool_size, strides, padding)
    return _pooled(_maxima, x, *axes)


def max_pool2d_gradient(
    g: Array,
    x: Array,
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Array:
    """As `numpy_kernels.max_pool2d_gradient`."""
    name = "max_pool2d_gradient"
    rows, columns = window_axes(
        name, x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    check_shape(name, g.shape, (len(x), rows.positions, columns.positions, x.shape[3]))
    if not all_alike(x, g):
        return numpy_twin.max_pool2d_gradient(g, x, pool_size, strides, padding)
    gradient = aligned.zeros(x.shape, x.dtype)
    x, g = plain(x), plain(g)
    run_in_parts(_to_maxima, len(x), _grain(x.shape), g, x, rows, columns, gradient)
    return gradient


def average_pool2d(
    x: Array, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid"
) -> Array:
    """As `numpy_kernels.average_pool2d`."""
    axes = window_axes(
        "average_pool2d", x.shape, pool_size, pool_size if strides is None else strides, padding
    )
    if not all_alike(x):
        return numpy_twin.average_pool2d(x, pool_size, strides, padding)
    return _pooled(_means, x, *axes)


def average_pool2d_gradient(
    g: Array,
    shape: tuple[int, ...],
    pool_size: Pair = 2,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Array:
    """As `numpy_kernels.average_pool2d_gradient`."""
    name = "average_pool2d_gradient"
    rows, columns = window_axes(
        name, shape, pool_size, pool_size if strides is None else strides, padding
    )
    check_shape(name, g.shape, (shape[0], rows.positions, columns.positions, shape[3]))
    if not all_alike(g):
        return numpy_twin.average_pool2d_gradient(g, shape, pool_size, strides, padding)
    gradient = aligned.zeros(shape, g.dtype)
    g = plain(g)
    run_in_parts(_to_all, len(g), _grain(shape), g, rows, columns, gradient)
    return gradient


def _grain(shape: tuple[int, ...]) -> int:
    """How many images make a part."""
    _, height, width, channels = shape
    return max(1, _PART // (height * width * channels))


def _pooled(loop: Callable[..., None], x: Array, rows: Axis, columns: Axis) -> Array:
    y = aligned.empty((len(x), rows.positions, columns.positions, x.shape[3]), x.dtype)
    run_in_parts(loop, len(x), _grain(x.shape), plain(x), rows, columns, y)
    return y


@compiled
def _inside(axis: Any, position: Any) -> Any:
    """From where to where the window lies on the image, without its padding."""
    start = position * axis.stride - axis.before
    return max(0, start), min(axis.length, start + axis.size)


@compiled(inline=True)
def _join_larger(a: Any, b: Any, out: Any) -> None:
    for k in range(out.size):
        one, other = a[k], b[k]
        out[k] = other if other > one or other != other else one


@compiled(inline=True)
def _join_sum(a: Any, b: Any, out: Any) -> None:
    for k in range(out.size):
        out[k] = a[k] + b[k]


@compiled(inline=True)
def _fill(out: Any, a: Any) -> None:
    for k in range(out.size):
        out[k] = a[k]  # a loop of its own: to assign a slice takes Numba much longer


@compiled
def _maxima(first: Any, last: Any, x: Any, rows: Any, columns: Any, y: Any) -> None:
    """First along the height, in one long loop over a band of the image, then along the width."""
    channels = x.shape[3]
    band = np.empty(x.shape[2] * channels, x.dtype)
    for n in range(first, last):
        image = x[n].reshape(x.shape[1], -1)
        for i in range(rows.positions):
            top, bottom = _inside(rows, i)
            _join_larger(image[top], image[min(top + 1, bottom - 1)], band)
            for h in range(top + 2, bottom):
                _join_larger(band, image[h], band)
            for j in range(columns.positions):
                left, right = _inside(columns, j)
                largest, second = y[n, i, j], min(left + 1, right - 1)
                pixel = band[left * channels : (left + 1) * channels]
                _join_larger(pixel, band[second * channels : (second + 1) * channels], largest)
                for w in range(left + 2, right):
                    pixel = band[w * channels : (w + 1) * channels]
                    _join_larger(largest, pixel, largest)


@compiled
def _to_maxima(
    first: Any, last: Any, g: Any, x: Any, rows: Any, columns: Any, gradient: Any
) -> None:
    channels = x.shape[3]
    largest = np.empty(channels, x.dtype)
    chosen = np.empty(channels, np.int32)
    for n in range(first, last):
        for i in range(rows.positions):
            top, bottom = _inside(rows, i)
            for j in range(columns.positions):
                left, right = _inside(columns, j)
                largest[:] = x[n, top, left]
                chosen[:] = 0
                tap = 0
                for h in range(top, bottom):
                    for w in range(left, right):
                        pixel = x[n, h, w]
                        for c in range(channels):
                            value = pixel[c]
                            better = value > largest[c] or value != value
                            largest[c] = value if better else largest[c]
                            chosen[c] = tap if better else chosen[c]
                        tap += 1
                share = g[n, i, j]
                tap = 0
                for h in range(top, bottom):
                    for w in range(left, right):
                        total = gradient[n, h, w]
                        for c in range(channels):
                            total[c] += share[c] if chosen[c] == tap else total.dtype.type(0)
                        tap += 1


@compiled
def _means(first: Any, last: Any, x: Any, rows: Any, columns: Any, y: Any) -> None:
    """As `_maxima`, with sums."""
    channels = x.shape[3]
    band = np.empty(x.shape[2] * channels, x.dtype)
    for n in range(first, last):
        image = x[n].reshape(x.shape[1], -1)
        for i in range(rows.positions):
            top, bottom = _inside(rows, i)
            _fill(band, image[top])
            for h in range(top + 1, bottom):
                _join_sum(band, image[h], band)
            for j in range(columns.positions):
                left, right = _inside(columns, j)
                mean = y[n, i, j]
                _fill(mean, band[left * channels : (left + 1) * channels])
                for w in range(left + 1, right):
                    _join_sum(mean, band[w * channels : (w + 1) * channels], mean)
                size = x.dtype.type((bottom - top) * (right - left))
                for c in range(mean.size):
                    mean[c] /= size


@compiled
def _to_all(first: Any, last: Any, g: Any, rows: Any, columns: Any, gradient: Any) -> None:
    """Along the width into a band, which all of the window's rows get in one long loop each."""
    channels = g.shape[3]
    band = np.empty(gradient.shape[2] * channels, g.dtype)
    for n in range(first, last):
        image = gradient[n].reshape(gradient.shape[1], -1)
        for i in range(rows.positions):
            top, bottom = _inside(rows, i)
            for k in range(band.size):
                band[k] = 0
            for j in range(columns.positions):
                left, right = _inside(columns, j)
                size = g.dtype.type((bottom - top) * (right - left))
                share = g[n, i, j]
                for w in range(left, right):
                    total = band[w * channels : (w + 1) * channels]
                    for c in range(total.size):
                        total[c] += share[c] / size
            for h in range(top, bottom):
                _join_sum(image[h], band, image[h])
