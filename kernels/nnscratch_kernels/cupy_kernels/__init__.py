"""The kernels written for the GPU: the names and arguments of their twins in `numpy_kernels`.

Arrays of CuPy in, arrays of CuPy out. What has no function here runs as the NumPy reference, whose
functions NumPy's protocols send to CuPy. Importing a kernel from here imports CuPy, so dispatch
does it only when an array of the GPU arrives. The sources are the `.cu` files in `cuda`.
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
    "softmax_gradients",
    "special_functions",
)


def __getattr__(name: str) -> Any:
    """The kernel of this name; without one the NumPy reference is what runs on CuPy's arrays."""
    return find_kernel(__name__, SUBJECTS, name)


def __dir__() -> list[str]:
    """The names of all kernels: of what the modules share with each other none has a twin."""
    return sorted(set(kernel_names(__name__, SUBJECTS)) & set(dir(numpy_kernels)))
