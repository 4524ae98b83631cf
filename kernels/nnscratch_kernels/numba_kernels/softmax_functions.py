"""Softmax and log-softmax, and their gradients, over the last axes.

A row is read from memory once: its largest element, the exponentials and the division by their sum
are passes over a row that stays in the cache. The exponentials of short rows are computed for many
rows at once, since a vectorised loop needs some hundred elements to pay.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import EXACT, compiled
from nnscratch_kernels.numba_kernels.rows import (
    BLOCK,
    SHORT_ROW,
    as_rows,
    exponentiate,
    largest,
    row_length,
    rows_of_part,
    shift_rows,
    total_of,
)
from nnscratch_kernels.numba_kernels.vector_math import constants, exp_of_nonpositive
from nnscratch_kernels.numpy_kernels import softmax_gradients, special_functions
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None

VERY_SHORT_ROW = 24  # for the gradient, which must copy before


def softmax(x: Any, axis: Axis = -1) -> Any:
    """Exponentials normalised to sum 1, exp(x) / Σ exp(x), shifted by the largest element.

    Args:
        x: array of logits.
        axis: the axis or axes along which the result sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    length = row_length(x, axis)
    if not length:
        return special_functions.softmax(x, axis)
    y = aligned.empty(x.shape, x.dtype)
    _run(_softmax, length, as_rows(x, length, x.dtype), y.reshape(-1, length))
    return y


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """Logarithm of the softmax, x - log Σ exp(x), without taking the logarithm of a tiny number.

    Args:
        x: array of logits.
        axis: the axis or axes along which the exponentials sum to 1; None means all.

    Returns:
        Array of the shape and dtype of `x`. Over -inf only there is no distribution: NaN.
    """
    length = row_length(x, axis)
    if not length:
        return special_functions.log_softmax(x, axis)
    y = aligned.empty(x.shape, x.dtype)
    _run(_log_softmax, length, as_rows(x, length, x.dtype), y.reshape(-1, length))
    return y


def softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = softmax(x): y (g - Σ g y).

    Args:
        g: cotangent of y, its shape.
        y: the softmax, any shape.
        axis: the axis or axes along which y sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `y`; 4 operations an element, 3 arrays in memory.
    """
    return _gradient(_softmax_gradient, softmax_gradients.softmax_gradient, g, y, axis)


def log_softmax_gradient(g: Any, y: Any, axis: Axis = -1) -> Any:
    """The cotangent of x for y = log softmax(x): g - exp(y) Σ g.

    Args:
        g: cotangent of y, its shape.
        y: the log-softmax, any shape.
        axis: the axis or axes along which exp(y) sums to 1; None means all.

    Returns:
        Array of the shape and dtype of `y`; 3 operations and an exponential an element, 3 arrays in
        memory.
    """
    return _gradient(_log_softmax_gradient, softmax_gradients.log_softmax_gradient, g, y, axis)


def _gradient(loop: Any, reference: Any, g: Any, y: Any, axis: Axis) -> Any:
    length = row_length(y, axis)
    if not length or np.shape(g) != y.shape:
        return reference(g, y, axis)
    x = aligned.empty(y.shape, y.dtype)
    rows = x.reshape(-1, length)
    _run(loop, length, as_rows(g, length, y.dtype), as_rows(y, length, y.dtype), rows)
    return x


def _run(loop: Any, length: int, *arrays: Any) -> None:
    run_in_parts(loop, len(arrays[0]), rows_of_part(length), *arrays)


@compiled(inline=True)
def _copy(x: Any, y: Any) -> None:
    x, y = x.reshape(-1), y.reshape(-1)
    for j in range(x.size):
        y[j] = x[j]


@compiled(inline=True)
def _divide(row: Any, total: Any) -> None:
    factor = row.dtype.type(1 / total)
    for j in range(row.size):
        row[j] *= factor


@compiled(fastmath=EXACT)
def _subtract(row: Any, shift: Any, logarithm: Any, out: Any) -> None:
    """Take off the shift first: with the logarithm added to it, its last digits would be lost."""
    for j in range(row.size):
        out[j] = (row[j] - shift) - logarithm


@compiled
def _softmax(first: Any, last: Any, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    if x.shape[1] < SHORT_ROW:
        step = BLOCK // x.shape[1]
        for start in range(0, len(x), step):
            some = y[start : start + step]
            shift_rows(x[start : start + step], some)
            exponentiate(some)
            for i in range(len(some)):
                _divide(some[i], total_of(some[i]))
        return
    for i in range(len(x)):
        row, out = x[i], y[i]
        shift = largest(row)
        total = 0.0
        for start in range(0, row.size, BLOCK):
            block, values = row[start : start + BLOCK], out[start : start + BLOCK]
            part = constants(row[0]).zero
            for j in range(block.size):
                e = exp_of_nonpositive(block[j] - shift)
                values[j] = e
                part += e
            total += part
        _divide(out, total)


@compiled
def _log_softmax(first: Any, last: Any, x: Any, y: Any) -> None:
    x, y = x[first:last], y[first:last]
    if x.shape[1] < SHORT_ROW:
        step = BLOCK // x.shape[1]
        for start in range(0, len(x), step):
            some, values = x[start : start + step], y[start : start + step]
            shift_rows(some, values)
            exponentiate(values)
            for i in range(len(some)):
                row, out = some[i], values[i]
                logarithm = row.dtype.type(math.log(total_of(out)))
                shift = largest(row)
                _subtract(row, shift, logarithm, out)
        return
    for i in range(len(x)):
        row, out = x[i], y[i]
        shift = largest(row)
        total = 0.0
        for start in range(0, row.size, BLOCK):
            block = row[start : start + BLOCK]
            part = constants(row[0]).zero
            for j in range(block.size):
                part += exp_of_nonpositive(block[j] - shift)
            total += part
        logarithm = row.dtype.type(math.log(total))
        _subtract(row, shift, logarithm, out)


@compiled
def _softmax_gradient(first: Any, last: Any, g: Any, y: Any, x: Any) -> None:
    g, y, x = g[first:last], y[first:last], x[first:last]
    for i in range(len(g)):
        cotangent, row, out = g[i], y[i], x[i]
        total = 0.0
        for start in range(0, row.size, BLOCK):
            block, values = row[start : start + BLOCK], cotangent[start : start + BLOCK]
            part = constants(row[0]).zero
            for j in range(block.size):
                part += block[j] * values[j]
            total += part
        shift = row.dtype.type(total)
        for j in range(row.size):
            out[j] = row[j] * (cotangent[j] - shift)


@compiled
def _log_softmax_gradient(first: Any, last: Any, g: Any, y: Any, x: Any) -> None:
    g, y, x = g[first:last], y[first:last], x[first:last]
    if y.shape[1] < VERY_SHORT_ROW:
        step = BLOCK // y.shape[1]
        for start in range(0, len(y), step):
            cotangents, values = g[start : start + step], x[start : start + step]
            _copy(y[start : start + step], values)
            exponentiate(values)
            for i in range(len(values)):
                cotangent, out = cotangents[i], values[i]
                total = out.dtype.type(total_of(cotangent))
                for j in range(out.size):
                    out[j] = cotangent[j] - out[j] * total
        return
    for i in range(len(y)):
        cotangent, row, out = g[i], y[i], x[i]
        total = row.dtype.type(total_of(cotangent))
        for j in range(row.size):
            out[j] = cotangent[j] - exp_of_nonpositive(row[j]) * total
