"""What `t.at[index].add(value)` records: each element gets what was added at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscratch.explainer.forms.expression import (
    LETTERS,
    Expression,
    Form,
    Known,
    broadcast_axes,
    total,
)
from nnscratch.explainer.replay import arguments, parameters
from nnscratch.ops.indexing import scatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.recording import Entry


def _add_at(entry: Entry) -> Form:
    array, value = arguments(entry)
    index = parameters(entry)["index"]
    gradient = np.zeros_like(entry.value) if entry.gradient is None else entry.gradient
    arrived = np.asarray(gradient[index])
    letters = LETTERS[: np.ndim(array)]
    others = LETTERS[np.ndim(array) : np.ndim(array) + arrived.ndim]
    own = broadcast_axes(np.shape(value), arrived.shape, others)
    free = "".join(letter for letter in others if letter not in own)
    spread = np.broadcast_to(value, arrived.shape).astype(entry.value.dtype)
    return Form(
        {"0": letters, "1": own, "y": letters, "g": letters, "s": letters, "r": others},
        Expression(("{0} + {s}",), note="s is the sum of all that was added at this place"),
        {
            0: Expression(("{g} · 1",), note="the gradient that arrived · the slope here"),
            1: Expression(total(free, "{r}"), note="r is what arrived where this was added"),
        },
        {
            "s": Known("s, what was added", scatter(spread, entry.value.shape, index)),
            "r": Known("r, the gradient at the index", arrived),
        },
    )


FORMS: dict[str, Callable[[Entry], Form]] = {"add_at": _add_at}
