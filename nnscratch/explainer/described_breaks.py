"""A mistake as plain data: what comes out wrong by entry and by edge, where it is not right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.explainer.arrays import array, number
from nnscratch.explainer.breaking import Break

if TYPE_CHECKING:
    from nnscratch.explainer.recording import Edge

MOST_NUMBERS_ON_THE_WAY = 256
"""How many numbers of a wrong array a page shows; of a parameter's gradient it shows more."""


def describe_break(one: Break, limit: int) -> dict[str, Any]:
    """A mistake with all that differs from what is right; nothing of one that changes nothing.

    Args:
        one: the mistake.
        limit: how many numbers of a parameter's gradient to keep.
    """
    shown = one if one.why_not is None else Break(one.key, one.title, one.says)
    small = _fewer(limit)
    return {
        "key": one.key,
        "title": one.title,
        "says": one.says,
        "why": one.why_not,
        "gradients": [
            {
                "entry": entry.index,
                "wrong": _wrong(gradient, limit if entry.node is None else small),
                "error": shown.errors.get(entry),
            }
            for entry, gradient in (dict.fromkeys(shown.errors) | shown.gradients).items()
        ],
        "contributions": [
            {"edge": edge.index, "wrong": _wrong(share, small)}
            for edge, share in (dict.fromkeys(shown.contributions) | _other_shares(shown)).items()
        ],
        "lost": [{"edge": edge.index, "why": why} for edge, why in shown.lost.items()],
        "values": [
            {"entry": entry.index, "wrong": _wrong(value, small)}
            for entry, value in shown.values.items()
        ],
        "losses": {
            "right": [number(loss) for loss in one.right_losses],
            "wrong": [number(loss) for loss in one.wrong_losses],
        }
        if one.wrong_losses
        else None,
    }


def sizes_of_break(one: Break) -> list[int]:
    """How many numbers each array of a mistake would like to show."""
    return [
        *(g.size if entry.node is None else _fewer(g.size) for entry, g in one.gradients.items()),
        *(_fewer(share.size) for share in _other_shares(one).values()),
        *(_fewer(value.size) for value in one.values.values()),
    ]


def _fewer(limit: int) -> int:
    return min(limit, MOST_NUMBERS_ON_THE_WAY)


def _wrong(values: Any, limit: int) -> dict[str, Any] | None:
    """An array that stands beside the right one, whose histogram tells enough."""
    described = array(values, limit)
    return described and described | {"histogram": None}


def _other_shares(one: Break) -> dict[Edge, Any]:
    """Wrong shares but for those that are, alone, the wrong gradient of their source."""
    return {
        edge: share
        for edge, share in one.contributions.items()
        if share is not one.gradients.get(edge.source)
    }
