"""Nested state - dictionaries and lists of numbers, text and arrays - as JSON text and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch.saving import strict_json
from nnscratch_kernels.devices import on_host

if TYPE_CHECKING:
    from collections.abc import Callable


def split(tree: Any) -> tuple[str, dict[str, Any]]:
    """A nested state as JSON text, and the arrays that it refers to, by name.

    Tuples become lists. `join` gives the same numbers back, to the last bit.

    Raises:
        TypeError: something that no file can hold; the message says where it is.
    """
    arrays: dict[str, Any] = {}
    return strict_json.render(_split(tree, "state", arrays)), arrays


def join(text: str, read: Callable[[str], Any]) -> Any:
    """Undo `split`.

    Args:
        text: the JSON text.
        read: gives the array of a name.

    Raises:
        ValueError: text that `split` has not made.
    """
    return _join(strict_json.parse(text), read)


def _split(tree: Any, path: str, arrays: dict[str, Any]) -> Any:
    if isinstance(tree, dict):
        if wrong := [key for key in tree if not isinstance(key, str)]:
            raise TypeError(f"A saved dictionary has names for keys, got {wrong[0]!r} at {path}.")
        return {"dict": {k: _split(v, f"{path}/{k}", arrays) for k, v in tree.items()}}
    if isinstance(tree, list | tuple):
        return [_split(value, f"{path}/{index}", arrays) for index, value in enumerate(tree)]
    if isinstance(tree, Tensor):
        tree = tree.data
    tree = on_host(tree)
    if isinstance(tree, np.ndarray | np.generic):
        arrays[path] = np.asarray(tree)
        return {"array" if isinstance(tree, np.ndarray) else "scalar": path}
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(
        f"A file cannot hold {tree!r:.60} at {path}: use numbers, text, arrays, and lists and "
        f"dictionaries of them."
    )


def _join(tree: Any, read: Callable[[str], Any]) -> Any:
    if isinstance(tree, list):
        return [_join(value, read) for value in tree]
    if not isinstance(tree, dict):
        return tree
    match list(tree.items()):
        case [("dict", dict(items))]:
            return {key: _join(value, read) for key, value in items.items()}
        case [("array", str(name))]:
            return read(name)
        case [("scalar", str(name))]:
            return read(name)[()]
    raise ValueError(f"it holds {tree!r:.60} where a value should be")
