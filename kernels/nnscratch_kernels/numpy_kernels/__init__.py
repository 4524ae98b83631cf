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
    "products",
    "regularization",
    "special_functions",
    "activation_gradients",
    "normalization_gradients",
    "softmax_gradients",
    "optimizer_steps",
    "bfloat16",
    "convolution",
    "elementary",
    "embedding",
    "loss_gradients",
    "pooling",
    "ranking",
    "reductions",
)
"""The modules, first those that the engine's ops are made of: a search ends where it finds."""


def __getattr__(name: str) -> Any:
    """The kernel of this name; a subject is imported when one of its kernels is first needed."""
    return find_kernel(__name__, SUBJECTS, name)


def __dir__() -> list[str]:
    """The names of all kernels."""
    return kernel_names(__name__, SUBJECTS)
