"""The losses of every training step on plain arrays: squared error, and fused cross-entropies.

A cross-entropy is computed from the logits z, in one with the sigmoid or softmax before it: no
exponential overflows, and no logarithm sees a probability that was rounded to 0. Every kernel keeps
the floating-point dtype of the predictions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels.numpy_kernels.arrays import row_starts


def mean_squared_error(target: Any, prediction: Any) -> Any:
    """(1/N) Σ (y - t)² over all N elements; a number.

    Args:
        target: t, any shape.
        prediction: y, the same shape.
    """
    difference = prediction - target
    return np.add.reduce(difference * difference, axis=None) / difference.size


def binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """Elementwise binary cross-entropy of sigmoid(z), without overflow for any z.

    -t ln σ(z) - (1 - t) ln(1 - σ(z)) = max(z, 0) - t z + ln(1 + e^-|z|), the form that TensorFlow's
    `sigmoid_cross_entropy_with_logits` documents.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The loss of each element, same shape.
    """
    loss = np.maximum(logits, 0)
    loss -= target * logits  # 0 for a sure and right answer: the small rest keeps its digits
    loss += np.log1p(np.exp(-np.abs(logits)))
    return loss


def mean_binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """(1/N) Σ of `binary_crossentropy_from_logits` over all N elements; a number."""
    loss = binary_crossentropy_from_logits(target, logits)
    return np.add.reduce(loss, axis=None) / loss.size


def softmax_crossentropy(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """Cross-entropy -Σ_j t_j ln p_j of p = softmax(z) along the last axis.

    ln p_j = (z_j - max z) - ln Σ_k exp(z_k - max z): the largest logit is taken off first, so that
    only differences of logits are ever exponentiated.

    Args:
        target: t, a distribution over the classes for each sample, shape (..., classes).
        logits: z, the same shape.
        probabilities: softmax(z) if it is known; it saves the exponentials.

    Returns:
        The loss of each sample, shape (...).
    """
    logits = np.ascontiguousarray(logits)
    top = row_starts(logits.shape) + logits.argmax(axis=-1)
    largest = logits.reshape(-1).take(top)
    log_probabilities = logits - largest[..., None]
    log_probabilities -= _excess(logits, largest, top, probabilities)[..., None]
    log_probabilities *= target
    return -np.add.reduce(log_probabilities, axis=-1)


def mean_softmax_crossentropy(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `softmax_crossentropy` over all N samples; a number."""
    loss = softmax_crossentropy(target, logits, probabilities)
    return np.add.reduce(loss, axis=None) / loss.size


def sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """Cross-entropy -ln p_l of p = softmax(z) along the last axis, for the class l that is right.

    -ln p_l = (max z - z_l) + ln Σ_k exp(z_k - max z); no one-hot array is made.

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).
        probabilities: softmax(z) if it is known; it saves the exponentials.

    Returns:
        The loss of each sample, shape (...).

    Raises:
        ValueError: a label that is no class.
    """
    check_labels(labels, logits.shape[-1])
    logits = np.ascontiguousarray(logits)
    starts, flat = row_starts(logits.shape), logits.reshape(-1)
    top = starts + logits.argmax(axis=-1)
    largest = flat.take(top)
    loss = largest - flat.take(starts + labels.astype(np.intp, copy=False))
    loss += _excess(logits, largest, top, probabilities)
    return loss


def mean_sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `sparse_softmax_crossentropy` over all N samples; a number."""
    loss = sparse_softmax_crossentropy(labels, logits, probabilities)
    return np.add.reduce(loss.ravel()) / loss.size


def minus_one_hot(probabilities: Any, labels: Any) -> Any:
    """The difference p - onehot(l): for p = softmax(z) the gradient of -ln p_l in z.

    Args:
        probabilities: p, shape (..., classes).
        labels: l, integers from 0 to classes - 1, shape (...).

    Returns:
        A new array of the shape and dtype of p.
    """
    difference = np.array(probabilities, order="C")
    difference.reshape(-1)[row_starts(difference.shape) + labels.astype(np.intp, copy=False)] -= 1
    return difference


def check_labels(labels: Any, classes: int) -> None:
    """Raise ValueError if some label is not an integer from 0 to `classes` - 1.

    Args:
        labels: integers, any shape.
        classes: how many classes there are.
    """
    if not labels.size:
        return
    flat = labels.ravel()
    # Read as unsigned, a negative label is huge: one pass finds both kinds; argmax beats max.
    unsigned = flat.view(flat.dtype.str.replace("i", "u")) if flat.dtype.kind == "i" else flat
    worst = unsigned.argmax()
    if unsigned[worst] >= classes:
        raise ValueError(
            f"Sparse crossentropy got the label {flat[worst]} for {classes} classes: labels are "
            f"integers from 0 to {classes - 1}, and the last layer needs a unit for each class."
        )


def _excess(logits: Any, largest: Any, top: Any, probabilities: Any) -> Any:
    """The sum ln Σ_k exp(z_k - max z), which is also -ln max p, and never large."""
    if probabilities is not None:
        return -np.log(probabilities.ravel().take(top))
    others = np.exp(logits - largest[..., None])
    others.reshape(-1)[top] = 0  # the largest itself gives the 1 of log1p
    return np.log1p(np.add.reduce(others, axis=-1))
