"""Products of arrays: which numbers meet, are multiplied and added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.forms.elementwise import way_of
from nnscratch.explainer.forms.expression import (
    LETTERS,
    Expression,
    Form,
    Known,
    Step,
    broadcast_axes,
    renamed,
    total,
)
from nnscratch.explainer.replay import arguments, op_of
from nnscratch.ops.activation_functions import gelu
from nnscratch.ops.einstein import explicit_subscripts
from nnscratch.ops.products import contracted_axes
from nnscratch.ops.special import relu, sigmoid
from nnscratch.ops.trigonometry import tanh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnscratch.autograd import Op
    from nnscratch.explainer.recording import Entry


def _sum_of_products(entry: Entry, axes: Mapping[str, str]) -> Form:
    """The form of Σ a · b · …, with the letters of each factor and of the result "y"."""
    factors = [key for key in axes if key != "y"]
    letters = dict.fromkeys("".join(axes.values()).replace("1", ""))
    backward = {}
    for edge in entry.inputs:
        if edge.contribution is not None:
            key = str(edge.argument)
            backward[edge.argument] = Expression(
                _product_over(letters, axes[key], ["g", *(f for f in factors if f != key)]),
                note="the gradient that arrived · what it was multiplied with"
                if len(factors) > 1
                else "",
            )
    forward = Expression(_product_over(letters, axes["y"], factors))
    return Form({**axes, "g": axes["y"]}, forward, backward)


def _product_over(letters: Mapping[str, None], own: str, factors: list[str]) -> Any:
    over = "".join(letter for letter in letters if letter not in own)
    return total(over, " · ".join("{" + factor + "}" for factor in factors))


def _matmul(entry: Entry) -> Form:
    left, right = (np.shape(array) for array in arguments(entry))
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    letters = LETTERS[: len(batch)]
    rows, columns = "n" if len(left) > 1 else "", "m" if len(right) > 1 else ""
    return _sum_of_products(
        entry,
        {
            "0": broadcast_axes(left[:-2], batch, letters) + rows + "k",
            "1": broadcast_axes(right[:-2], batch, letters) + "k" + columns,
            "y": letters + rows + columns,
        },
    )


def _tensordot(entry: Entry) -> Form:
    left, right = (np.ndim(array) for array in arguments(entry))
    of_left, of_right = contracted_axes(op_of(entry).params["axes"], left, right)
    first, second = list(LETTERS[:left]), list(LETTERS[left : left + right])
    for one, other in zip(of_left, of_right, strict=True):
        second[other] = first[one]
    result = [first[axis] for axis in range(left) if axis not in of_left]
    result += [second[axis] for axis in range(right) if axis not in of_right]
    return _sum_of_products(
        entry, {"0": "".join(first), "1": "".join(second), "y": "".join(result)}
    )


def _einsum(entry: Entry) -> Form:
    subscripts, *operands = arguments(entry)
    shapes = [np.shape(operand) for operand in operands]
    *terms, result = explicit_subscripts(subscripts, [len(shape) for shape in shapes])
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, length in zip(term, shape, strict=True):
            lengths[letter] = max(length, lengths.get(letter, length))
    axes = {
        str(place): "".join(
            "1" if length == 1 != lengths[letter] else letter
            for letter, length in zip(term, shape, strict=True)
        )
        for place, (term, shape) in enumerate(zip(terms, shapes, strict=True), 1)
    }
    return _sum_of_products(entry, {**axes, "y": result})


# --- dense layers ---------------------------------------------------------------------------------

_ACTIVATIONS: dict[str, tuple[Op, dict[str, Any]]] = {
    "gelu": (gelu, {"approximate": False}),
    "gelu_tanh": (gelu, {"approximate": True}),
    "relu": (relu, {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}),
    "sigmoid": (sigmoid, {}),
    "tanh": (tanh, {}),
}
"""The op that each activation of a dense layer is, and its parameters."""


def _dense(entry: Entry) -> Form:
    x, _, bias = arguments(entry)
    rows = LETTERS[: np.ndim(x) - 1]
    axes = {"0": f"{rows}k", "1": "km", "2": "m" * np.ndim(bias), "y": f"{rows}m", "g": f"{rows}m"}
    product = (*total("k", "{0} · {1}"), *([" + {2}"] if np.ndim(bias) else []))
    activation = op_of(entry).params.get("activation", "linear")
    if activation == "linear":
        what = "the gradient that arrived"
        return Form(axes, Expression(product), _sent_by_dense(entry, rows, "g", what))
    op, params = _ACTIVATIONS[activation]
    way = way_of(op.name, params)
    what = f"z̄, which is the gradient that arrived · the slope of {activation}"
    return Form(
        axes | {"z": f"{rows}m", "z̄": f"{rows}m"},
        Expression(renamed((way.text,), "0", "z"), (Step("z", product),), way.note),
        _sent_by_dense(entry, rows, "z̄", what),
        _inside_dense(entry, op, params),
    )


def _sent_by_dense(entry: Entry, rows: str, inner: str, what: str) -> dict[int, Expression]:
    """The gradients of x, W and b, from that of x·W + b."""
    ways = {
        0: Expression(
            total("m", f"{{{inner}}} · {{1}}"), note=f"row of the kernel · row of {what}"
        ),
        1: Expression(total(rows, f"{{0}} · {{{inner}}}"), note=f"column of x · column of {what}"),
        2: Expression(total(rows, f"{{{inner}}}"), note=f"the sum of a column of {what}"),
    }
    sent = (edge.argument for edge in entry.inputs if edge.contribution is not None)
    return {argument: ways[argument] for argument in sent}


def _inside_dense(entry: Entry, activation: Op, params: dict[str, Any]) -> dict[str, Known]:
    """What the activation was applied to, and the gradient of that."""
    x, kernel, bias = arguments(entry)
    z = np.matmul(x, kernel) + bias
    known = {"z": Known("z = x·W + b", z)}
    if entry.gradient is not None:
        (inner,) = activation.gradients([True], entry.gradient, entry.value, [z], params)
        known["z̄"] = Known("z̄, the gradient of z", inner)
    return known


FORMS: dict[str, Callable[[Entry], Form]] = {
    "dense": _dense,
    "einsum": _einsum,
    "matmul": _matmul,
    "tensordot": _tensordot,
}
