"""The kernels that Numba makes faster: the names and arguments of their twins in `numpy_kernels`.

Importing a kernel from here imports Numba, so dispatch does it only once it has chosen one. Each
subject has a module; the functions of all of them are found here by name.
"""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.subjects import find_kernel, kernel_names

SUBJECTS: tuple[str, ...] = (
    "activation_functions",
    "activation_gradients",
    "bfloat16",
    "convolution",
    "elementary",
    "embedding",
    "loss_functions",
    "loss_gradients",
    "normalization",
    "normalization_gradients",
    "optimizer_steps",
    "pooling",
    "products",
    "ranking",
    "reductions",
    "regularization",
    "softmax_functions",
    "special_functions",
)


def __getattr__(name: str) -> Any:
    """The kernel of this name; without one Numba does not pay, and NumPy's twin is the choice."""
    return find_kernel(__name__, SUBJECTS, name)


def __dir__() -> list[str]:
    """The names of all kernels: of what the modules share with each other none has a twin."""
    return sorted(set(kernel_names(__name__, SUBJECTS)) & set(dir(numpy_kernels)))
