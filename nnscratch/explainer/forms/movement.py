"""Ops that move numbers and compute nothing: each element of a result is one of an argument's.

Which one it is comes from the op itself, which is run on the elements' numbers in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.forms.expression import Form, Known, no_form
from nnscratch.explainer.replay import arguments, op_of, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscratch.explainer.recording import Entry


@dataclass(frozen=True)
class Steady:
    """Where elements come from if each step along an axis is a step of the same length.

    The element at an index comes from place offset + Σ stride · index.

    Attributes:
        offset: the place that the first element comes from.
        strides: how far apart neighbours along each axis were.
    """

    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Moved:
    """Where each element of an op's results comes from.

    The elements of all arguments are counted one after another, in order.

    Attributes:
        sources: for each result its strides, or the name of a known array with the place that each
            element comes from, -1 for a constant.
        known: arrays by name.
    """

    sources: tuple[Steady | str, ...]
    known: Mapping[str, Known]

    def plain(self) -> dict[str, Any]:
        """For JSON, but for what is known."""
        return {
            "sources": [
                {"map": one}
                if isinstance(one, str)
                else {"offset": one.offset, "strides": list(one.strides)}
                for one in self.sources
            ]
        }


MOVING = frozenset(
    {
        "concatenate_arrays",
        "embedding",
        "expand_dims",
        "flip",
        "getitem",
        "moveaxis",
        "pad_constant",
        "reshape",
        "roll",
        "set_at",
        "split_array",
        "squeeze",
        "stack_arrays",
        "swapaxes",
        "transpose",
        "tril",
        "triu",
    }
)


MOST_COUNTED = 2**24
"""Of so many elements a page, whose numbers are float32, can tell the places."""


def moved(entry: Entry) -> Moved | Form:
    """The form of an op that only moves numbers."""
    places: list[Steady | str] = []
    known = {}
    for number, result in enumerate(_sources(entry)):
        steady = _steady(result)
        if steady is None:
            known[f"from {number}"] = Known("where each element comes from", result)
        places.append(steady or f"from {number}")
    if known and sum(np.size(array) for array in _moving(entry)) > MOST_COUNTED:
        return no_form(
            f"Where each element comes from is not told of more than {MOST_COUNTED:,} elements."
        )
    return Moved(tuple(places), known)


def _sources(entry: Entry) -> list[Any]:
    """For each result an array of places in the arguments, -1 where a constant stands."""
    counted = sum(np.size(array) for array in _moving(entry))
    first, second = (_run(entry, start) for start in (0, counted))
    return [np.where(two - one == counted, one, -1) for one, two in zip(first, second, strict=True)]


def _moving(entry: Entry) -> list[Any]:
    """The arguments whose elements are moved, not those that say where to."""
    given = arguments(entry)
    return given[:1] if op_of(entry).op.name == "embedding" else given


def _run(entry: Entry, start: int) -> list[Any]:
    """The op's results with its arguments' elements numbered from `start`."""
    node, given = op_of(entry), arguments(entry)
    for place, array in enumerate(_moving(entry)):
        given[place] = np.arange(start, start + np.size(array)).reshape(np.shape(array))
        start += np.size(array)
    if node.op.name == "embedding":
        return [given[0][given[1]]]
    result = node.op.forward(*given, **parameters(entry))
    return [np.asarray(one) for one in (result if isinstance(result, tuple) else (result,))]


def _steady(places: Any) -> Steady | None:
    """The strides that give these places, if there are such."""
    if places.size == 0:
        return Steady(0, (0,) * places.ndim)
    offset = int(places.flat[0])
    if offset < 0:
        return None
    strides = []
    expected = np.array(offset)
    for axis, length in enumerate(places.shape):
        second = tuple(int(one == axis) for one in range(places.ndim))
        stride = int(places[second]) - offset if length > 1 else 0
        strides.append(stride)
        expected = expected[..., None] + stride * np.arange(length)
    return Steady(offset, tuple(strides)) if np.array_equal(expected, places) else None
