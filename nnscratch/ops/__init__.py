"""The op table: what nnscratch can compute and differentiate, one family a file.

Each op carries NumPy's name. Called on arrays it gives arrays, called on tensors it gives tensors
that are recorded; and NumPy's own function of that name, called on tensors, comes here.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from nnscratch.autograd import OPS
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS

if TYPE_CHECKING:
    from nnscratch.autograd import Composite, Op

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
    "products",
    "einstein",
    "matrix_chains",
    "inverses",
    "decompositions",
    "norms",
    "neural",
):
    import_module(f"nnscratch.ops.{_family}")


def __getattr__(name: str) -> Op | Composite:
    """The op of this name from the table; NumPy's other names for it (`abs`) do as well.

    Raises:
        AttributeError: there is none; the message lists the near matches.
    """
    found = OPS.get(name) or NUMPY_FUNCTIONS.get(getattr(np, name, None))
    if found is not None:
        return found
    near = " or ".join(f"ns.ops.{match}" for match in get_close_matches(name, OPS))
    raise AttributeError(f"There is no op {name!r}" + (f"; did you mean {near}?" if near else "."))


def __dir__() -> list[str]:
    """The names of all ops."""
    return sorted(OPS)
