"""Launches of losses, with and without their gradient: what both kinds of kernels share.

float16 is computed in float32 and rounded once. This is no kernel, so this module is no subject.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.launch import THREADS, cuda_kernel, plain
from nnscratch_kernels.cupy_kernels.matrix import over_teams
from nnscratch_kernels.cupy_kernels.sums import mean_of, totals_of
from nnscratch_kernels.numpy_kernels.arrays import working_values

PART = 1 << 12
"""Elements of the smallest part of an array whose losses one block adds up."""

MOST_PARTS = 1 << 13
"""Parts of a large array, which the last block adds up."""


def of_rows(kind: str, target: Any, logits: Any) -> Any:
    """The cross-entropy of the softmax of each row of logits.

    Args:
        kind: "label" or "distribution", what the target gives for each row.
        target: labels, or distributions over the classes.
        logits: shape (..., classes).
    """
    losses, dtype = _losses(kind, target, logits)
    return losses.astype(dtype, copy=False)


def mean_of_rows(kind: str, target: Any, logits: Any) -> Any:
    """The mean of `of_rows`, without axes."""
    losses, dtype = _losses(kind, target, logits)
    return mean_of(losses).astype(dtype, copy=False)


def of_rows_with_gradient(kind: str, target: Any, logits: Any) -> tuple[Any, Any]:
    """The losses as of `of_rows`, and their gradient."""
    losses, gradient, dtype = _with_gradient(kind, target, logits, is_mean=False)
    return losses.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def mean_of_rows_with_gradient(kind: str, target: Any, logits: Any) -> tuple[Any, Any]:
    """The mean of the losses, without axes, and its gradient."""
    losses, gradient, dtype = _with_gradient(kind, target, logits, is_mean=True)
    return mean_of(losses).astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def binary(target: Any, logits: Any) -> Any:
    """The binary cross-entropy of each element."""
    target, values, dtype = _alike(target, logits)
    losses = cupy.empty(values.shape, values.dtype)
    _over_parts("binary_crossentropy", target, values, losses)
    return losses.astype(dtype, copy=False)


def binary_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """The binary cross-entropy of each element, and the gradients."""
    target, values, dtype = _alike(target, logits)
    losses, gradient = (cupy.empty(values.shape, values.dtype) for _ in range(2))
    _over_parts("binary_crossentropy_with_gradient", target, values, losses, gradient)
    return losses.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def mean_over_elements(kernel: str, target: Any, x: Any) -> Any:
    """The mean of what a kernel adds up over the elements of two arrays, without axes."""
    target, values, dtype = _alike(target, x)
    return _mean_over_parts(kernel, target, values).astype(dtype, copy=False)


def mean_binary_with_gradient(target: Any, logits: Any) -> tuple[Any, Any]:
    """The mean of the binary cross-entropies of all elements, without axes, and its gradient."""
    target, values, dtype = _alike(target, logits)
    gradient = cupy.empty(values.shape, values.dtype)
    factor = values.dtype.type(1 / max(values.size, 1))
    name = "sums_of_binary_crossentropy_with_gradient"
    mean = _mean_over_parts(name, target, values, gradient, factor)
    return mean.astype(dtype, copy=False), gradient.astype(dtype, copy=False)


def check_shape_of_labels(labels: Any, logits: Any) -> None:
    """Make sure that there is a label for each row of logits.

    Raises:
        ValueError: another shape.
    """
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"Sparse crossentropy got labels of shape {labels.shape} for logits of shape "
            f"{logits.shape}: it takes one label for each row, shape {logits.shape[:-1]}."
        )


def _checked(kind: str, target: Any, logits: Any) -> tuple[Any, Any, Any]:
    """Target and logits for a kernel, and the dtype that the results shall have."""
    if kind == "distribution":
        return _alike(target, logits)
    check_shape_of_labels(target, logits)
    values, dtype = working_values(logits)
    return plain(target, np.int64), plain(values), dtype


def _alike(target: Any, x: Any) -> tuple[Any, Any, Any]:
    """Two arrays of one shape and dtype for a kernel, and the dtype that the results shall have."""
    values, dtype = working_values(x)
    target = plain(cupy.broadcast_to(target, x.shape), values.dtype)
    return target, plain(values).reshape(x.shape), dtype


def _losses(kind: str, target: Any, logits: Any) -> tuple[Any, Any]:
    target, values, dtype = _checked(kind, target, logits)
    losses = cupy.empty(values.shape[:-1], values.dtype)
    kernel = cuda_kernel("crossentropy", f"{kind}_crossentropy", values.dtype)
    over_teams(kernel, losses.size, values.shape[-1], target, values, losses)
    return losses, dtype


def _with_gradient(kind: str, target: Any, logits: Any, is_mean: bool) -> tuple[Any, Any, Any]:
    target, values, dtype = _checked(kind, target, logits)
    losses = cupy.empty(values.shape[:-1], values.dtype)
    gradient = cupy.empty(values.shape, values.dtype)
    factor = values.dtype.type(1 / max(losses.size, 1) if is_mean else 1)
    kernel = cuda_kernel("crossentropy", f"{kind}_crossentropy_with_gradient", values.dtype)
    arrays = target, values, losses, gradient
    over_teams(kernel, losses.size, values.shape[-1], *arrays, factor)
    return losses, gradient, dtype


def _part_length(size: int) -> int:
    """Elements of a part: a function of the size alone, so that sums have the same bits always."""
    return max(PART, -(-size // MOST_PARTS))


def _over_parts(name: str, target: Any, x: Any, *arguments: Any) -> None:
    """Launch a block for each part of two arrays; nothing for empty ones."""
    if x.size:
        length = _part_length(x.size)
        sizes = np.int64(x.size), np.int64(length)
        kernel = cuda_kernel("losses", name, x.dtype)
        kernel((-(-x.size // length),), (THREADS,), (*sizes, target, x, *arguments))


def _mean_over_parts(name: str, target: Any, x: Any, *arguments: Any) -> Any:
    sums = cupy.empty((1, -(-x.size // _part_length(x.size))), np.float64)
    _over_parts(name, target, x, sums, *arguments)
    return totals_of(sums, x.size, x.dtype).reshape(())
