"""Cross-entropies from logits together with their gradient: every exponential serves both.

A step of training needs the loss and its gradient in the logits, which is p - t, with the
probabilities p and the target t. Both come from one pass over the logits here. Each function gives
the loss of every sample with its gradient; with `mean_` it gives their mean, and the gradient of
that. float16 is computed in float32 and rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import row_starts, working_values
from nnscratch_kernels.numpy_kernels.loss_functions import check_labels


def sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """-ln p_l of p = softmax(z) along the last axis, and its gradient p - onehot(l).

    -ln p_l = (max z - z_l) + ln Σ_k exp(z_k - max z); no one-hot array is made.

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`;
        4 operations and an exponential an element, 2 arrays in memory.

    Raises:
        ValueError: a label that is no class.
    """
    losses, gradient, dtype = _sparse_softmax_crossentropy(labels, logits)
    return losses.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def mean_sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `sparse_softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p - onehot(l)) / N of the shape of `logits`.
    """
    return _mean(*_sparse_softmax_crossentropy(labels, logits))


def softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-Σ_j t_j ln p_j of p = softmax(z) along the last axis, and its gradient p Σ_j t_j - t.

    Args:
        target: t, a distribution over the classes for each sample, shape (..., classes).
        logits: z, the same shape.

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`;
        8 operations and an exponential an element, 3 arrays in memory.
    """
    losses, gradient, dtype = _softmax_crossentropy(target, logits)
    return losses.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def mean_softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p Σ_j t_j - t) / N of the shape of `logits`.
    """
    return _mean(*_softmax_crossentropy(target, logits))


def binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-t ln σ(z) - (1 - t) ln(1 - σ(z)) of each element, and its gradient σ(z) - t.

    With e = exp(-|z|) the loss is max(z, 0) - t z + ln(1 + e), and σ(z) is 1 / (1 + e) or
    e / (1 + e): no z overflows.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The losses and the gradient, of the shape and dtype of `logits`; 9 operations, an
        exponential and a logarithm an element, 4 arrays in memory.
    """
    losses, gradient, dtype = _binary_crossentropy(target, logits)
    return losses.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def mean_binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `binary_crossentropy_from_logits_with_gradient`, its gradient.

    Returns:
        A number, and the gradient (σ(z) - t) / N of the shape of `logits`.
    """
    return _mean(*_binary_crossentropy(target, logits))


def _mean(losses: Any, gradient: Any, dtype: Any) -> tuple[Any, Any]:
    gradient /= losses.size
    mean = np.add.reduce(losses, axis=None) / losses.size
    return mean.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def _sparse_softmax_crossentropy(labels: Any, logits: Any) -> tuple[Any, Any, Any]:
    """The losses, the gradient, and the dtype that both shall have."""
    check_labels(labels, logits.shape[-1])
    values, dtype = working_values(logits)
    right = row_starts(values.shape) + labels.astype(np.intp, copy=False)
    probabilities, largest, excess = _softmax_with_excess(values)
    probabilities.reshape(-1)[right] -= 1
    return largest - values.ravel().take(right) + excess, probabilities, dtype


def _softmax_crossentropy(target: Any, logits: Any) -> tuple[Any, Any, Any]:
    """The losses, the gradient, and the dtype that both shall have."""
    values, dtype = working_values(logits)
    probabilities, largest, excess = _softmax_with_excess(values)
    behind = largest[..., None] - values
    behind += excess[..., None]
    behind *= target
    probabilities *= np.add.reduce(target, axis=-1, keepdims=True)
    probabilities -= target
    return np.add.reduce(behind, axis=-1), probabilities, dtype


def _binary_crossentropy(target: Any, logits: Any) -> tuple[Any, Any, Any]:
    """The losses, the gradient, and the dtype that both shall have."""
    values, dtype = working_values(logits)
    small = np.exp(-np.abs(values))
    losses = np.maximum(values, 0)
    losses -= target * values  # 0 for a sure and right answer: the small rest keeps its digits
    losses += np.log1p(small)
    gradient = np.where(values < 0, small, np.ones_like(small))
    gradient /= 1 + small
    gradient -= target
    return losses, gradient, dtype


def _softmax_with_excess(logits: Any) -> tuple[Any, Any, Any]:
    """The softmax p, the largest logit of each sample, and -ln of the largest p."""
    logits = np.ascontiguousarray(logits)
    top = row_starts(logits.shape) + logits.argmax(axis=-1)
    largest = logits.reshape(-1).take(top)
    exponentials = np.exp(logits - largest[..., None])
    flat = exponentials.reshape(-1)
    of_top = flat.take(top)
    flat[top] = 0  # the largest itself gives the 1 of log1p
    others = np.add.reduce(exponentials, axis=-1)
    flat[top] = of_top
    exponentials /= (others + of_top)[..., None]
    return exponentials, largest, np.log1p(others)
