"""A dense layer and its gradients: BLAS multiplies, and all that goes with it is one more pass.

The bias and the activation are applied while a row is in the cache. On the way back the slope of
the activation and the gradient of the bias take one pass together; the sums of so many rows are
added up in order, in double precision, whatever the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.layout import all_alike, plain
from nnscratch_kernels.numba_kernels.rows import added_rows
from nnscratch_kernels.numba_kernels.vector_math import (
    clipped,
    constants,
    normal_density,
    normal_distribution,
    number,
    sigmoid,
    sigmoid_and_slope,
    tanh,
)
from nnscratch_kernels.numpy_kernels import products as numpy_twin
from nnscratch_kernels.numpy_kernels.activation_functions import (
    TANH_GELU_CUBIC,
    TANH_GELU_IS_FLAT,
    TANH_GELU_SLOPE,
)
from nnscratch_kernels.numpy_kernels.activation_gradients import NORMAL_DENSITY_IS_ZERO
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_PART = 1 << 18  # elements that one thread takes at a time
_FEW = 1 << 12  # elements for which a microsecond counts
_ROWS = 256  # rows whose gradients are added in their own precision


def dense(x: Array, kernel: Array, bias: Array, activation: str = "linear") -> Array:
    """As `numpy_kernels.dense`, with bias and activation in one pass."""
    loop = _ACTIVATE.get(activation)
    if loop is None or not all_alike(x, kernel, bias) or bias.shape != kernel.shape[1:]:
        return numpy_twin.dense(x, kernel, bias, activation)
    y: Array = _product(_rows(x), kernel)
    units = y.shape[1]
    run_in_parts(loop, len(y), _grain(units), y, plain(bias))
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], units)


def dense_with_preactivation(
    x: Array, kernel: Array, bias: Array, activation: str = "linear"
) -> tuple[Array, Array]:
    """As `numpy_kernels.dense_with_preactivation`, with bias and activation in one pass."""
    loop = _ACTIVATE_BESIDE.get(activation)
    if loop is None or not all_alike(x, kernel, bias) or bias.shape != kernel.shape[1:]:
        return numpy_twin.dense_with_preactivation(x, kernel, bias, activation)
    z: Array = _product(_rows(x), kernel)
    units = z.shape[1]
    y = aligned.empty_like(z)
    run_in_parts(loop, len(z), _grain(units), z, plain(bias), y)
    if x.ndim == 2:
        return y, z
    shape = (*x.shape[:-1], units)
    return y.reshape(shape), z.reshape(shape)


def dense_gradient(
    wanted: Sequence[bool],
    g: Array,
    saved: Array,
    x: Array,
    kernel: Array,
    activation: str = "linear",
) -> tuple[Array | None, Array | None, Array | None]:
    """As `numpy_kernels.dense_gradient`, with φ' and the gradient of the bias in one pass."""
    loop = _THROUGH.get(activation)
    if loop is None or not all_alike(g, saved, x, kernel) or g.shape != saved.shape:
        return numpy_twin.dense_gradient(wanted, g, saved, x, kernel, activation)
    of_x, of_kernel, of_bias = wanted
    rows, arriving = _rows(x), plain(_rows(g))
    count, units = arriving.shape
    blocks, product = -(-count // _ROWS), _product
    if g.size < _FEW and x.size < _FEW:
        product = np.dot
        through, sums = np.empty((count, units), g.dtype), np.zeros((blocks, units), g.dtype)
        loop(0, blocks, arriving, plain(_rows(saved)), through, sums)
    else:
        through = aligned.empty((count, units), g.dtype)
        sums = aligned.sums((blocks, units), g.dtype)
        grain = max(1, _grain(units) // _ROWS)
        run_in_parts(loop, blocks, grain, arriving, plain(_rows(saved)), through, sums)
    return (
        product(through, kernel.T).reshape(x.shape) if of_x else None,
        product(rows.T, through) if of_kernel else None,
        added_rows(sums) if of_bias else None,
    )


def _product(a: Array, b: Array) -> Array:
    """Of two matrices; a large one begins at a cache line."""
    if len(a) * b.shape[1] < _FEW:
        return a.dot(b)  # type: ignore[no-any-return] # NumPy cannot say that it is no scalar
    return a.dot(b, out=aligned.empty((len(a), b.shape[1]), a.dtype))


def _rows(x: Array) -> Array:
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def _grain(units: int) -> int:
    """How many rows make a part."""
    return max(1, _PART // units)


@compiled(inline=True)
def _tanh_gelu_gate(x: Any) -> Any:
    """Compute σ(v) = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    cubic = number(TANH_GELU_CUBIC, x) * x * x
    return sigmoid(number(TANH_GELU_SLOPE, x) * x * (constants(x).one + cubic))


@compiled(inline=True)
def _tanh_gelu_slope(x: Any) -> Any:
    """Compute σ(v) + x σ(v) σ(-v) dv/dx, in which x is cut where σ is flat."""
    near = clipped(x, -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT)
    straight = number(TANH_GELU_SLOPE, near) * near
    cubic = number(TANH_GELU_CUBIC, near) * near * near
    gate, slope = sigmoid_and_slope(straight * (constants(x).one + cubic))
    return gate + straight * (constants(x).one + number(3, near) * cubic) * slope


@compiled
def _relu(first: int, last: int, z: Any, bias: Any) -> None:
    for i in range(first, last):
        row = z[i]
        for j in range(bias.size):
            value = row[j] + bias[j]
            row[j] = constants(value).zero if value < constants(value).zero else value


@compiled
def _sigmoid(first: int, last: int, z: Any, bias: Any) -> None:
    for i in range(first, last):
        row = z[i]
        for j in range(bias.size):
            row[j] = sigmoid(row[j] + bias[j])


@compiled
def _tanh(first: int, last: int, z: Any, bias: Any) -> None:
    for i in range(first, last):
        row = z[i]
        for j in range(bias.size):
            row[j] = tanh(row[j] + bias[j])


@compiled
def _gelu(first: int, last: int, z: Any, bias: Any) -> None:
    for i in range(first, last):
        row = z[i]
        for j in range(bias.size):
            value = row[j] + bias[j]
            row[j] = value * normal_distribution(value)


@compiled
def _tanh_gelu(first: int, last: int, z: Any, bias: Any) -> None:
    for i in range(first, last):
        row = z[i]
        for j in range(bias.size):
            value = row[j] + bias[j]
            row[j] = value * _tanh_gelu_gate(value)


_ACTIVATE = {
    "relu": _relu,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "gelu": _gelu,
    "gelu_tanh": _tanh_gelu,
}


@compiled
def _gelu_beside(first: int, last: int, z: Any, bias: Any, y: Any) -> None:
    for i in range(first, last):
        of_z, of_y = z[i], y[i]
        for j in range(bias.size):
            value = of_z[j] + bias[j]
            of_z[j] = value
            of_y[j] = value * normal_distribution(value)


@compiled
def _tanh_gelu_beside(first: int, last: int, z: Any, bias: Any, y: Any) -> None:
    for i in range(first, last):
        of_z, of_y = z[i], y[i]
        for j in range(bias.size):
            value = of_z[j] + bias[j]
            of_z[j] = value
            of_y[j] = value * _tanh_gelu_gate(value)


_ACTIVATE_BESIDE = {"gelu": _gelu_beside, "gelu_tanh": _tanh_gelu_beside}


# Each goes through sums.shape[0] groups of _ROWS rows, of which it writes g φ'(z) and the sum.


@compiled
def _through_relu(first: int, last: int, g: Any, y: Any, through: Any, sums: Any) -> None:
    for group in range(first, last):
        total = sums[group]
        for i in range(group * _ROWS, min(group * _ROWS + _ROWS, len(g))):
            of_g, of_y, row = g[i], y[i], through[i]
            for j in range(total.size):
                c = constants(of_g[j])
                value = of_g[j] * (c.one if of_y[j] > c.zero else c.zero)
                row[j] = value
                total[j] += value


@compiled
def _through_sigmoid(first: int, last: int, g: Any, y: Any, through: Any, sums: Any) -> None:
    for group in range(first, last):
        total = sums[group]
        for i in range(group * _ROWS, min(group * _ROWS + _ROWS, len(g))):
            of_g, of_y, row = g[i], y[i], through[i]
            for j in range(total.size):
                value = of_g[j] * of_y[j] * (constants(of_g[j]).one - of_y[j])
                row[j] = value
                total[j] += value


@compiled
def _through_tanh(first: int, last: int, g: Any, y: Any, through: Any, sums: Any) -> None:
    for group in range(first, last):
        total = sums[group]
        for i in range(group * _ROWS, min(group * _ROWS + _ROWS, len(g))):
            of_g, of_y, row = g[i], y[i], through[i]
            for j in range(total.size):
                value = of_g[j] * (constants(of_g[j]).one - of_y[j] * of_y[j])
                row[j] = value
                total[j] += value


@compiled
def _through_gelu(first: int, last: int, g: Any, z: Any, through: Any, sums: Any) -> None:
    for group in range(first, last):
        total = sums[group]
        for i in range(group * _ROWS, min(group * _ROWS + _ROWS, len(g))):
            of_g, of_z, row = g[i], z[i], through[i]
            for j in range(total.size):
                x = of_z[j]
                near = clipped(x, -NORMAL_DENSITY_IS_ZERO, NORMAL_DENSITY_IS_ZERO)
                value = of_g[j] * (normal_distribution(x) + near * normal_density(x))
                row[j] = value
                total[j] += value


@compiled
def _through_tanh_gelu(first: int, last: int, g: Any, z: Any, through: Any, sums: Any) -> None:
    for group in range(first, last):
        total = sums[group]
        for i in range(group * _ROWS, min(group * _ROWS + _ROWS, len(g))):
            of_g, of_z, row = g[i], z[i], through[i]
            for j in range(total.size):
                value = of_g[j] * _tanh_gelu_slope(of_z[j])
                row[j] = value
                total[j] += value


_THROUGH = {
    "relu": _through_relu,
    "sigmoid": _through_sigmoid,
    "tanh": _through_tanh,
    "gelu": _through_gelu,
    "gelu_tanh": _through_tanh_gelu,
}
