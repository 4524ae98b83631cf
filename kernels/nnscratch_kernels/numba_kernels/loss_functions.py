"""The losses of every training step: squared error, and cross-entropies fused with their squashing.

The logits are read from memory once. A mean is added up in float64 from the sums of parts, which
depend on the size alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.crossentropy import (
    alike,
    binary_loss,
    excess,
    label_loss,
    labels_fit,
    mean_of_losses,
)
from nnscratch_kernels.numba_kernels.rows import (
    BLOCK,
    PART,
    as_rows,
    choice,
    flat,
    largest,
    row_length,
    rows_of_part,
)
from nnscratch_kernels.numba_kernels.vector_math import (
    constants,
    exp_of_nonpositive,
    magnitude,
)
from nnscratch_kernels.numpy_kernels import loss_functions as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable


def mean_squared_error(target: Any, prediction: Any) -> Any:
    """(1/N) Σ (y - t)² over all N elements; a number.

    Args:
        target: t, any shape.
        prediction: y, the same shape.
    """
    if not alike(target, prediction) or target.dtype != prediction.dtype:
        return reference.mean_squared_error(target, prediction)
    return _mean_of_elements(_squared_errors, target, prediction)


def binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """Elementwise binary cross-entropy of sigmoid(z), max(z, 0) - t z + ln(1 + e^-|z|).

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The loss of each element, same shape; 7 operations, an exponential and a logarithm an
        element, 3 arrays in memory.
    """
    if not alike(target, logits):
        return reference.binary_crossentropy_from_logits(target, logits)
    losses = aligned.empty(logits.shape, logits.dtype)
    arrays = flat(target, logits.dtype), flat(logits, logits.dtype), losses.reshape(-1)
    run_in_parts(_binary_losses, logits.size, PART, *arrays)
    return losses[()]


def mean_binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """(1/N) Σ of `binary_crossentropy_from_logits` over all N elements; a number."""
    if not alike(target, logits):
        return reference.mean_binary_crossentropy_from_logits(target, logits)
    return _mean_of_elements(_binary_sums, target, logits)


def softmax_crossentropy(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """Cross-entropy -Σ_j t_j ln p_j of p = softmax(z) along the last axis.

    Args:
        target: t, a distribution over the classes for each sample, shape (..., classes).
        logits: z, the same shape.
        probabilities: not needed here: to read them takes longer than the exponentials.

    Returns:
        The loss of each sample, shape (...); 8 operations and an exponential an element, 2 arrays
        in memory.
    """
    length = row_length(logits, -1)
    if not length or not alike(target, logits):
        return reference.softmax_crossentropy(target, logits, probabilities)
    dtype = logits.dtype
    losses = np.empty(logits.shape[:-1], dtype)
    arrays = as_rows(target, length, dtype), as_rows(logits, length, dtype), losses.reshape(-1)
    run_in_parts(_dense_losses, losses.size, rows_of_part(length), *arrays)
    return losses[()]


def mean_softmax_crossentropy(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `softmax_crossentropy` over all N samples; a number."""
    return mean_of_losses(softmax_crossentropy(target, logits, probabilities))


def sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """Cross-entropy -ln p_l of p = softmax(z) along the last axis, for the class l that is right.

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).
        probabilities: not needed here: to read them takes longer than the exponentials.

    Returns:
        The loss of each sample, shape (...); 4 operations and an exponential an element, 1 array in
        memory.

    Raises:
        ValueError: a label that is no class.
    """
    length = row_length(logits, -1)
    if not length or not labels_fit(labels, logits):
        return reference.sparse_softmax_crossentropy(labels, logits, probabilities)
    reference.check_labels(labels, length)
    losses = np.empty(labels.shape, logits.dtype)
    arrays = flat(labels, np.intp), as_rows(logits, length, logits.dtype), losses.reshape(-1)
    run_in_parts(_sparse_losses, losses.size, rows_of_part(length), *arrays)
    return losses[()]


def mean_sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `sparse_softmax_crossentropy` over all N samples; a number."""
    return mean_of_losses(sparse_softmax_crossentropy(labels, logits, probabilities))


def _mean_of_elements(loop: Callable[..., Any], target: Any, x: Any) -> Any:
    sums = np.empty(-(-x.size // PART))
    run_in_parts(loop, x.size, PART, flat(target, x.dtype), flat(x, x.dtype), sums)
    return x.dtype.type(sums.sum() / x.size)


@compiled
def _squared_errors(first: Any, last: Any, target: Any, prediction: Any, sums: Any) -> None:
    total = 0.0
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        t, y = target[start:stop], prediction[start:stop]
        part = constants(y[0]).zero
        for j in range(y.size):
            difference = y[j] - t[j]
            part += difference * difference
        total += part
    sums[first // PART] = total


@compiled
def _binary_losses(first: Any, last: Any, target: Any, logits: Any, losses: Any) -> None:
    t, z, out = target[first:last], logits[first:last], losses[first:last]
    for j in range(z.size):
        out[j] = binary_loss(t[j], z[j], exp_of_nonpositive(-magnitude(z[j])))


@compiled
def _binary_sums(first: Any, last: Any, target: Any, logits: Any, sums: Any) -> None:
    total = 0.0
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        t, z = target[start:stop], logits[start:stop]
        part = constants(z[0]).zero
        for j in range(z.size):
            part += binary_loss(t[j], z[j], exp_of_nonpositive(-magnitude(z[j])))
        total += part
    sums[first // PART] = total


@compiled
def _sparse_losses(first: Any, last: Any, labels: Any, logits: Any, losses: Any) -> None:
    for i in range(first, last):
        row = logits[i]
        shift = largest(row)
        others, ties = 0.0, 0.0
        for start in range(0, row.size, BLOCK):
            z = row[start : start + BLOCK]
            c = constants(shift)
            below, lower = c.zero, c.zero
            for j in range(z.size):
                e = exp_of_nonpositive(z[j] - shift)
                below += choice(z[j] != shift, e, c.zero)
                lower += choice(z[j] != shift, c.one, c.zero)
            others += below
            ties += z.size - lower
        losses[i] = label_loss(shift, row[labels[i]], excess(shift, others, ties))


@compiled
def _dense_losses(first: Any, last: Any, target: Any, logits: Any, losses: Any) -> None:
    for i in range(first, last):
        row, weights = logits[i], target[i]
        shift = largest(row)
        others, ties, behind, weight = 0.0, 0.0, 0.0, 0.0
        for start in range(0, row.size, BLOCK):
            z, t = row[start : start + BLOCK], weights[start : start + BLOCK]
            c = constants(shift)
            below, lower, distance, total = c.zero, c.zero, c.zero, c.zero
            for j in range(z.size):
                e = exp_of_nonpositive(z[j] - shift)
                below += choice(z[j] != shift, e, c.zero)
                lower += choice(z[j] != shift, c.one, c.zero)
                distance += t[j] * (shift - z[j])
                total += t[j]
            others += below
            ties += z.size - lower
            behind += distance
            weight += total
        losses[i] = behind + weight * excess(shift, others, ties)
