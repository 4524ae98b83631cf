"""Clipping: gradients that are too large are made smaller before a step, as in Keras."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import auto as kernels
from nnscratch_kernels.devices import is_on_gpu
from nnscratch_kernels.numpy_kernels.reductions import clipping_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = 1 << 14  # of the parts of a sum of squares, which are then added in double precision


def clip_by_value(gradients: Sequence[Any], limit: float) -> None:
    """Keep every element between -limit and limit, in place."""
    for gradient in gradients:
        np.clip(gradient, -limit, limit, gradient)


def clip_by_norm(gradients: Sequence[Any], limit: float) -> None:
    """Scale each gradient down to norm `limit` if it has a larger one: g · c / max(‖g‖, c)."""
    for gradient in gradients:
        if is_on_gpu(gradient):  # where the norm stays
            factor = limit / np.maximum(kernels.global_norm([gradient]), limit)
            gradient *= factor.astype(gradient.dtype)
        else:
            gradient *= limit / max(sqrt(_sum_of_squares(gradient)), limit)


def clip_by_global_norm(gradients: Sequence[Any], limit: float) -> None:
    """Scale all gradients by one factor, so that they have norm `limit` together or less.

    A norm that is infinite or not a number makes every gradient NaN, as in Keras: the step has no
    direction, and the loss shows it.
    """
    if is_on_gpu(gradients[0]):
        on_gpu = kernels.clipping_factor(kernels.global_norm(gradients), limit)
        for gradient in gradients:
            gradient *= on_gpu.astype(gradient.dtype)
        return
    # Gradient by gradient, so that the last bit does not depend on how the buffers are laid out.
    norm = sqrt(sum(map(_sum_of_squares, gradients)))
    factor = clipping_factor(norm, limit)
    for gradient in gradients:
        gradient *= factor


def _sum_of_squares(flat: Any) -> float:
    parts = (flat[start : start + _LENGTH] for start in range(0, len(flat), _LENGTH))
    return sum(float(np.dot(part, part)) for part in parts)
