"""Nested tuples, lists and dicts of arrays: take them apart and put them together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(tree: Any) -> list[Any]:
    """What is not a tuple, list or dict, in order; dicts in their own order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, tuple | list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def rebuild(tree: Any, replacements: Iterator[Any]) -> Any:
    """The same nesting with each leaf replaced by the next of `replacements`."""
    if isinstance(tree, dict):
        return {key: rebuild(value, replacements) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(rebuild(value, replacements) for value in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(rebuild(value, replacements) for value in tree)
    return next(replacements)
