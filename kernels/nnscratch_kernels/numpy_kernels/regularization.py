"""What keeps a network from learning its data by heart, on plain arrays."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from nnscratch_kernels.numpy_kernels.philox import dropout_threshold, random_words

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def dropout(x: Array, kept: Array, rate: float) -> Array:
    """Keep some elements, scaled by 1 / (1 - rate), and set the others to zero.

    With that scale the expected value stays what it was, so that nothing need be scaled when the
    network is used (inverted dropout; Srivastava et al. 2014).

    Args:
        x: any shape, floating-point.
        kept: booleans that broadcast to `x`, true with probability 1 - rate.
        rate: share of the elements that are set to zero, in [0, 1].

    Returns:
        Shape and dtype of `x`; 2 operations an element.
    """
    y: Array = x * kept
    y *= 0.0 if rate == 1 else 1 / (1 - rate)
    return y


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int, offset: int = 0) -> Array:
    """Which elements dropout keeps: whose random word is 2³² · rate or more.

    The words are those of `philox.random_words`, one for each element in C order: the same seed and
    offset give the same mask in every implementation.

    Args:
        shape: of the mask.
        rate: share of the elements that are dropped, in [0, 1].
        seed: from 0 to 2⁶⁴ - 1.
        offset: from 0 to 2⁶⁴ - 1; masks of different offsets are independent.

    Returns:
        Booleans of this shape; about 26 operations an element.

    Raises:
        ValueError: a rate, a seed or an offset out of range.
    """
    mask: Array = random_words(prod(shape), seed, offset) >= dropout_threshold(rate)
    return mask.reshape(shape)


def seeded_dropout(x: Array, rate: float, seed: int, offset: int = 0) -> Array:
    """Dropout with a mask that is made where it is used, and not kept.

    y = x k / (1 - rate) with k of `dropout_mask`. Its gradient is the function itself, of the
    output's gradient and the same numbers: the backward pass makes the mask anew.

    Args:
        x: any shape, floating-point.
        rate: share of the elements that are set to zero, in [0, 1].
        seed: from 0 to 2⁶⁴ - 1.
        offset: from 0 to 2⁶⁴ - 1.

    Returns:
        Shape and dtype of `x`; about 28 operations and 2 passes over memory an element.

    Raises:
        ValueError: a rate, a seed or an offset out of range.
    """
    return dropout(x, dropout_mask(x.shape, rate, seed, offset), rate)
