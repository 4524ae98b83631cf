"""What a page is told of how one element comes about: text with places for the numbers.

A place in a text is {0} for the number of the op's first argument, {y} for that of its result, {g}
for that of its gradient, or {name} for an array that the form knows by that name. Which element of
an array is meant follows from its axes, one letter for each: what bears the same letter in two
arrays has the same index. "1" stands for an axis of length 1 that was broadcast, and "*a" for an
array of any shape whose elements are counted one after another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Sum:
    """Terms for all indices of some axes.

    Attributes:
        over: the letters of the axes.
        each: one term.
        join: what stands between two terms.
        which: "all" of them, those "up to" or "from" the index in question, or all "others".
    """

    over: str
    each: Parts
    join: str = " + "
    which: str = "all"


class Case(NamedTuple):
    """Parts that stand where a condition holds.

    Attributes:
        condition: two numbers with <, ≤, =, ≥, > or ≠ between them, where "@a" is the index along
            the axis a; or empty for what remains.
        parts: what is computed there.
        words: what to say of the condition; by default the condition itself with its numbers.
    """

    condition: str
    parts: Parts
    words: str = ""


@dataclass(frozen=True)
class Cases:
    """One of several parts: the first whose condition holds, or else the last."""

    choices: tuple[Case, ...]


Text = str | Cases
Part = Text | Sum
Parts = tuple[Part, ...]


def total(over: str, *each: Part, join: str = " + ", which: str = "all") -> Parts:
    """The sum over some axes; the term itself if there are none to sum over."""
    return (Sum(over, each, join, which),) if over else each


def cases(*choices: tuple[str, str] | tuple[str, str, str]) -> Cases:
    """A choice between texts: condition, text, and words if the condition does not speak."""
    return Cases(tuple(Case(one[0], (one[1],), *one[2:]) for one in choices))


def renamed(parts: Parts, old: str, new: str) -> Parts:
    """The same parts of another array."""
    return tuple(_renamed(part, "{" + old + "}", "{" + new + "}") for part in parts)


def _renamed(part: Part, old: str, new: str) -> Part:
    if isinstance(part, str):
        return part.replace(old, new)
    if isinstance(part, Sum):
        each = tuple(_renamed(one, old, new) for one in part.each)
        return Sum(part.over, each, part.join, part.which)
    return Cases(
        tuple(
            Case(
                one.condition.replace(old, new),
                tuple(_renamed(inner, old, new) for inner in one.parts),
                one.words,
            )
            for one in part.choices
        )
    )


class Step(NamedTuple):
    """An intermediate number.

    Attributes:
        name: of the array that the form knows, and what the number is called.
        parts: how it is computed.
    """

    name: str
    parts: Parts


@dataclass(frozen=True)
class Expression:
    """How one element is computed.

    Attributes:
        parts: the computation; empty if there is none to show, and then the note says why.
        steps: what is computed before.
        note: a remark.
    """

    parts: Parts = ()
    steps: tuple[Step, ...] = ()
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        described: dict[str, Any] = {"parts": _plain(self.parts)}
        if self.steps:
            described["steps"] = [[name, _plain(parts)] for name, parts in self.steps]
        if self.note:
            described["note"] = self.note
        return described


class Known(NamedTuple):
    """An array that is neither argument nor result.

    Attributes:
        label: what it is, in a few words.
        values: its numbers.
    """

    label: str
    values: Any


@dataclass(frozen=True)
class Form:
    """How each element of a result, and of what is sent back, is computed.

    Attributes:
        axes: letters of the axes of each array.
        forward: of the result, whose index is known.
        backward: of the gradient for an argument, whose index is known, by its place.
        known: arrays by name.
    """

    axes: Mapping[str, str]
    forward: Expression
    backward: Mapping[int, Expression]
    known: Mapping[str, Known] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """For JSON, but for what is known."""
        return {
            "axes": dict(self.axes),
            "forward": self.forward.plain(),
            "backward": {str(place): one.plain() for place, one in self.backward.items()},
        }


def no_form(note: str) -> Form:
    """Nothing to work out, and why."""
    return Form({}, Expression(note=note), {})


def broadcast_axes(shape: tuple[int, ...], result: tuple[int, ...], letters: str) -> str:
    """The axes of an array that was broadcast to a result with these."""
    ends = len(result) - len(shape)
    return "".join(
        "1" if length == 1 != whole else letter
        for length, whole, letter in zip(shape, result[ends:], letters[ends:], strict=True)
    )


def text_of(number: float) -> str:
    """A number as it stands in a text."""
    text = f"{number:.6g}".replace("-", "−").replace("inf", "∞")
    return f"({text})" if number < 0 else text


def _plain(parts: Parts) -> list[Any]:
    return [_plain_part(part) for part in parts]


def _plain_part(part: Part) -> Any:
    if isinstance(part, str):
        return part
    if isinstance(part, Cases):
        return {
            "cases": [
                [one.condition, _plain(one.parts), *([one.words] if one.words else [])]
                for one in part.choices
            ]
        }
    described: dict[str, Any] = {"over": part.over, "each": _plain(part.each)}
    if part.join != " + ":
        described["join"] = part.join
    if part.which != "all":
        described["which"] = part.which
    return described
