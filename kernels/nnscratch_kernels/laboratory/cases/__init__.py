"""For every kernel arguments as it gets them in use, what it costs, and who else has it.

    case = make_case("gelu", 1_000_000, np.float32)
    case.run(numpy_kernels.gelu)

A kernel may have several cases: `gelu` and `gelu (tanh)`. Each subject has a module of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import Case, Draw, Recipe

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["HELPERS", "Case", "Recipe", "kernels", "make_case", "recipes"]

SUBJECTS = (
    "activations",
    "activation_gradients",
    "losses",
    "softmaxes",
    "normalization",
    "products",
    "reductions",
    "regularization",
    "embeddings",
    "images",
    "optimizers",
)

HELPERS = frozenset({"channel_axes", "check_labels", "clipping_factor"})
"""Functions beside the kernels that look at shapes, labels or a number: nothing to measure."""


@cache
def recipes() -> dict[str, Recipe]:
    """How to make each case, by its name; of one kernel's cases the plain one has its name."""
    known = set(kernels())
    found: dict[str, Recipe] = {}
    for subject in SUBJECTS:
        module = import_module(f"{__name__}.{subject}")
        found.update({name: it for name, it in module.RECIPES.items() if it.kernel in known})
    return found


def kernels() -> list[str]:
    """The names of all kernels."""
    return [name for name in dir(numpy_kernels) if name not in HELPERS]


def make_case(name: str, count: int, dtype: npt.DTypeLike = np.float32) -> Case:
    """A case of about `count` elements; the same numbers every time.

    Args:
        name: one of `recipes()`.
        count: elements of the argument that is largest in use, at least 1.
        dtype: float32 or float64.
    """
    recipe = recipes()[name]
    kind: Any = np.dtype(dtype)
    return Case(name, recipe, recipe.arguments(Draw(count, kind)))
