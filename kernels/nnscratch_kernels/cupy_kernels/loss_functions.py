"""The losses of every training step on the GPU: squared error, and fused cross-entropies.

Labels are not copied to the host to be checked: one that is no class gives NaN as the loss of its
row. A mean is an array without axes, which stays on the GPU.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels import crossentropy
from nnscratch_kernels.cupy_kernels.launch import cuda_kernel, over_elements, plain
from nnscratch_kernels.numpy_kernels.arrays import working_values


def mean_squared_error(target: Any, prediction: Any) -> Any:
    """(1/N) Σ (y - t)² over all N elements; a number.

    Args:
        target: t, any shape.
        prediction: y, the same shape.
    """
    return crossentropy.mean_over_elements("sums_of_squared_errors", target, prediction)


def binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """Elementwise binary cross-entropy of sigmoid(z), max(z, 0) - t z + ln(1 + e^-|z|).

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The loss of each element, same shape; 7 operations, an exponential and a logarithm an
        element, 3 arrays in memory.
    """
    return crossentropy.binary(target, logits)


def mean_binary_crossentropy_from_logits(target: Any, logits: Any) -> Any:
    """(1/N) Σ of `binary_crossentropy_from_logits` over all N elements; a number."""
    return crossentropy.mean_over_elements("sums_of_binary_crossentropy", target, logits)


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
    return crossentropy.of_rows("distribution", target, logits)


def mean_softmax_crossentropy(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `softmax_crossentropy` over all N samples; a number."""
    return crossentropy.mean_of_rows("distribution", target, logits)


def sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """Cross-entropy -ln p_l of p = softmax(z) along the last axis, for the class l that is right.

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).
        probabilities: not needed here: to read them takes longer than the exponentials.

    Returns:
        The loss of each sample, shape (...), NaN for a label that is no class; 4 operations and an
        exponential an element, 1 array in memory.

    Raises:
        ValueError: not one label for each row.
    """
    return crossentropy.of_rows("label", labels, logits)


def mean_sparse_softmax_crossentropy(labels: Any, logits: Any, probabilities: Any = None) -> Any:
    """(1/N) Σ of `sparse_softmax_crossentropy` over all N samples; a number."""
    return crossentropy.mean_of_rows("label", labels, logits)


def minus_one_hot(probabilities: Any, labels: Any) -> Any:
    """The difference p - onehot(l): for p = softmax(z) the gradient of -ln p_l in z.

    Args:
        probabilities: p, shape (..., classes).
        labels: l, integers from 0 to classes - 1, shape (...).

    Returns:
        A new array of the shape and dtype of p; a row of NaN for a label that is no class.

    Raises:
        ValueError: not one label for each row.
    """
    crossentropy.check_shape_of_labels(labels, probabilities)
    values, dtype = working_values(probabilities)
    difference = cupy.array(values, order="C")
    kernel = cuda_kernel("crossentropy", "minus_one_at_labels", difference.dtype)
    classes = np.int64(difference.shape[-1])
    over_elements(kernel, labels.size, classes, plain(labels, np.int64), difference)
    return difference.astype(dtype, copy=False)
