"""What keeps a network from learning its data by heart, on plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
