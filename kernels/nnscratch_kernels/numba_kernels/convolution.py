"""Convolution of images without a matrix of their windows, as products of tiles in registers.

The windows of an image are read from where they are: one table says where each begins, another how
far each tap of the kernel is from there. So an image is read from memory once, and while it is
worked on it stays in the cache, with zeros around it where there is padding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import all_alike, plain
from nnscratch_kernels.numba_kernels.register_tiles import (
    ROWS,
    VECTORS,
    fitting_vectors,
    lanes,
    multiply_tile,
)
from nnscratch_kernels.numpy_kernels import convolution as numpy_twin
from nnscratch_kernels.threads import run_in_parts
from nnscratch_kernels.windows import check_shape, conv2d_axes, window_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from nnscratch_kernels.windows import Axis

    Array = npt.NDArray[Any]
    Pair = int | tuple[int, int]

_PART = 2e7  # operations, about a tenth of a millisecond
_MOST_SUMS = 16  # parts of a sum over images, each of which has an array of its own


def conv2d(
    x: Array,
    kernel: Array,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """As `numpy_kernels.conv2d`."""
    rows, columns = conv2d_axes("conv2d", x.shape, kernel.shape, strides, padding, dilation_rate)
    if not all_alike(x, kernel):
        return numpy_twin.conv2d(x, kernel, strides, padding, dilation_rate)
    y = aligned.empty((len(x), rows.positions, columns.positions, kernel.shape[3]), x.dtype)
    frame = _frame(x.shape, (rows.before, rows.after), (columns.before, columns.after))
    corners = _offsets(frame, _positions(rows), _positions(columns))
    pixels = np.arange(len(corners)) * kernel.shape[3]
    _convolve(x, frame, corners, _offsets(frame, _taps(rows), _taps(columns)), kernel, pixels, y)
    return y


def conv2d_gradient_x(
    g: Array,
    kernel: Array,
    shape: tuple[int, ...],
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """As `numpy_kernels.conv2d_gradient_x`: a convolution of g with the transposed kernel.

    With strides the pixels of an image fall into phases, each a convolution with some of the taps.
    """
    name = "conv2d_gradient_x"
    rows, columns = conv2d_axes(name, shape, kernel.shape, strides, padding, dilation_rate)
    check_shape(name, g.shape, (shape[0], rows.positions, columns.positions, kernel.shape[3]))
    if not all_alike(g, kernel):
        return numpy_twin.conv2d_gradient_x(g, kernel, shape, strides, padding, dilation_rate)
    images = aligned.zeros(shape, g.dtype)
    transposed = kernel.swapaxes(2, 3)
    for down in _phases(rows):
        for across in _phases(columns):
            frame = _frame(g.shape, down.margins(rows.positions), across.margins(columns.positions))
            corners = _offsets(frame, down.positions, across.positions) + frame.origin
            taps = _offsets(frame, -down.shifts, -across.shifts)
            pixels = np.add.outer(down.pixels * shape[2], across.pixels).ravel() * shape[3]
            some = transposed[np.ix_(down.taps, across.taps)]
            _convolve(g, frame, corners, taps, some, pixels, images)
    return images


def conv2d_gradient_kernel(
    g: Array,
    x: Array,
    kernel_size: Pair,
    strides: Pair = 1,
    padding: str = "valid",
    dilation_rate: Pair = 1,
) -> Array:
    """As `numpy_kernels.conv2d_gradient_kernel`; the images are added up in parts, in order."""
    name = "conv2d_gradient_kernel"
    rows, columns = window_axes(name, x.shape, kernel_size, strides, padding, dilation_rate)
    count, channels, outputs = len(x), x.shape[3], g.shape[-1]
    check_shape(name, g.shape, (count, rows.positions, columns.positions, outputs))
    if not all_alike(g, x):
        return numpy_twin.conv2d_gradient_kernel(g, x, kernel_size, strides, padding, dilation_rate)
    frame = _frame(x.shape, (rows.before, rows.after), (columns.before, columns.after))
    taps = _offsets(frame, _taps(rows), _taps(columns))
    weights = np.add.outer(taps, np.arange(channels)).ravel()
    vectors = fitting_vectors(outputs, g.dtype)
    operations = 2 * g[0].size * len(weights)
    grain = max(_grain(operations), -(-count // _MOST_SUMS))
    sums = np.zeros((-(-count // grain), len(weights), outputs), g.dtype)
    run_in_parts(
        _CORRELATE[vectors],
        count,
        grain,
        grain,
        _by_rows(x),
        frame,
        _table(weights),
        _offsets(frame, _positions(rows), np.zeros(1, np.int64)),
        columns.stride * channels,
        plain(g).reshape(count, -1, outputs),
        columns.positions,
        vectors * lanes(g.dtype),
        sums,
    )
    gradient: Array = np.add.reduce(sums, axis=0)
    return gradient.reshape(rows.size, columns.size, channels, outputs)


def _grain(operations: float) -> int:
    """How many images make a part, with so many operations for each."""
    return max(1, math.ceil(_PART / operations))


def _positions(axis: Axis) -> Array:
    return np.arange(axis.positions) * axis.stride


def _taps(axis: Axis) -> Array:
    return np.arange(axis.size) * axis.dilation


class _Frame(NamedTuple):
    """Where an image lies among the zeros around it. All are numbers of elements, but height."""

    height: int
    row: int
    top: int
    left: int
    pixel: int

    @property
    def origin(self) -> int:
        """Where the image begins."""
        return self.top * self.row + self.left


def _frame(
    shape: tuple[int, ...], vertical: tuple[int, int], horizontal: tuple[int, int]
) -> _Frame:
    _, height, width, channels = shape
    return _Frame(
        height=height + sum(vertical),
        row=(width + sum(horizontal)) * channels,
        top=vertical[0],
        left=horizontal[0] * channels,
        pixel=channels,
    )


def _offsets(frame: _Frame, down: Array, across: Array) -> Any:
    """For so many rows down and columns across, all pairs of them, how far that is in elements."""
    return np.add.outer(down * frame.row, across * frame.pixel).ravel()


class _Phase(NamedTuple):
    """Pixels of one axis that take the same taps of a kernel: pixel i gets g[position - shift]."""

    pixels: Array
    positions: Array
    taps: Array
    shifts: Array

    def margins(self, positions: int) -> tuple[int, int]:
        """How far that reaches out of an axis of g that has so many positions, at either end."""
        least = self.positions[0] - self.shifts[-1]
        most = self.positions[-1] - self.shifts[0]
        return max(0, -int(least)), max(0, int(most) - positions + 1)


def _phases(axis: Axis) -> Iterator[_Phase]:
    """The phases of an axis that any tap reaches.

    Pixel h was read by tap p at the position i with i · stride = h + before - p · dilation, so both
    h + before and p · dilation leave the same remainder, the phase, when divided by the stride.
    """
    places = np.arange(axis.length) + axis.before
    steps = _taps(axis)
    for phase in range(axis.stride):
        (pixels,) = np.nonzero(places % axis.stride == phase)
        (taps,) = np.nonzero(steps % axis.stride == phase)
        if len(pixels) and len(taps):
            yield _Phase(pixels, places[pixels] // axis.stride, taps, steps[taps] // axis.stride)


def _by_rows(images: Array) -> Array:
    """Contiguous, of shape (batch, height, width · channels)."""
    count, height, width, channels = images.shape
    return plain(images).reshape(count, height, width * channels)


def _table(places: Array) -> Array:
    """At least as many places as a tile has rows."""
    return places if len(places) >= ROWS else np.resize(places, ROWS)


def _convolve(
    x: Array,
    frame: _Frame,
    corners: Array,
    taps: Array,
    kernel: Array,
    pixels: Array,
    y: Array,
) -> None:
    """For every window, add up what its taps see times their weights.

    Args:
        x: images.
        frame: how they are padded.
        corners: where the windows begin in a padded image.
        taps: how far the taps are from there.
        kernel: weights, shape (height, width, channels of x, channels of y).
        pixels: for every window, where its result goes in an image of y.
        y: images, contiguous, of which these pixels are written.
    """
    outputs = kernel.shape[3]
    vectors = fitting_vectors(outputs, x.dtype)
    width = vectors * lanes(x.dtype)
    blocks, terms = -(-outputs // width), len(taps) * frame.pixel
    padded = np.zeros((terms, blocks * width), x.dtype)
    padded[:, :outputs] = kernel.reshape(terms, outputs)
    run_in_parts(
        _CONVOLVE[vectors],
        len(x),
        _grain(2.0 * len(corners) * terms * outputs),
        _by_rows(x),
        frame,
        _table(corners),
        taps,
        np.ascontiguousarray(padded.reshape(terms, blocks, width).swapaxes(0, 1)),
        np.arange(len(taps)) * (frame.pixel * width),
        pixels,
        outputs,
        y.reshape(len(y), -1),
    )


@compiled
def _framed(image: Any, plane: Any, frame: Any) -> Any:
    """The elements of an image with the zeros around it; only what is inside is written."""
    if frame.height == image.shape[0] and frame.row == image.shape[1]:
        return image.reshape(-1)
    for i in range(image.shape[0]):
        row = plane[frame.top + i, frame.left :]
        for j in range(image.shape[1]):
            row[j] = image[i, j]
    return plane.reshape(-1)


@compiled
def _widened(g: Any, wide: Any) -> Any:
    """The elements of g, its rows made as long as those of wide by zeros on the right."""
    if g.shape[1] == wide.shape[1]:
        return g.reshape(-1)
    for i in range(g.shape[0]):
        row = wide[i]
        for j in range(g.shape[1]):
            row[j] = g[i, j]
    return wide.reshape(-1)


def _convolve_with(vectors: int) -> Callable[..., None]:
    """The loop for tiles of so many vectors."""

    @compiled
    def convolve(
        first: Any,
        last: Any,
        x: Any,
        frame: Any,
        corners: Any,
        taps: Any,
        weights: Any,
        weight_starts: Any,
        pixels: Any,
        outputs: Any,
        y: Any,
    ) -> None:
        width = weights.shape[2]
        plane = np.zeros((frame.height, frame.row), x.dtype)
        tile = np.empty(ROWS * width, x.dtype)
        for n in range(first, last):
            image = _framed(x[n], plane, frame)
            for block in range(weights.shape[0]):
                of_block = weights[block].reshape(-1)
                columns = min(width, outputs - block * width)
                for start in range(0, pixels.size, ROWS):
                    # The last tile begins earlier, so that it is whole.
                    row = max(0, min(start, pixels.size - ROWS))
                    multiply_tile(
                        vectors,
                        tile,
                        image,
                        corners,
                        row,
                        taps,
                        1,
                        of_block,
                        weight_starts,
                        width,
                        frame.pixel,
                    )
                    for m in range(min(ROWS, pixels.size)):
                        place = pixels[row + m] + block * width
                        result = y[n, place : place + columns]
                        for j in range(result.size):
                            result[j] = tile[m * width + j]

    return convolve


def _correlate_with(vectors: int) -> Callable[..., None]:
    """The loop for tiles of so many vectors."""

    @compiled
    def correlate(
        first: Any,
        last: Any,
        grain: Any,
        x: Any,
        frame: Any,
        weights: Any,
        row_starts: Any,
        step: Any,
        g: Any,
        length: Any,
        width: Any,
        sums: Any,
    ) -> None:
        sum_of_part = sums[first // grain]
        count, outputs = sum_of_part.shape
        blocks = -(-outputs // width)
        plane = np.zeros((frame.height, frame.row), x.dtype)
        widened = np.zeros((g.shape[1], blocks * width), x.dtype)
        g_starts = np.arange(row_starts.size) * (length * blocks * width)
        tile = np.empty(ROWS * width, x.dtype)
        for n in range(first, last):
            image = _framed(x[n], plane, frame)
            gradient = _widened(g[n], widened)
            for block in range(blocks):
                of_block = gradient[block * width :]
                columns = min(width, outputs - block * width)
                for start in range(0, count, ROWS):
                    row = max(0, min(start, count - ROWS))
                    multiply_tile(
                        vectors,
                        tile,
                        image,
                        weights,
                        row,
                        row_starts,
                        step,
                        of_block,
                        g_starts,
                        blocks * width,
                        length,
                    )
                    for m in range(start - row, min(ROWS, count)):
                        total = sum_of_part[row + m, block * width : block * width + columns]
                        for j in range(total.size):
                            total[j] += tile[m * width + j]

    return correlate


_CONVOLVE = {vectors: _convolve_with(vectors) for vectors in VECTORS}
_CORRELATE = {vectors: _correlate_with(vectors) for vectors in VECTORS}
