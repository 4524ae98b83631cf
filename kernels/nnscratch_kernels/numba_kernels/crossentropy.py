"""What the loops of cross-entropies and of their gradients have in common.

The losses are compiled with `EXACT`: added in another order, the small loss of a sure and right
answer would be lost beside a large logit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscratch_kernels.numba_kernels.compilation import EXACT, compiled
from nnscratch_kernels.numba_kernels.rows import row_length
from nnscratch_kernels.numba_kernels.vector_math import constants, log1p_of_unit


def alike(target: Any, x: Any) -> bool:
    """Whether a loop can take the two side by side."""
    return bool(row_length(x, None) and isinstance(target, np.ndarray) and target.shape == x.shape)


def labels_fit(labels: Any, logits: Any) -> bool:
    """Whether there is an integer for each row of `logits`."""
    return (
        isinstance(labels, np.ndarray)
        and labels.dtype.kind in "iu"
        and labels.shape == logits.shape[:-1]
    )


def mean_of_losses(losses: Any) -> Any:
    """The mean of all elements, in their dtype, added up in float64."""
    total = np.add.reduce(losses, axis=None, dtype=np.float64)
    return losses.dtype.type(total / losses.size)


@compiled(fastmath=EXACT)
def binary_loss(target: Any, logit: Any, small: Any) -> Any:
    """max(z, 0) - t z + ln(1 + e), with e = exp(-|z|), added in this order.

    For a sure and right answer the first difference is 0, and the small rest keeps its digits.
    """
    zero = constants(logit).zero
    positive = logit if logit > zero else zero
    return (positive - target * logit) + log1p_of_unit(small)


@compiled(fastmath=EXACT)
def excess(shift: Any, others: Any, ties: Any) -> Any:
    """The sum ln Σ_k exp(z_k - max z), of what is below max z and how often that comes."""
    more = ties - 1
    if more > 0:
        more *= shift - shift + 1  # NaN: infinities have no ratio
    return math.log1p(others + more)


@compiled(fastmath=EXACT)
def total_of(shift: Any, others: Any, ties: Any) -> Any:
    """Σ_k exp(z_k - max z) of the same; NaN if max z is infinite."""
    return others + ties * (shift - shift + 1)


@compiled(fastmath=EXACT)
def label_loss(shift: Any, logit: Any, excess: Any) -> Any:
    """(max z - z_l) + ln Σ_k exp(z_k - max z), in this order to keep the digits of a small rest."""
    return (shift - logit) + excess
