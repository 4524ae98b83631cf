"""Cross-entropies from logits together with their gradient on the GPU, in one launch for both.

Labels are not copied to the host to be checked: one that is no class gives NaN as the loss and the
gradient of its row. A mean is an array without axes, which stays on the GPU.
"""

from __future__ import annotations

from typing import Any

from nnscratch_kernels.cupy_kernels import crossentropy


def sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """-ln p_l of p = softmax(z) along the last axis, and its gradient p - onehot(l).

    Args:
        labels: l, integers from 0 to classes - 1, shape (...).
        logits: z, shape (..., classes).

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`,
        both NaN for a label that is no class; 4 operations and two exponentials an element, 2
        arrays in memory.

    Raises:
        ValueError: not one label for each row.
    """
    return crossentropy.of_rows_with_gradient("label", labels, logits)


def mean_sparse_softmax_crossentropy_with_gradient(labels: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `sparse_softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p - onehot(l)) / N of the shape of `logits`.
    """
    return crossentropy.mean_of_rows_with_gradient("label", labels, logits)


def softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-Σ_j t_j ln p_j of p = softmax(z) along the last axis, and its gradient p Σ_j t_j - t.

    Args:
        target: t, a distribution over the classes for each sample, shape (..., classes).
        logits: z, the same shape.

    Returns:
        The losses, shape (...), and the gradient, shape (..., classes), in the dtype of `logits`;
        10 operations and two exponentials an element, 3 arrays in memory.
    """
    return crossentropy.of_rows_with_gradient("distribution", target, logits)


def mean_softmax_crossentropy_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `softmax_crossentropy_with_gradient`, and its gradient.

    Returns:
        A number, and the gradient (p Σ_j t_j - t) / N of the shape of `logits`.
    """
    return crossentropy.mean_of_rows_with_gradient("distribution", target, logits)


def binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """-t ln σ(z) - (1 - t) ln(1 - σ(z)) of each element, and its gradient σ(z) - t.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The losses and the gradient, of the shape and dtype of `logits`; 9 operations, an
        exponential and a logarithm an element, 4 arrays in memory.
    """
    return crossentropy.binary_with_gradient(target, logits)


def mean_binary_crossentropy_from_logits_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """(1/N) Σ of the N losses of `binary_crossentropy_from_logits_with_gradient`, its gradient.

    Returns:
        A number, and the gradient (σ(z) - t) / N of the shape of `logits`.
    """
    return crossentropy.mean_binary_with_gradient(target, logits)
