"""Cross-entropies from logits together with their gradient, in one pass over memory.

A row of logits is read from memory once. Its largest element, the exponentials, which go straight
to where the gradient will be, and the division by their sum are passes over a row in the cache.
"""

from __future__ import annotations

from typing import Any

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
    total_of,
)
from nnscratch_kernels.numba_kernels.rows import (
    BLOCK,
    PART,
    SHORT_ROW,
    as_rows,
    choice,
    exponentiate,
    flat,
    largest,
    row_length,
    rows_of_part,
    shift_rows,
)
from nnscratch_kernels.numba_kernels.vector_math import (
    constants,
    exp_of_nonpositive,
    magnitude,
    number,
)
from nnscratch_kernels.numpy_kernels import loss_gradients as reference
from nnscratch_kernels.numpy_kernels.loss_functions import check_labels
from nnscratch_kernels.threads import run_in_parts


def sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """-ln p_l of p = softmax(z) along the last axis, and its gradient p - onehot(l).

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`;
        4 operations and an exponential an element, 2 arrays in memory.

    Raises:
        ValueError: a label that is no class.
    """
    length = row_length(logits, -1)
    if not length or not labels_fit(labels, logits):
        return reference.sparse_softmax_crossentropy_with_gradient(labels, logits)
    losses, gradient = _sparse(labels, logits, length, 1.0)
    return losses[()], gradient


def mean_sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `sparse_softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p - onehot(l)) / N of the shape of `logits`.
    """
    length = row_length(logits, -1)
    if not length or not labels_fit(labels, logits):
        return reference.mean_sparse_softmax_crossentropy_with_gradient(labels, logits)
    losses, gradient = _sparse(labels, logits, length, 1 / labels.size)
    return mean_of_losses(losses), gradient


def softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-Σ_j t_j ln p_j of p = softmax(z) along the last axis, and its gradient p Σ_j t_j - t.

    Args:
        target: t, a distribution over the classes for each sample, shape (..., classes).
        logits: z, the same shape.

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`;
        10 operations and an exponential an element, 3 arrays in memory.
    """
    length = row_length(logits, -1)
    if not length or not alike(target, logits):
        return reference.softmax_crossentropy_with_gradient(target, logits)
    losses, gradient = _dense(target, logits, length, 1.0)
    return losses[()], gradient


def mean_softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p Σ_j t_j - t) / N of the shape of `logits`.
    """
    length = row_length(logits, -1)
    if not length or not alike(target, logits):
        return reference.mean_softmax_crossentropy_with_gradient(target, logits)
    losses, gradient = _dense(target, logits, length, length / logits.size)
    return mean_of_losses(losses), gradient


def binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-t ln σ(z) - (1 - t) ln(1 - σ(z)) of each element, and its gradient σ(z) - t.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The losses and the gradient, of the shape and dtype of `logits`; 9 operations, an
        exponential and a logarithm an element, 4 arrays in memory.
    """
    if not alike(target, logits):
        return reference.binary_crossentropy_from_logits_with_gradient(target, logits)
    dtype = logits.dtype
    losses, gradient = (aligned.empty(logits.shape, dtype) for _ in range(2))
    arrays = flat(target, dtype), flat(logits, dtype), losses.reshape(-1), gradient.reshape(-1)
    run_in_parts(_binary_with_gradient, logits.size, PART, *arrays)
    return losses[()], gradient[()]


def mean_binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `binary_crossentropy_from_logits_with_gradient`, its gradient.

    Returns:
        A number, and the gradient (σ(z) - t) / N of the shape of `logits`.
    """
    if not alike(target, logits):
        return reference.mean_binary_crossentropy_from_logits_with_gradient(target, logits)
    dtype = logits.dtype
    gradient, sums = aligned.empty(logits.shape, dtype), np.empty(-(-logits.size // PART))
    arrays = flat(target, dtype), flat(logits, dtype), sums, gradient.reshape(-1)
    run_in_parts(_binary_sums_with_gradient, logits.size, PART, *arrays, 1 / logits.size)
    return dtype.type(sums.sum() / logits.size), gradient[()]


def _sparse(labels: Any, logits: Any, length: int, factor: float) -> tuple[Any, Any]:
    check_labels(labels, length)
    dtype = logits.dtype
    losses, gradient = np.empty(labels.shape, dtype), aligned.empty(logits.shape, dtype)
    arrays = flat(labels, np.intp), as_rows(logits, length, dtype)
    results = losses.reshape(-1), gradient.reshape(-1, length)
    run_in_parts(
        _sparse_with_gradient, losses.size, rows_of_part(length), *arrays, *results, factor
    )
    return losses, gradient


def _dense(target: Any, logits: Any, length: int, factor: float) -> tuple[Any, Any]:
    dtype = logits.dtype
    losses, gradient = np.empty(logits.shape[:-1], dtype), aligned.empty(logits.shape, dtype)
    arrays = as_rows(target, length, dtype), as_rows(logits, length, dtype)
    results = losses.reshape(-1), gradient.reshape(-1, length)
    run_in_parts(_dense_with_gradient, losses.size, rows_of_part(length), *arrays, *results, factor)
    return losses, gradient


@compiled
def _exponentials(row: Any, out: Any) -> Any:
    """Write exp(z - max z) of a row; give the maximum, what is below it, and how often it comes."""
    shift = largest(row)
    others, ties = 0.0, 0.0
    for start in range(0, row.size, BLOCK):
        z, values = row[start : start + BLOCK], out[start : start + BLOCK]
        c = constants(shift)
        below, lower = c.zero, c.zero
        for j in range(z.size):
            e = exp_of_nonpositive(z[j] - shift)
            values[j] = e
            below += choice(z[j] != shift, e, c.zero)
            lower += choice(z[j] != shift, c.one, c.zero)
        others += below
        ties += z.size - lower
    return shift, others, ties


@compiled
def _summary(row: Any, exponentials: Any) -> Any:
    """What `_exponentials` gives, of a row for which they are known."""
    shift = largest(row)
    c = constants(shift)
    below, lower = c.zero, c.zero
    for j in range(row.size):
        below += choice(row[j] != shift, exponentials[j], c.zero)
        lower += choice(row[j] != shift, c.one, c.zero)
    return shift, number(below, 0.0), row.size - number(lower, 0.0)


@compiled
def _finish_label(row: Any, label: Any, summary: Any, out: Any, factor: Any) -> Any:
    """Turn the exponentials into factor (p - onehot(l)); give the loss."""
    shift, others, ties = summary
    scale = number(factor / total_of(shift, others, ties), shift)
    for j in range(out.size):
        out[j] *= scale
    out[label] -= number(factor, shift)
    return label_loss(shift, row[label], excess(shift, others, ties))


@compiled
def _sparse_with_gradient(
    first: Any, last: Any, labels: Any, logits: Any, losses: Any, gradient: Any, factor: Any
) -> None:
    if logits.shape[1] >= SHORT_ROW:
        for i in range(first, last):
            row, out = logits[i], gradient[i]
            losses[i] = _finish_label(row, labels[i], _exponentials(row, out), out, factor)
        return
    step = BLOCK // logits.shape[1]
    for start in range(first, last, step):
        stop = min(start + step, last)
        shift_rows(logits[start:stop], gradient[start:stop])
        exponentiate(gradient[start:stop])
        for i in range(start, stop):
            row, out = logits[i], gradient[i]
            losses[i] = _finish_label(row, labels[i], _summary(row, out), out, factor)


@compiled
def _finish_target(row: Any, target: Any, summary: Any, out: Any, factor: Any) -> Any:
    """Turn the exponentials into factor (p Σ t - t); give the loss."""
    shift, others, ties = summary
    behind, weight = 0.0, 0.0
    for start in range(0, row.size, BLOCK):
        z, t = row[start : start + BLOCK], target[start : start + BLOCK]
        distance, total = constants(shift).zero, constants(shift).zero
        for j in range(z.size):
            distance += t[j] * (shift - z[j])
            total += t[j]
        behind += distance
        weight += total
    scale = number(factor * weight / total_of(shift, others, ties), shift)
    of_target = number(factor, shift)
    for j in range(out.size):
        out[j] = out[j] * scale - of_target * target[j]
    return behind + weight * excess(shift, others, ties)


@compiled
def _dense_with_gradient(
    first: Any, last: Any, target: Any, logits: Any, losses: Any, gradient: Any, factor: Any
) -> None:
    if logits.shape[1] >= SHORT_ROW:
        for i in range(first, last):
            row, out = logits[i], gradient[i]
            losses[i] = _finish_target(row, target[i], _exponentials(row, out), out, factor)
        return
    step = BLOCK // logits.shape[1]
    for start in range(first, last, step):
        stop = min(start + step, last)
        shift_rows(logits[start:stop], gradient[start:stop])
        exponentiate(gradient[start:stop])
        for i in range(start, stop):
            row, out = logits[i], gradient[i]
            losses[i] = _finish_target(row, target[i], _summary(row, out), out, factor)


@compiled
def _binary_with_gradient(
    first: Any, last: Any, target: Any, logits: Any, losses: Any, gradient: Any
) -> None:
    t, z = target[first:last], logits[first:last]
    loss, slope = losses[first:last], gradient[first:last]
    for j in range(z.size):
        c = constants(z[j])
        small = exp_of_nonpositive(-magnitude(z[j]))
        loss[j] = binary_loss(t[j], z[j], small)
        slope[j] = (small if z[j] < c.zero else c.one) / (c.one + small) - t[j]


@compiled
def _binary_sums_with_gradient(
    first: Any, last: Any, target: Any, logits: Any, sums: Any, gradient: Any, factor: Any
) -> None:
    total = 0.0
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        t, z, slope = target[start:stop], logits[start:stop], gradient[start:stop]
        c = constants(z[0])
        part, scale = c.zero, number(factor, z[0])
        for j in range(z.size):
            small = exp_of_nonpositive(-magnitude(z[j]))
            part += binary_loss(t[j], z[j], small)
            p = (small if z[j] < c.zero else c.one) / (c.one + small)
            slope[j] = (p - t[j]) * scale
        total += part
    sums[first // PART] = total
