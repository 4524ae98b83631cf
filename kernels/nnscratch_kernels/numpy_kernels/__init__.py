"""The reference kernels: arrays in, arrays out, plain NumPy. What they compute is the truth.

    from nnscratch_kernels import numpy_kernels
    numpy_kernels.gelu(x)

A kernel knows nothing of tensors or layers, and leaves its arguments as they are, but for the
optimizers' steps, which change arrays in place. Each subject has a module; the functions of all of
them are found here by name.
"""

from __future__ import annotations

from typing import Any

from nnscratch_kernels.subjects import find_kernel, kernel_names

SUBJECTS = (
    "activation_functions",
    "loss_functions",
    "normalization",
    "optimizer_steps",
    "products",
    "regularization",
    "special_functions",
)


def __getattr__(name: str) -> Any:
    """The kernel of this name; a subject is imported when one of its kernels is first needed."""
    return find_kernel(__name__, SUBJECTS, name)


def __dir__() -> list[str]:
    """The names of all kernels."""
    return kernel_names(__name__, SUBJECTS)
