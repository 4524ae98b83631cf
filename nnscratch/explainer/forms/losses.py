"""Losses that are one op: the cross-entropies of logits and the mean squared error.

t is the target, z the logits, p what the softmax or the sigmoid makes of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscratch.explainer.forms.elementwise import WAYS, Way
from nnscratch.explainer.forms.expression import (
    LETTERS,
    Case,
    Cases,
    Expression,
    Form,
    Known,
    Step,
    total,
)
from nnscratch.explainer.replay import arguments
from nnscratch.ops.special import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.forms.expression import Parts
    from nnscratch.explainer.recording import Entry


def _mean_of(entry: Entry, way: Way) -> Form:
    """The mean of an elementwise loss over all elements."""
    target, prediction = arguments(entry)
    shape = np.broadcast_shapes(np.shape(target), np.shape(prediction))
    letters, count = LETTERS[: len(shape)], int(np.prod(shape))
    return Form(
        {"0": letters, "1": letters, "y": "", "g": ""},
        Expression(("(", *total(letters, way.text), f") / {count}"), note=way.note),
        {
            place: Expression(
                ("{g} · ", slope, f" / {count}"), note="the gradient that arrived · its slope / N"
            )
            for place, slope in enumerate(way.slopes)
            if slope is not None
        },
    )


def _mean_squared_error(entry: Entry) -> Form:
    return _mean_of(entry, Way("({1} − {0})²", ("2 · ({0} − {1})", "2 · ({1} − {0})")))


def _mean_binary_crossentropy(entry: Entry) -> Form:
    way = WAYS["binary_crossentropy_from_logits"]
    return _mean_of(entry, way._replace(text=f"({way.text})", note=f"each term {way.note}"))


class _Rows:
    """Logits with one sample in each row.

    Attributes:
        axes: of target or labels, logits, result and gradient, and p.
        row: the letter along which a softmax's numbers sum to 1.
        target: what the op was called on.
        p: the softmax.
        over: the letters of the samples, where the loss is their mean.
        divided: the text that divides by their number.
    """

    def __init__(self, entry: Entry, mean: bool, sparse: bool) -> None:
        self.target, logits = arguments(entry)
        self.p = softmax(logits)
        letters = LETTERS[: logits.ndim]
        rows, self.row = letters[:-1], letters[-1]
        result = "" if mean else rows
        self.axes = {"0": rows if sparse else letters, "1": letters, "y": result, "g": result}
        self.axes |= {"p": letters}
        self.over = rows if mean else ""
        self.divided = f" / {logits.size // logits.shape[-1]}" if mean else ""
        self.step = Step("p", ("exp({1}) / (", *total(self.row, "exp({1})"), ")"))

    def loss(self, over: str, each: str) -> Parts:
        """Minus the sum of some terms, divided by the number of samples."""
        return ("−(", *total(over, each), f"){self.divided}")


def _softmax_crossentropy(mean: bool) -> Callable[[Entry], Form]:
    def form(entry: Entry) -> Form:
        rows = _Rows(entry, mean, sparse=False)
        whole = np.allclose(np.sum(rows.target, axis=-1), 1)
        sums: Parts = () if whole else (" · (", *total(rows.row, "{0}"), ")")
        return Form(
            rows.axes,
            Expression(rows.loss(rows.over + rows.row, "{0} · ln({p})"), note=_NOTE),
            {
                0: Expression((f"−{{g}} · ln({{p}}){rows.divided}",), (rows.step,)),
                1: Expression(
                    ("{g} · ({p}", *sums, f" − {{0}}){rows.divided}"),
                    (rows.step,),
                    "the gradient that arrived · (prediction − target)",
                ),
            },
            {"p": Known("p, the softmax of the logits", rows.p)},
        )

    return form


def _sparse_softmax_crossentropy(mean: bool) -> Callable[[Entry], Form]:
    def form(entry: Entry) -> Form:
        rows = _Rows(entry, mean, sparse=True)
        own = np.take_along_axis(rows.p, np.asarray(rows.target)[..., None], -1)[..., 0]
        slope = Cases(
            (
                Case(f"@{rows.row} = {{0}}", ("({p} − 1)",), "this is the label"),
                Case(f"@{rows.row} ≠ {{0}}", ("({p} − 0)",), "the label is another"),
            )
        )
        return Form(
            {**rows.axes, "q": rows.axes["0"]},
            Expression(
                rows.loss(rows.over, "ln({q})"), note="q is the probability of the label in its row"
            ),
            {
                1: Expression(
                    ("{g} · ", slope, rows.divided),
                    (rows.step,),
                    "the gradient that arrived · (prediction − target)",
                )
            },
            {
                "p": Known("p, the softmax of the logits", rows.p),
                "q": Known("q, the label's probability", own),
            },
        )

    return form


_NOTE = "p is the softmax of the logits, row by row"


def _minus_one_hot(entry: Entry) -> Form:
    letters = LETTERS[: entry.value.ndim]
    text = Cases(
        (
            Case(f"@{letters[-1]} = {{1}}", ("{0} − 1",), "this is the label"),
            Case(f"@{letters[-1]} ≠ {{1}}", ("{0} − 0",), "the label is another"),
        )
    )
    axes = {"0": letters, "1": letters[:-1], "y": letters, "g": letters}
    return Form(axes, Expression((text,)), {0: Expression(("{g} · 1",))})


FORMS: dict[str, Callable[[Entry], Form]] = {
    "mean_binary_crossentropy_from_logits": _mean_binary_crossentropy,
    "mean_softmax_crossentropy": _softmax_crossentropy(mean=True),
    "mean_sparse_softmax_crossentropy": _sparse_softmax_crossentropy(mean=True),
    "mean_squared_error": _mean_squared_error,
    "minus_one_hot": _minus_one_hot,
    "softmax_crossentropy": _softmax_crossentropy(mean=False),
    "sparse_softmax_crossentropy": _sparse_softmax_crossentropy(mean=False),
}
