"""The largest elements of rows, in one pass over memory.

Numbers are compared by their bits, as integers: that vectorises, gives NaN a place in the order,
and lets most of a row be passed over without a branch for each element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES
from nnscratch_kernels.numpy_kernels import ranking as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_GRAIN = 1 << 18  # elements, about 50 µs from memory
_MOST = 16  # of this part of the columns or less are kept in a heap; more are sorted quicker
_STRETCH = 1 << 11  # elements of which the largest is found without a branch
_SKIPPED = 1 << 7  # elements that are passed over if none of them is among the largest


def argmax(a: Array) -> Array:
    """As `numpy_kernels.argmax`."""
    if a.dtype not in COMPILED_DTYPES or a.ndim == 0 or not a.size:
        return reference.argmax(a)
    bits, *constants = _bits(a)
    places = np.empty(len(bits), np.intp)
    run_in_parts(_argmax, len(bits), max(1, _GRAIN // a.shape[-1]), bits, places, *constants)
    return places.reshape(a.shape[:-1])[()]  # of a vector a number, as NumPy gives it


def top_k(a: Array, k: int) -> tuple[Array, Array]:
    """As `numpy_kernels.top_k`, with the best k in a heap: n comparisons, and a few more for it."""
    if a.dtype not in COMPILED_DTYPES or not a.size or not 0 < k <= a.shape[-1] // _MOST:
        return reference.top_k(a, k)
    bits, *constants = _bits(a)
    places = np.empty((len(bits), k), np.intp)
    keys = np.empty((len(bits), k), bits.dtype)
    run_in_parts(_top_k, len(bits), max(1, _GRAIN // a.shape[-1]), bits, keys, places, *constants)
    places = places.reshape(*a.shape[:-1], k)
    return np.take_along_axis(a, places, axis=-1), places


def _bits(a: Array) -> tuple[Array, Any, Any]:
    """The rows as integers of their size; the bits of infinity; the largest such integer."""
    integer = np.int32 if a.dtype.char == "f" else np.int64
    infinity = np.array([np.inf], a.dtype).view(integer)[0]
    rows = np.ascontiguousarray(a).view(integer).reshape(-1, a.shape[-1])
    return rows, infinity, integer(np.iinfo(integer).max)


@compiled(inline=True)
def _key(bits: Any, infinity: Any, largest: Any, kind: Any) -> Any:
    """An integer that orders floating-point numbers: -0 is 0, NaN is larger than infinity."""
    magnitude = kind(bits & largest)
    signed = magnitude if bits >= 0 else kind(-magnitude)
    return signed if magnitude <= infinity else largest


@compiled(inline=True)
def _largest_key(bits: Array, infinity: Any, largest: Any, kind: Any) -> Any:
    """The largest key of a stretch, without a branch."""
    top = kind(-largest)
    for j in range(bits.size):
        key = _key(bits[j], infinity, largest, kind)
        top = key if key > top else top
    return top


@compiled
def _argmax(first: int, last: int, bits: Array, places: Array, infinity: Any, largest: Any) -> None:
    """The largest key of each stretch; only the best stretch is looked at again."""
    kind = bits.dtype.type
    for i in range(first, last):
        row = bits[i]
        best, best_start = kind(-largest), 0
        for start in range(0, row.size, _STRETCH):
            top = _largest_key(row[start : start + _STRETCH], infinity, largest, kind)
            if top > best:
                best, best_start = top, start
        stretch = row[best_start : best_start + _STRETCH]
        place = kind(stretch.size)
        for j in range(stretch.size):  # to the end: that is quicker than a branch an element
            here = kind(j) if _key(stretch[j], infinity, largest, kind) == best else largest
            place = here if here < place else place
        places[i] = best_start + place


@compiled(inline=True)
def _worse(keys: Array, places: Array, i: int, j: int) -> Any:
    """Whether heap entry i comes after entry j: a smaller key, or an equal one further on."""
    return keys[i] < keys[j] or (keys[i] == keys[j] and places[i] > places[j])


@compiled(inline=True)
def _sift(keys: Array, places: Array, root: int, size: int) -> None:
    """Let the entry at `root` sink in a heap whose top is the worst entry."""
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _worse(keys, places, child + 1, child):
            child += 1
        if not _worse(keys, places, child, root):
            break
        keys[root], keys[child] = keys[child], keys[root]
        places[root], places[child] = places[child], places[root]
        root = child


@compiled
def _top_k(
    first: int,
    last: int,
    bits: Array,
    all_keys: Array,
    all_places: Array,
    infinity: Any,
    largest: Any,
) -> None:
    """Keep the best k of each row in a heap, then take the worst away one by one."""
    kind = bits.dtype.type
    k = all_keys.shape[1]
    for i in range(first, last):
        row, keys, places = bits[i], all_keys[i], all_places[i]
        for j in range(k):
            keys[j], places[j] = _key(row[j], infinity, largest, kind), j
        for j in range(k // 2 - 1, -1, -1):
            _sift(keys, places, j, k)
        for start in range(k, row.size, _SKIPPED):
            stretch = row[start : start + _SKIPPED]
            if _largest_key(stretch, infinity, largest, kind) <= keys[0]:
                continue
            for j in range(stretch.size):
                key = _key(stretch[j], infinity, largest, kind)
                if key > keys[0]:  # an equal one came first
                    keys[0], places[0] = key, start + j
                    _sift(keys, places, 0, k)
        for size in range(k - 1, 0, -1):
            keys[0], keys[size] = keys[size], keys[0]
            places[0], places[size] = places[size], places[0]
            _sift(keys, places, 0, size)
