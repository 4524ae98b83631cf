"""How one element of an op's result comes about, so that a page can show it with the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.replay import arguments, op_of
from nnscratch.ops.arguments import reduced_axes

if TYPE_CHECKING:
    from nnscratch.explainer.recording import Entry

ELEMENTWISE: dict[str, str] = {
    "absolute": "|{0}|",
    "add": "{0} + {1}",
    "cos": "cos({0})",
    "divide": "{0} / {1}",
    "exp": "exp({0})",
    "expm1": "exp({0}) − 1",
    "gelu": "gelu({0})",
    "leaky_relu": "leaky_relu({0})",
    "log": "log({0})",
    "log1p": "log(1 + {0})",
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "multiply": "{0} · {1}",
    "negative": "−({0})",
    "power": "{0} ^ {1}",
    "reciprocal": "1 / {0}",
    "relu": "max({0}, 0)",
    "sigmoid": "1 / (1 + exp(−{0}))",
    "silu": "{0} / (1 + exp(−{0}))",
    "sin": "sin({0})",
    "softplus": "log(1 + exp({0}))",
    "sqrt": "√{0}",
    "square": "{0}²",
    "subtract": "{0} − {1}",
    "tanh": "tanh({0})",
    "where": "{1} if {0} else {2}",
}
"""With {0} and {1} for the arguments' numbers at the place in question."""

PLAIN = frozenset({"relu"})
"""Ops whose text is right only with the parameters that they have by default."""

REDUCTIONS = {"max": "max", "mean": "mean", "min": "min", "sum": "sum"}


def form_of(entry: Entry) -> dict[str, Any]:
    """What a page needs in order to compute one element before one's eyes.

    Args:
        entry: of an op.

    Returns:
        `kind`: "elementwise" with a `text`, "matmul" of two matrices, "dense" with its `activation`
        and `bias`, "reduction" with its `operation` and `axes`, or "other".
    """
    node = op_of(entry)
    name, params = node.op.name, node.params
    shapes = [np.shape(array) for array in arguments(entry)]
    if name in ELEMENTWISE and (name not in PLAIN or params == node.op.defaults):
        return {"kind": "elementwise", "text": ELEMENTWISE[name]}
    if name == "matmul" and [len(shape) for shape in shapes] == [2, 2]:
        return {"kind": "matmul"}
    if name == "dense" and len(shapes[0]) == 2:
        return {
            "kind": "dense",
            "activation": params.get("activation", "linear"),
            "bias": 2 if shapes[2] else None,
        }
    if name in REDUCTIONS:
        axes = reduced_axes(len(shapes[0]), params.get("axis"))
        return {"kind": "reduction", "operation": REDUCTIONS[name], "axes": list(axes)}
    return {"kind": "other"}
