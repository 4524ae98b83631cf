"""Ops along axes: reductions, the softmax family, running sums; a row of numbers gives each one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.forms.expression import (
    LETTERS,
    Expression,
    Form,
    Known,
    Step,
    cases,
    text_of,
    total,
)
from nnscratch.explainer.replay import arguments, op_of
from nnscratch.ops.arguments import normalized_axis, reduced_axes, reduced_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.forms.expression import Parts
    from nnscratch.explainer.recording import Entry


class Line:
    """The one array of such an op, and the axes along which it runs.

    Attributes:
        entry: of the op.
        array: the argument.
        params: the op's parameters.
        letters: of the array's axes.
        axis: the axes along which the op runs.
        over: their letters.
        kept: the letters, with "1" for those axes.
        count: how many numbers a line has.
    """

    def __init__(self, entry: Entry) -> None:
        """Read an op's parameter `axis`."""
        self.entry = entry
        (self.array,) = map(np.asarray, arguments(entry))
        self.params = op_of(entry).params
        self.axis = tuple(sorted(reduced_axes(self.array.ndim, self.params["axis"])))
        self.letters = LETTERS[: self.array.ndim]
        self.over = "".join(self.letters[one] for one in self.axis)
        self.kept = "".join("1" if one in self.over else one for one in self.letters)
        self.count = reduced_count(self.array.shape, self.axis)

    def reduced(self, forward: Expression, backward: Expression, **known: Known) -> Form:
        """The form of a reduction; what is known has a number for each line."""
        keeps = self.params.get("keepdims", False)
        result = self.kept if keeps else self.kept.replace("1", "")
        axes = {"0": self.letters, "y": result, "g": result, **dict.fromkeys(known, self.kept)}
        return Form(axes, forward, {0: backward}, known)

    def unreduced(self, forward: Expression, backward: Expression, **known: Known) -> Form:
        """The form of an op whose result has the argument's shape."""
        letters = dict.fromkeys(("0", "y", "g"), self.letters)
        return Form(letters | dict.fromkeys(known, self.kept), forward, {0: backward}, known)

    def mean(self) -> Known:
        """Of each line."""
        return Known("μ, the mean", np.mean(self.array, axis=self.axis, keepdims=True))


# --- reductions -----------------------------------------------------------------------------------


def _sum(line: Line) -> Form:
    return line.reduced(
        Expression(total(line.over, "{0}")),
        Expression(("{g}",), note="a sum hands its gradient to every term"),
    )


def _mean(line: Line) -> Form:
    return line.reduced(
        Expression(("(", *total(line.over, "{0}"), f") / {line.count}")),
        Expression(
            (f"{{g}} / {line.count}",),
            note=f"each of the {line.count} numbers has 1/{line.count} of the mean"
            if line.count > 1
            else "",
        ),
    )


def _product(line: Line) -> Form:
    others: Parts = ("1",)
    if line.over:
        others = total(line.over, "{0}", join=" · ", which="others")
    return line.reduced(
        Expression(total(line.over, "{0}", join=" · ")),
        Expression(("{g} · ", *others), note="the gradient that arrived · all the others"),
    )


def _extreme(name: str) -> Callable[[Line], Form]:
    def form(line: Line) -> Form:
        extreme = getattr(np, name)(line.array, axis=line.axis, keepdims=True)
        ties = np.sum(line.array == extreme, axis=line.axis, keepdims=True)
        shared = np.any(ties > 1)
        share, known = ("1 / {ties}", {"ties": Known("ties", ties)}) if shared else ("1", {})
        return line.reduced(
            Expression((f"{name}(", *total(line.over, "{0}", join=", "), ")")),
            Expression(
                (
                    "{g} · ",
                    cases(
                        ("{0} = {y}", share, f"it is the {name}"),
                        ("{0} ≠ {y}", "0", f"it is not the {name}"),
                    ),
                ),
                note="equal ones share the gradient" if shared else "",
            ),
            **known,
        )

    return form


def _variance(line: Line) -> Form:
    return _spread(line, ("", ""), "{g} · 2 · ({0} − {μ}) / %s")


def _standard_deviation(line: Line) -> Form:
    return _spread(line, ("√(", ")"), "{g} · ({0} − {μ}) / (%s · {y})")


def _spread(line: Line, root: tuple[str, str], sent: str) -> Form:
    divisor = text_of(line.count - line.params["ddof"])
    squares = total(line.over, "({0} − {μ})²")
    mean = Step("μ", ("(", *total(line.over, "{0}"), f") / {line.count}"))
    return line.reduced(
        Expression((f"{root[0]}(", *squares, f") / {divisor}{root[1]}"), (mean,)),
        Expression((cases(("{y} = 0", "{g} · 0"), ("", sent % divisor)),), (mean,)),
        μ=line.mean(),
    )


def _logsumexp(line: Line) -> Form:
    return line.reduced(
        Expression(("ln(", *total(line.over, "exp({0})"), ")")),
        Expression(("{g} · exp({0} − {y})",), note="its share is that of the softmax"),
    )


def _norm(line: Line) -> Form:
    order = line.params["ord"]
    power = text_of(order)
    if abs(order) == np.inf:
        return _largest_size(line)
    if order == 0:
        counted = cases(("{0} ≠ 0", "1"), ("", "0"))
        return line.reduced(Expression(total(line.over, counted)), Expression(("{g} · 0",)))
    if order == 1:
        return line.reduced(Expression(total(line.over, "|{0}|")), Expression(("{g} · sign({0})",)))
    if order == 2:
        return line.reduced(
            Expression(("√(", *total(line.over, "{0}²"), ")")),
            Expression((cases(("{y} = 0", "{g} · 0"), ("", "{g} · {0} / {y}")),)),
        )
    sent = f"{{g}} · sign({{0}}) · (|{{0}}| / {{y}}) ^ ({power} − 1)"
    return line.reduced(
        Expression(("(", *total(line.over, f"|{{0}}| ^ {power}"), f") ^ (1 / {power})")),
        Expression((cases(("{y} = 0", "{g} · 0"), ("", sent)),)),
    )


def _largest_size(line: Line) -> Form:
    name = "max" if line.params["ord"] > 0 else "min"
    sizes = np.abs(line.array)
    extreme = getattr(np, name)(sizes, axis=line.axis, keepdims=True)
    ties = np.sum(sizes == extreme, axis=line.axis, keepdims=True)
    return line.reduced(
        Expression((f"{name}(", *total(line.over, "|{0}|", join=", "), ")")),
        Expression(
            (
                "{g} · ",
                cases(
                    ("{0} = {y}", "sign({0}) / {ties}", f"its size is the {name}"),
                    ("{0} = −{y}", "sign({0}) / {ties}", f"its size is the {name}"),
                    ("", "0"),
                ),
            ),
            note="equal ones share the gradient",
        ),
        ties=Known("ties", ties),
    )


# --- the softmax family ---------------------------------------------------------------------------


def _softmax(line: Line) -> Form:
    return line.unreduced(
        Expression(("exp({0}) / (", *total(line.over, "exp({0})"), ")")),
        Expression(
            ("{y} · ({g} − (", *total(line.over, "{g} · {y}"), "))"),
            note="what arrived, less the mean of what arrived in its line, weighted by y",
        ),
    )


def _log_softmax(line: Line) -> Form:
    return line.unreduced(
        Expression(("{0} − ln(", *total(line.over, "exp({0})"), ")")),
        Expression(("{g} − exp({y}) · (", *total(line.over, "{g}"), ")")),
    )


def _sparsemax(line: Line) -> Form:
    y, g = line.entry.value, line.entry.gradient
    inside = (y > 0).astype(y.dtype)
    count = np.sum(inside, axis=line.axis, keepdims=True)

    def mean(values: Any) -> Any:
        return np.sum(values * inside, axis=line.axis, keepdims=True) / count

    return line.unreduced(
        Expression(("max({0} − {τ}, 0)",), note="τ is such that the numbers of a line sum to 1"),
        Expression(
            (cases(("{y} > 0", "{g} − {m}"), ("{y} = 0", "0")),),
            note="m is the mean of what arrived for those that are not 0",
        ),
        τ=Known("τ, the threshold", mean(line.array - y)),
        m=Known("m, the mean of what arrived", mean(y if g is None else g)),
    )


# --- running sums ---------------------------------------------------------------------------------


def _running(entry: Entry) -> tuple[dict[str, str], str]:
    """The axes of a running sum or product, and the letter of the one that it runs along."""
    (array,) = map(np.asarray, arguments(entry))
    axis = op_of(entry).params["axis"]
    letters = LETTERS[: entry.value.ndim]
    if axis is None:
        return {"0": "*a", "y": "a", "g": "a"}, "a"
    along = letters[normalized_axis(axis, array.ndim)]
    return dict.fromkeys(("0", "y", "g"), letters), along


def _running_sum(entry: Entry) -> Form:
    axes, along = _running(entry)
    return Form(
        axes,
        Expression(total(along, "{0}", which="up to")),
        {
            0: Expression(
                total(along, "{g}", which="from"), note="it went into every later sum and its own"
            )
        },
    )


def _running_product(entry: Entry) -> Form:
    axes, along = _running(entry)
    (array,) = arguments(entry)
    backward = Expression(("(", *total(along, "{g} · {y}", which="from"), ") / {0}"))
    if np.any(np.equal(array, 0)):
        backward = Expression(
            note="With a zero among the factors the gradient cannot be written as a quotient: it "
            "is the sum over the later products, each without this factor."
        )
    return Form(axes, Expression(total(along, "{0}", join=" · ", which="up to")), {0: backward})


_LINES: dict[str, Callable[[Line], Form]] = {
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "max": _extreme("max"),
    "mean": _mean,
    "min": _extreme("min"),
    "prod": _product,
    "softmax": _softmax,
    "sparsemax": _sparsemax,
    "std": _standard_deviation,
    "sum": _sum,
    "var": _variance,
    "vector_norm": _norm,
}


def _along_lines(entry: Entry) -> Form:
    return _LINES[op_of(entry).op.name](Line(entry))


FORMS: dict[str, Callable[[Entry], Form]] = {
    "cumprod": _running_product,
    "cumsum": _running_sum,
    **dict.fromkeys(_LINES, _along_lines),
}
