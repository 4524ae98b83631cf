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


def leaves_like(tree: Any, template: Any, what: str) -> list[Any]:
    """The leaves of `tree` in the order of `template`, which it must be nested like.

    Raises:
        ValueError: nested otherwise; `what` names the tree in the message.
    """
    if isinstance(template, dict):
        if not isinstance(tree, dict) or tree.keys() != template.keys():
            keys = list(tree) if isinstance(tree, dict) else type(tree).__name__
            raise ValueError(f"The {what} needs a dict with the keys {list(template)}, got {keys}.")
        return [leaf for key in template for leaf in leaves_like(tree[key], template[key], what)]
    if isinstance(template, tuple | list):
        length = len(tree) if isinstance(tree, tuple | list) else type(tree).__name__
        if length != len(template):
            raise ValueError(
                f"The {what} needs a {type(template).__name__} of {len(template)} parts, got "
                f"{length}."
            )
        pairs = zip(tree, template, strict=True)
        return [leaf for part, like in pairs for leaf in leaves_like(part, like, what)]
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
