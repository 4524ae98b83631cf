"""Arrays as text that JSON can hold: the numbers, or a corner of them, and statistics of all."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

MOST_NUMBERS = 4096
"""How many numbers of one array a page shows; statistics are of all of them."""

FEWEST_NUMBERS = 16
"""How many it shows at least, however much else there is."""

BINS = 24

FEWEST_IN_HISTOGRAM = 8


def array(values: Any, limit: int = MOST_NUMBERS) -> dict[str, Any] | None:
    """An array as text: its numbers in float32, or a corner of them, and statistics of all.

    Args:
        values: any array; None stays None.
        limit: how many numbers to keep.
    """
    if values is None:
        return None
    with np.errstate(all="ignore"):  # numbers that float32 cannot hold
        return _array(np.asarray(values), limit)


def _array(numbers: Any, limit: int) -> dict[str, Any]:
    shape = numbers.shape
    flat = np.asarray(numbers, np.float64).reshape(-1)
    matrix = flat.reshape(math.prod(shape[:-1]), shape[-1]) if shape else flat.reshape(1, 1)
    rows, columns = _corner(matrix.shape, limit)
    shown = np.ascontiguousarray(matrix[:rows, :columns], "<f4")
    finite = flat[np.isfinite(flat)]
    return {
        "shape": list(shape),
        "dtype": str(numbers.dtype),
        "rows": rows,
        "columns": columns,
        "data": base64.b64encode(shown.tobytes()).decode("ascii"),
        "truncated": shown.size < flat.size,
        "norm": _rounded(np.linalg.norm(flat)),
        "min": _rounded(flat.min()) if flat.size else None,
        "max": _rounded(flat.max()) if flat.size else None,
        "mean": _rounded(flat.mean()) if flat.size else None,
        "zeros": float(np.mean(flat == 0)) if flat.size else 0.0,
        "notFinite": int(flat.size - finite.size),
        "histogram": _histogram(finite),
    }


def number(value: Any) -> float | str:
    """A number that JSON can hold: what is not finite as text."""
    plain = float(value)
    if math.isnan(plain):
        return "NaN"
    if math.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _rounded(value: Any) -> float | str:
    """A number with the nine digits that a page may show."""
    return number(f"{value:.9g}")


def _corner(shape: tuple[int, ...], limit: int) -> tuple[int, int]:
    """How many rows and columns to show: all, or a corner that is not a needle."""
    rows, columns = shape
    if rows * columns <= limit:
        return rows, columns
    side = math.isqrt(limit)
    if columns <= side:
        return limit // columns, columns
    if rows <= side:
        return rows, limit // rows
    return side, side


def _histogram(finite: Any) -> dict[str, Any] | None:
    if finite.size < FEWEST_IN_HISTOGRAM or not np.isfinite(finite.max() - finite.min()):
        return None
    try:
        counts, edges = np.histogram(finite, BINS)
    except ValueError:  # large numbers so close to each other that no bins fit between them
        return None
    return {"edges": [float(edges[0]), float(edges[-1])], "counts": counts.tolist()}
