"""What a page writes out of an op's form, in Python and with all digits.

It reads the form as the page's `equation_terms.js` and `equation_moved.js` do.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.forms import form_of
from nnscratch.explainer.replay import arguments
from tests.explainer.reading import evaluated

if TYPE_CHECKING:
    from nnscratch.explainer.recording import Edge, Entry

COMPARED: dict[str, Any] = {
    "<": np.less,
    "≤": np.less_equal,
    "=": np.equal,
    "≥": np.greater_equal,
    ">": np.greater,
    "≠": np.not_equal,
}

Place = dict[str, int]


def _counted(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """Which element it is if all are counted in order."""
    return int(np.ravel_multi_index(index, shape)) if shape else 0


class WrittenOut:
    """An op's entry with its form, as the page gets it."""

    def __init__(self, entry: Entry) -> None:
        """Ask for the form."""
        self.entry = entry
        form = form_of(entry)
        self.form = form.plain()
        self.arrays = {
            str(edge.argument): np.asarray(edge.source.outputs[edge.output])
            for edge in entry.inputs
        }
        self.arrays |= {name: np.asarray(one.values) for name, one in form.known.items()}
        self.arrays |= {"y": entry.value, "g": entry.gradient}

    @property
    def says_nothing(self) -> bool:
        """Whether there is a remark only."""
        return "sources" not in self.form and not self.form["forward"]["parts"]

    def element(self, index: tuple[int, ...]) -> float:
        """What the form makes of an element of the result."""
        if "sources" in self.form:
            return self._moved_here(index)
        return self._computed(self.form["forward"], self._place("y", index))

    def contribution(self, edge: Edge, index: tuple[int, ...]) -> float | None:
        """What the form makes of an element of what is sent along an edge; None with a remark."""
        if "sources" in self.form:
            return self._moved_back(edge, index)
        expression = self.form["backward"][str(edge.argument)]
        place = self._place(str(edge.argument), index)
        return self._computed(expression, place) if expression["parts"] else None

    # --- expressions

    def _computed(self, expression: dict[str, Any], place: Place | None) -> float:
        if place is None:  # beside a diagonal
            return 0.0
        for name, parts in expression.get("steps", []):
            step = evaluated(self._write(parts, place))
            np.testing.assert_allclose(step, self._number(name, place), rtol=1e-5, err_msg=name)
        return evaluated(self._write(expression["parts"], place))

    def _place(self, key: str, index: tuple[int, ...]) -> Place | None:
        axes = self.form["axes"][key]
        if axes.startswith("*"):
            return {axes[1]: _counted(index, self.arrays[key].shape)}
        place: Place = {}
        for letter, at in zip(axes, index, strict=True):
            if letter != "1" and place.setdefault(letter, at) != at:
                return None
        return place

    def _number(self, key: str, place: Place) -> float:
        axes, array = self.form["axes"][key], self.arrays[key]
        if axes.startswith("*"):
            return float(array.flat[place[axes[1]]])
        return float(array[tuple(0 if letter == "1" else place[letter] for letter in axes)])

    def _length(self, letter: str) -> int:
        found = {
            self.arrays[key].shape[axes.index(letter)]
            for key, axes in self.form["axes"].items()
            if letter in axes and not axes.startswith("*")
        }
        (length,) = found
        return length

    def _write(self, parts: list[Any], place: Place) -> str:
        return "".join(self._part(part, place) for part in parts)

    def _part(self, part: Any, place: Place) -> str:
        if isinstance(part, str):
            return re.sub(r"\{([^}]+)\}", lambda key: f"({self._number(key[1], place)!r})", part)
        if "cases" in part:
            for condition, parts, *_ in part["cases"]:
                if not condition or self._holds(condition, place):
                    return self._write(parts, place)
            return self._write(part["cases"][-1][1], place)
        join = part.get("join", " + ")
        terms = [self._write(part["each"], there) for there in self._places(part, place)]
        return join.join(terms) or ("1" if join == " · " else "0")

    def _places(self, part: dict[str, Any], place: Place) -> list[Place]:
        over, which = part["over"], part.get("which", "all")
        found = []
        for index in itertools.product(*(range(self._length(letter)) for letter in over)):
            own = tuple(place.get(letter) for letter in over)
            if (
                which == "all"
                or (which == "others" and index != own)
                or (which == "up to" and index <= own)  # type: ignore[operator] # both are known
                or (which == "from" and index >= own)  # type: ignore[operator] # both are known
            ):
                found.append({**place, **dict(zip(over, index, strict=True))})
        return found

    def _holds(self, condition: str, place: Place) -> bool:
        left, sign, right = condition.split(" ")
        return bool(COMPARED[sign](self._operand(left, place), self._operand(right, place)))

    def _operand(self, text: str, place: Place) -> float:
        if text.startswith("@"):
            return place[text[1]]
        if text.endswith("}"):
            number = self._number(text.strip("−{}"), place)
            return -number if text.startswith("−") else number
        return float(text.replace("−", "-").replace("∞", "inf"))

    # --- what was moved

    def _from(self, number: int, shape: tuple[int, ...]) -> Any:
        """The place that each element of a result comes from."""
        source = self.form["sources"][number]
        if "map" in source:
            return self.arrays[source["map"]]
        places = np.full(shape, source["offset"])
        for index in np.ndindex(shape):
            places[index] += sum(np.multiply(index, source["strides"]), 0)
        return places

    def _in_order(self) -> Any:
        """The elements of all arguments, one after another."""
        return np.concatenate(
            [np.ravel(self.arrays[str(edge.argument)]) for edge in self.entry.inputs]
        )

    def _moved_here(self, index: tuple[int, ...]) -> float:
        place = self._from(0, self.entry.value.shape)[index]
        if place < 0:  # a constant, which stays when the arguments change
            node = self.entry.node
            assert node is not None
            others = (array + 1 for array in arguments(self.entry))
            return float(node.op.forward(*others, **node.params)[index])
        return float(self._in_order()[place])

    def _moved_back(self, edge: Edge, index: tuple[int, ...]) -> float:
        before = (other for other in self.entry.inputs if other.argument < edge.argument)
        start = sum(self.arrays[str(other.argument)].size for other in before)
        shape = self.arrays[str(edge.argument)].shape
        place = start + _counted(index, shape)
        total = 0.0
        for number, gradient in enumerate(self.entry.gradients):
            if gradient is not None:
                total += float(np.sum(gradient[self._from(number, gradient.shape) == place]))
        return total
