"""Layer and batch normalization: x less its mean, over the root of its variance.

x̂ = (x − μ) · r with r = 1 / √(v + ε); the mean μ and the variance v are those of x's line, and
depend on every number of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.forms.expression import (
    LETTERS,
    Expression,
    Form,
    Known,
    Step,
    broadcast_axes,
    text_of,
    total,
)
from nnscratch.explainer.replay import arguments, op_of
from nnscratch.ops.arguments import reduced_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.recording import Entry


class _Normalized:
    """What is known of x and of the gradient that arrived, line by line.

    Attributes:
        axes: letters of all arrays.
        known: arrays by name: μ, v and r, and the means a of what arrives for x̂, c of its products
            with x̂.
        steps: how they are computed.
    """

    def __init__(self, entry: Entry, along: tuple[int, ...], own: dict[int, str]) -> None:
        x = arguments(entry)[0]
        letters = LETTERS[: x.ndim]
        self.gamma, self.beta = 1 in own, 2 in own
        self.over = "".join(letters[axis] for axis in along)
        self.lines = "".join("1" if one in self.over else one for one in letters)
        self.axes = {"0": letters, "y": letters, "g": letters}
        self.axes |= {str(place): axes for place, axes in own.items()}
        self.axes |= dict.fromkeys("μvrac", self.lines)
        epsilon = op_of(entry).params["epsilon"]
        self.known = self._statistics(entry, along, epsilon)
        self.steps = self._steps(int(np.prod([x.shape[axis] for axis in along])), epsilon)

    def _statistics(self, entry: Entry, along: tuple[int, ...], epsilon: float) -> dict[str, Known]:
        def mean(values: Any) -> Any:
            return np.mean(values, axis=along, keepdims=True)

        x, gamma = arguments(entry)[:2]
        centered = x - mean(x)
        variance = mean(centered * centered)
        scale = 1 / np.sqrt(variance + epsilon)
        known = {
            "μ": Known("μ, the mean", mean(x)),
            "v": Known("v, the variance", variance),
            "r": Known("r, one over the deviation", scale),
        }
        if entry.gradient is not None:
            arrived = entry.gradient * self._gamma_beside(x, gamma)
            known["a"] = Known("a, the mean of what arrived", mean(arrived))
            known["c"] = Known("c, the mean of its products", mean(arrived * centered * scale))
        return known

    def _gamma_beside(self, x: Any, gamma: Any) -> Any:
        if not self.gamma:
            return 1
        lengths = [1] * x.ndim
        for letter, length in zip(self.axes["1"], gamma.shape, strict=True):
            if letter != "1":
                lengths[self.axes["0"].index(letter)] = length
        return gamma.reshape(lengths)

    def _steps(self, count: int, epsilon: float) -> dict[str, Step]:
        arrived = "{1} · {g}" if self.gamma else "{g}"
        parts = {
            "μ": ("(", *total(self.over, "{0}"), f") / {count}"),
            "v": ("(", *total(self.over, "({0} − {μ})²"), f") / {count}"),
            "r": (f"1 / √({{v}} + {text_of(epsilon)})",),
            "a": ("(", *total(self.over, arrived), f") / {count}"),
            "c": ("(", *total(self.over, f"{arrived} · ({{0}} − {{μ}}) · {{r}}"), f") / {count}"),
        }
        return {name: Step(name, step) for name, step in parts.items()}

    def form(self, entry: Entry) -> Form:
        """The form of either normalization."""
        scaled = "{1} · " if self.gamma else ""
        shifted = " + {2}" if self.beta else ""
        ways = {
            0: Expression(
                (f"{{r}} · ({scaled}{{g}} − {{a}} − ({{0}} − {{μ}}) · {{r}} · {{c}})",),
                tuple(self.steps[name] for name in "rac"),
                "what arrived, less what moving the mean and the variance takes away",
            ),
            1: Expression(
                self._repeated("1", "{g} · ({0} − {μ}) · {r}"),
                note="what arrived · the normalized number",
            ),
            2: Expression(self._repeated("2", "{g}")),
        }
        sent = (edge.argument for edge in entry.inputs if edge.contribution is not None)
        return Form(
            self.axes,
            Expression(
                (f"{scaled}({{0}} − {{μ}}) · {{r}}{shifted}",),
                tuple(self.steps[name] for name in "μvr"),
            ),
            {argument: ways[argument] for argument in sent},
            self.known,
        )

    def _repeated(self, key: str, each: str) -> Any:
        """A parameter was used in many places: its gradient is the sum over them."""
        own = self.axes.get(key, "")
        return total("".join(letter for letter in self.axes["y"] if letter not in own), each)


def _layer_normalization(entry: Entry) -> Form:
    x, *parameters = arguments(entry)
    along = tuple(sorted(reduced_axes(x.ndim, op_of(entry).params["axis"])))
    letters = LETTERS[: x.ndim]
    own = {
        place: broadcast_axes(np.shape(array), x.shape, letters)
        for place, array in enumerate(parameters, 1)
        if array is not None
    }
    return _Normalized(entry, along, own).form(entry)


def _batch_normalization(entry: Entry) -> Form:
    x, *parameters = arguments(entry)
    channel = op_of(entry).params["axis"] % x.ndim
    along = tuple(axis for axis in range(x.ndim) if axis != channel)
    own = {
        place: LETTERS[channel] for place, array in enumerate(parameters, 1) if array is not None
    }
    form = _Normalized(entry, along, own).form(entry)
    if not any(gradient is not None and np.any(gradient) for gradient in entry.gradients[1:]):
        return form
    why = Expression(
        note="The loss depends on the mean and the variance by themselves too, so that three "
        "gradients arrived here: the rule adds up what each of them sends back."
    )
    return Form(form.axes, form.forward, {**form.backward, 0: why}, form.known)


FORMS: dict[str, Callable[[Entry], Form]] = {
    "batch_normalization": _batch_normalization,
    "layer_normalization": _layer_normalization,
}
