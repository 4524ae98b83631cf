"""The reference kernels: arrays in, arrays out, plain NumPy. What they compute is the truth.

A kernel knows nothing of tensors or layers, and leaves its arguments as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def dense(x: Array, kernel: Array, bias: Array, activation: str = "linear") -> Array:
    """Affine map of the last axis with its activation: y = φ(x W + b).

    Args:
        x: inputs, shape (..., inputs).
        kernel: W, shape (inputs, units).
        bias: b, shape (units,).
        activation: φ, "linear" or "relu".

    Returns:
        Shape (..., units); 2 · rows · inputs · units + rows · units operations, and as many again
        as there are outputs for "relu".
    """
    y: Array = np.dot(x, kernel) if x.ndim == 2 else np.matmul(x, kernel)
    y += bias
    if activation == "relu":
        np.maximum(y, 0, out=y)
    return y
