"""The op table: what nnscratch can compute and differentiate, one family a file.

Each op carries NumPy's name. Called on arrays it gives arrays, called on tensors it gives tensors
that are recorded; and NumPy's own function of that name, called on tensors, comes here.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import OPS
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

for _family in (
    "arithmetic",
    "elementary",
    "trigonometry",
    "rounding",
    "comparison",
    "searching",
    "properties",
    "special",
    "reductions",
    "extrema",
    "cumulative",
    "order_statistics",
    "shaping",
    "rearrangement",
    "joining",
    "indexing",
    "moving",
    "products",
    "einstein",
    "matrix_chains",
    "inverses",
    "decompositions",
    "norms",
    "neural",
    "crossentropy",
    "squared_error",
    "activation_functions",
    "normalization",
    "regularization",
):
    import_module(f"nnscratch.ops.{_family}")


def __getattr__(name: str) -> Callable[..., Any]:
    """The op of this name from the table; NumPy's other names for it (`abs`) do as well.

    Raises:
        AttributeError: there is none; the message lists the near matches.
    """
    if name in OPS:
        return OPS[name]
    if getattr(np, name, None) in NUMPY_FUNCTIONS:
        return NUMPY_FUNCTIONS[getattr(np, name)]
    near = " or ".join(f"ns.ops.{match}" for match in get_close_matches(name, OPS))
    raise AttributeError(f"There is no op {name!r}" + (f"; did you mean {near}?" if near else "."))


def __dir__() -> list[str]:
    """The names of all ops."""
    return sorted(OPS)
