"""Matrix products on the GPU: cuBLAS multiplies, and all that goes with it is one more kernel.

The bias and the activation are applied to the product where it lies. On the way back the slope of
the activation and the gradient of the bias take one pass together, whose sums are added up in an
order that depends on the shape alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.elementwise import over_tiles
from nnscratch_kernels.cupy_kernels.launch import compiled_for, cuda_kernel, plain
from nnscratch_kernels.numpy_kernels import products as numpy_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATIONS = frozenset({"linear", "relu", "sigmoid", "tanh", "gelu", "gelu_tanh"})

# How products.cu divides rows into chunks, of which a block of threads adds up some columns.
COLUMNS = 32
SUMMING_THREADS = 512
LEAST_ROWS = 256
MOST_CHUNKS = 256


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: Any = None,
) -> Any:
    """As `numpy_kernels.matmul`, by cuBLAS; of many matrices, transposed ones are copied first."""
    if out is None and b.ndim == 2 < a.ndim and not transpose_a:
        rows = matmul(_rows(a), b, transpose_b=transpose_b)  # one product instead of many
        return rows.reshape(*a.shape[:-1], rows.shape[-1])
    return numpy_twin.matmul(a, b, transpose_a, transpose_b, out)


def dense(x: Any, kernel: Any, bias: Any, activation: str = "linear") -> Any:
    """As `numpy_kernels.dense`, with bias and activation in one pass over the product."""
    if activation not in ACTIVATIONS or not _compiled_for_dense(x, kernel, bias):
        return numpy_twin.dense(x, kernel, bias, activation)
    y = cupy.matmul(_rows(x), kernel)
    _apply(f"dense_{activation}", bias, y)
    return y.reshape(*x.shape[:-1], y.shape[-1])


def dense_with_preactivation(
    x: Any, kernel: Any, bias: Any, activation: str = "linear"
) -> tuple[Any, Any]:
    """As `numpy_kernels.dense_with_preactivation`, with bias and activation in one pass."""
    if activation not in ACTIVATIONS or not _compiled_for_dense(x, kernel, bias):
        return numpy_twin.dense_with_preactivation(x, kernel, bias, activation)
    if activation == "linear":
        z = dense(x, kernel, bias)
        return z, z
    z = cupy.matmul(_rows(x), kernel)
    y = cupy.empty_like(z)
    _apply(f"dense_{activation}_beside", bias, z, y)
    shape = (*x.shape[:-1], z.shape[-1])
    return y.reshape(shape), z.reshape(shape)


def dense_gradient(
    wanted: Sequence[bool],
    g: Any,
    saved: Any,
    x: Any,
    kernel: Any,
    activation: str = "linear",
) -> tuple[Any, Any, Any]:
    """As `numpy_kernels.dense_gradient`, with φ' and the gradient of the bias in one pass."""
    if (
        activation not in ACTIVATIONS
        or not compiled_for(g, saved, x, kernel)
        or g.shape != saved.shape
    ):
        return numpy_twin.dense_gradient(wanted, g, saved, x, kernel, activation)
    of_x, of_kernel, of_bias = wanted
    through, sums = _rows(g), None
    if activation != "linear":
        through, sums = _through(activation, plain(through), plain(_rows(saved)), of_bias)
    elif of_bias:
        sums = column_sums(through)
    return (
        cupy.matmul(through, kernel.T).reshape(x.shape) if of_x else None,
        cupy.matmul(_rows(x).T, through) if of_kernel else None,
        sums,
    )


def column_sums(rows: Any) -> Any:
    """As `numpy_kernels.column_sums`, in at most two kernels and in a fixed order."""
    if not compiled_for(rows):
        return numpy_twin.column_sums(rows)
    return _sums(plain(rows))


def _compiled_for_dense(x: Any, kernel: Any, bias: Any) -> bool:
    return compiled_for(x, kernel, bias) and bias.shape == kernel.shape[1:]


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _apply(name: str, bias: Any, product: Any, *beside: Any) -> None:
    """Add the bias to the product, which is overwritten, and apply what the kernel applies."""
    kernel = cuda_kernel("products", name, product.dtype)
    units = np.int64(product.shape[-1])
    over_tiles(kernel, product.size, units, plain(bias), product, *beside)


def _through(activation: str, g: Any, saved: Any, with_sums: bool) -> tuple[Any, Any]:
    """The product g φ', and the sums of its columns if they are wanted."""
    through = cupy.empty_like(g)
    chunk, chunks = _chunks(len(g))
    partial = cupy.empty((chunks, g.shape[1]), g.dtype)
    _add_up(f"through_{activation}", g.shape, chunk, g, saved, through, partial)
    return through, _sums(partial) if with_sums else None


def _sums(rows: Any) -> Any:
    """The sums of the columns, in chunks of rows and then of the chunks."""
    if len(rows) == 1:
        return rows[0].copy()
    chunk, chunks = _chunks(len(rows))
    partial = cupy.empty((chunks, rows.shape[1]), rows.dtype)
    _add_up("column_sums", rows.shape, chunk, rows, partial)
    return partial[0] if chunks == 1 else _sums(partial)


def _chunks(rows: int) -> tuple[int, int]:
    """Rows of a chunk and the number of chunks, at least one, which do not depend on the GPU."""
    chunk = max(LEAST_ROWS, -(-rows // MOST_CHUNKS))
    return chunk, max(1, -(-rows // chunk))


def _add_up(name: str, shape: tuple[int, int], chunk: int, *arrays: Any) -> None:
    rows, units = shape
    if units:
        kernel = cuda_kernel("products", name, arrays[0].dtype)
        grid = -(-units // COLUMNS), _chunks(rows)[1]
        numbers = np.int64(rows), np.int64(units), np.int64(chunk)
        kernel(grid, (SUMMING_THREADS,), (*numbers, *arrays))
