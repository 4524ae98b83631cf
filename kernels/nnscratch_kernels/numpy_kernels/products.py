"""Matrix products and what goes with them: a dense layer with its activation, and its gradients.

BLAS does the products. A kernel knows nothing of tensors or layers, and leaves its arguments as
they are.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.activation_functions import gelu
from nnscratch_kernels.numpy_kernels.activation_gradients import (
    gelu_gradient,
    relu_gradient,
    sigmoid_gradient,
    tanh_gradient,
)
from nnscratch_kernels.numpy_kernels.special_functions import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]


def matmul(
    a: Array,
    b: Array,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: Array | None = None,
) -> Array:
    """Matrix product of the last two axes, op(a) op(b); the axes before them broadcast.

    BLAS reads a transposed matrix as it lies: nothing is copied.

    Args:
        a: shape (..., rows, inner), or (..., inner, rows) with `transpose_a`; a single axis is a
            row, which the result does not have.
        b: shape (..., inner, columns), or (..., columns, inner) with `transpose_b`; a single axis
            is a column, which the result does not have.
        transpose_a: whether the last two axes of `a` are exchanged.
        transpose_b: whether those of `b` are.
        out: where the result is written. It may be, or overlap with, `a` or `b`.

    Returns:
        `out`, or a new array of shape (..., rows, columns); 2 · rows · inner · columns operations
        for each matrix.

    Raises:
        ValueError: shapes that do not fit, or a single axis to be transposed.
    """
    return np.matmul(
        _transposed(a, "a") if transpose_a else a,
        _transposed(b, "b") if transpose_b else b,
        out=out,
    )


def _transposed(matrix: Array, name: str) -> Array:
    if matrix.ndim < 2:
        raise ValueError(
            f"matmul transposes the last two axes of {name}, which has the shape {matrix.shape}: "
            f"leave out transpose_{name}."
        )
    return np.swapaxes(matrix, -1, -2)


def dense(x: Array, kernel: Array, bias: Array, activation: str = "linear") -> Array:
    """Affine map of the last axis with its activation: y = φ(x W + b).

    Args:
        x: inputs, shape (..., inputs).
        kernel: W, shape (inputs, units).
        bias: b, shape (units,).
        activation: φ, "linear", "relu", "sigmoid", "tanh", "gelu" or "gelu_tanh".

    Returns:
        Shape (..., units); 2 · rows · inputs · units + rows · units operations, and those of φ.

    Raises:
        ValueError: another activation, or shapes that do not fit.
    """
    y: Array = x.dot(kernel) if x.ndim == 2 else np.matmul(x, kernel)
    y += bias
    if activation == "relu":
        np.maximum(y, 0, out=y)
    elif activation != "linear":
        y = _choice("dense", _ACTIVATIONS, activation)(y)
    return y


def dense_with_preactivation(
    x: Array, kernel: Array, bias: Array, activation: str = "linear"
) -> tuple[Array, Array]:
    """The result of `dense` and what its activation was applied to: φ(z) and z = x W + b.

    The slopes of "gelu" and "gelu_tanh" are functions of z, and y does not tell z.

    Args:
        x: inputs, shape (..., inputs).
        kernel: W, shape (inputs, units).
        bias: b, shape (units,).
        activation: φ, as for `dense`.

    Returns:
        y and z, both of shape (..., units); for "linear" they are the same array.

    Raises:
        ValueError: another activation, or shapes that do not fit.
    """
    activate = _choice("dense_with_preactivation", _ACTIVATIONS, activation)
    z = dense(x, kernel, bias)
    return activate(z), z


def dense_gradient(
    wanted: Sequence[bool],
    g: Array,
    saved: Array,
    x: Array,
    kernel: Array,
    activation: str = "linear",
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `dense` for x, W and b.

    With z̄ = g φ'(z) these are x̄ = z̄ Wᵀ, W̄ = xᵀ z̄ and b̄ = Σ_i z̄_i.

    Args:
        wanted: which of the three are wanted.
        g: gradient of the result, shape (..., units).
        saved: the result y for "linear", "relu", "sigmoid" and "tanh", whose slopes it tells; the
            preactivation z for "gelu" and "gelu_tanh". Shape (..., units).
        x: inputs, shape (..., inputs).
        kernel: W, shape (inputs, units).
        activation: φ, as given to `dense`.

    Returns:
        The gradients, None for each that is not wanted; 2 · rows · inputs · units operations for
        each product, rows · units for b̄, and those of φ'.

    Raises:
        ValueError: another activation, or shapes that do not fit.
    """
    of_x, of_kernel, of_bias = wanted
    if activation == "relu":
        g = g * (saved > 0)
    elif activation != "linear":
        g = _choice("dense_gradient", _THROUGH, activation)(g, saved)
    rows, g_rows = (x, g) if x.ndim == 2 else (_rows(x), _rows(g))
    return (
        g_rows.dot(kernel.T).reshape(x.shape) if of_x else None,
        rows.T.dot(g_rows) if of_kernel else None,
        column_sums(g_rows) if of_bias else None,
    )


def column_sums(rows: Array) -> Array:
    """Sums over the first axis, Σ_i a_ij: the gradient of a bias.

    A small matrix is multiplied by a vector of ones, in a third of the time of `np.add.reduce`;
    the bound keeps BLAS on one thread, so that the order of the additions never depends on it.

    Args:
        rows: a, shape (rows, columns), floating-point.

    Returns:
        Shape (columns,); rows · columns operations.
    """
    if rows.size > _ONE_THREAD or rows.dtype.char not in "fd":
        return np.add.reduce(rows, axis=0)  # type: ignore[no-any-return] # an array of a matrix
    key = (rows.shape[0], rows.dtype)
    ones = _ONES.get(key)
    if ones is None:
        if len(_ONES) >= _MOST_ONES:
            _ONES.clear()
        ones = _ONES[key] = np.ones(*key)
    return ones.dot(rows)  # type: ignore[no-any-return] # NumPy cannot say that it is no scalar


_ONE_THREAD = 8192  # elements; OpenBLAS takes threads for a matrix and a vector from 9216 on
_MOST_ONES = 64
_ONES: dict[tuple[int, np.dtype[Any]], Array] = {}


def _rows(x: Array) -> Array:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _choice(
    kernel: str, table: dict[str, Callable[..., Any]], activation: str
) -> Callable[..., Any]:
    if activation not in table:
        raise ValueError(
            f"{kernel} knows the activations {', '.join(map(repr, table))}, got {activation!r}: "
            f"for others apply their own kernel to the result of a linear one."
        )
    return table[activation]


_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "gelu": gelu,
    "gelu_tanh": partial(gelu, approximate=True),
}

# g φ'(z), from g and what `dense_gradient` calls saved.
_THROUGH: dict[str, Callable[..., Any]] = {
    "linear": lambda g, y: g,
    "relu": lambda g, y: relu_gradient(g, None, y),
    "sigmoid": lambda g, y: sigmoid_gradient(g, None, y),
    "tanh": lambda g, y: tanh_gradient(g, None, y),
    "gelu": lambda g, z: gelu_gradient(g, z, None),
    "gelu_tanh": lambda g, z: gelu_gradient(g, z, None, approximate=True),
}
