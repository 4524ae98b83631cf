"""Long arrays in short blocks, for kernels that go over the same memory many times.

This is no kernel, so this module is no subject.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES = 1 << 17
"""Length of a block: the handful of arrays that a step passes over a dozen times then stay in the
processor's second-level cache."""


def in_blocks(step: Callable[..., None]) -> Callable[..., None]:
    """A step that changes flat arrays in place, each element for itself, block by block."""

    @wraps(step)
    def stepped(values: Any, *arrays: Any, **options: Any) -> None:
        if values.nbytes <= BLOCK_BYTES:
            step(values, *arrays, **options)
            return
        length = BLOCK_BYTES // values.itemsize
        for start in range(0, values.size, length):
            part = slice(start, start + length)
            step(values[part], *(a if a is None else a[part] for a in arrays), **options)

    return stepped
