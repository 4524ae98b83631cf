"""The largest elements of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def argmax(a: Array) -> Array:
    """Where the largest element of each row is, the first of several; NaN is larger than all.

    Args:
        a: shape (..., columns) with at least one column.

    Returns:
        Shape (...), intp; a comparison an element, one pass over memory.

    Raises:
        ValueError: no columns.
    """
    return np.argmax(a, axis=-1)  # type: ignore[no-any-return] # an array of a matrix


def top_k(a: Array, k: int) -> tuple[Array, Array]:
    """The k largest elements of each row, in falling order; NaN is larger than all.

    Of equal elements the first comes first.

    Args:
        a: shape (..., columns).
        k: how many, from 0 to columns.

    Returns:
        The values and their places in the row (intp), both of shape (..., k); a row is sorted
        with about n log₂ n comparisons.

    Raises:
        ValueError: a `k` that is negative or more than there are columns.
    """
    columns = a.shape[-1]
    if not 0 <= k <= columns:
        raise ValueError(f"top_k takes from 0 to {columns} of {columns} columns, got k={k}.")
    # A stable sort keeps equal elements in order; turned round before and after, the first is last.
    rising = np.argsort(a[..., ::-1], axis=-1, kind="stable")
    places = columns - 1 - rising[..., ::-1][..., :k]
    return np.take_along_axis(a, places, axis=-1), places
