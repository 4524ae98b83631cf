"""How one element of an op's result, and of what it sends back, comes about.

A page shows it with the numbers. Python says how, the page fills in what is pointed at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscratch.explainer.forms import (
    elementwise,
    indexed_writing,
    lines,
    losses,
    normalization,
    products,
)
from nnscratch.explainer.forms.expression import Form, no_form
from nnscratch.explainer.forms.movement import MOVING, Moved, moved
from nnscratch.explainer.replay import op_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.recording import Entry

FORMS: dict[str, Callable[[Entry], Form | Moved]] = {
    **elementwise.FORMS,
    **indexed_writing.FORMS,
    **lines.FORMS,
    **losses.FORMS,
    **normalization.FORMS,
    **products.FORMS,
    **dict.fromkeys(MOVING, moved),
}

OF_WHOLE_MATRICES = frozenset(
    {"cholesky", "det", "eigh", "inv", "pinv", "qr", "slogdet", "solve", "svd"}
)


def form_of(entry: Entry) -> Form | Moved:
    """How each element of an op's result, and of what it sends back, is computed.

    Args:
        entry: of an op.
    """
    name = op_of(entry).op.name
    if name in FORMS:
        with np.errstate(all="ignore"):
            return FORMS[name](entry)
    if name in OF_WHOLE_MATRICES:
        return no_form(
            "Each number here depends on the whole matrix, so there is no formula for one alone; "
            "the formula and the rule are those of matrices."
        )
    return no_form(f"How one element of {name} comes about is told by its formula and its rule.")
