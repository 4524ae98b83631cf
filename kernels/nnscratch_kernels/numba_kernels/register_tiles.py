"""A product of two small matrices that stays in the registers of the processor.

A matrix product reads each number many times. Read from memory each time, that is slower than the
multiplications; so the fast ones keep a tile of the result in registers, and while it is there they
read a column of the one matrix and a row of the other for every step of the sum (Goto, van de
Geijn, "Anatomy of high-performance matrix multiplication", 2008). Here the rows of the first matrix
are wherever a table says, so that the windows of an image need not be copied to make a matrix of
them. One tile of this kind does all three products of a convolution (Georganas et al.,
"High-performance deep learning via a single building block", 2020).

Numba has no word for a register; this builds the loop from LLVM's vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

_llvm: Any = cgutils  # which has no types
_instruction: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic(prefer_literal=True)

ROWS = 6
"""Rows of a tile. With 4 vectors it fills 24 registers, and 4 more hold a row of b."""

_FEATURES = llvmlite.binding.get_host_cpu_features()
_HAS_32_REGISTERS = bool(_FEATURES.get("avx512f") or _FEATURES.get("neon"))
_VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16

VECTORS = (1, 2, 4) if _HAS_32_REGISTERS else (1, 2)
"""How many vectors a row of a tile may have."""


def lanes(dtype: np.dtype[Any]) -> int:
    """How many numbers of this dtype a vector of this processor holds."""
    return _VECTOR_BYTES // dtype.itemsize


def fitting_vectors(columns: int, dtype: np.dtype[Any]) -> int:
    """The vectors in a row of the narrowest tile for so many columns, or of the widest there is."""
    return next((some for some in VECTORS if some * lanes(dtype) >= columns), VECTORS[-1])


@_instruction
def multiply_tile(
    typingctx: Any,
    vectors: Any,
    tile: Any,
    a: Any,
    rows: Any,
    first: Any,
    a_starts: Any,
    a_step: Any,
    b: Any,
    b_starts: Any,
    b_step: Any,
    length: Any,
) -> Any:
    """For m < ROWS and n < vectors · lanes, tile[m, n] = Σ_s Σ_k a_m(s, k) b_n(s, k).

    Here a_m(s, k) is a[rows[first + m] + a_starts[s] + k · a_step], one number for a row of the
    tile, and b_n(s, k) is b[b_starts[s] + k · b_step + n], one vector or several; k < length, and s
    counts the starts. Nothing is checked: every index must be inside its array.

    Args:
        typingctx: Numba's.
        vectors: of `VECTORS`, a constant.
        tile: the result, 1 axis of ROWS · vectors · lanes numbers, written row by row.
        a: 1 axis, float32 or float64.
        rows: 1 axis of int64.
        first: index of the first row.
        a_starts: 1 axis of int64.
        a_step: int64.
        b: 1 axis, of the dtype of `a`.
        b_starts: 1 axis of int64, as long as `a_starts`.
        b_step: int64.
        length: int64.
    """
    signature = types.void(
        vectors, tile, a, rows, first, a_starts, a_step, b, b_starts, b_step, length
    )
    width = vectors.literal_value
    return signature, lambda *codegen: _multiply_tile(width, *codegen)


def _multiply_tile(vectors: int, context: Any, builder: Any, signature: Any, args: Any) -> Any:
    _, tile, a, rows, first, a_starts, a_step, b, b_starts, b_step, length = args
    _, tile, a, rows, _, a_starts, _, b, b_starts, _, _ = (
        context.make_array(kind)(context, builder, value)
        if isinstance(kind, types.Array)
        else value
        for kind, value in zip(signature.args, args, strict=True)
    )
    dtype = signature.args[2].dtype
    alignment = dtype.bitwidth // 8
    width = _VECTOR_BYTES // alignment
    int64 = ir.IntType(64)
    vector = ir.VectorType(context.get_value_type(dtype), width)
    multiply_add = _llvm.get_or_insert_function(
        builder.module,
        ir.FunctionType(vector, [vector] * 3),
        f"llvm.fmuladd.v{width}f{dtype.bitwidth}",
    )

    def element(array: Any, *indices: Any) -> Any:
        """The address of array[sum of the indices]."""
        place = indices[0]
        for index in indices[1:]:
            place = builder.add(place, index)
        return builder.gep(array.data, [place])

    def as_vector(address: Any) -> Any:
        return builder.bitcast(address, vector.as_pointer())

    starts = [builder.load(element(rows, first, int64(m))) for m in range(ROWS)]
    row_pointers = [element(a, start) for start in starts]
    sums = [[_llvm.alloca_once(builder, vector) for _ in range(vectors)] for _ in range(ROWS)]
    for row in sums:
        for total in row:
            builder.store(vector([0.0] * width), total)
    a_place, b_place = (_llvm.alloca_once(builder, int64) for _ in "ab")
    count = builder.extract_value(a_starts.shape, 0)
    with _llvm.for_range(builder, count) as segment:
        builder.store(builder.load(element(a_starts, segment.index)), a_place)
        builder.store(builder.load(element(b_starts, segment.index)), b_place)
        with _llvm.for_range(builder, length):
            a_now, b_now = builder.load(a_place), builder.load(b_place)
            of_b = [
                builder.load(as_vector(element(b, b_now, int64(n * width))), align=alignment)
                for n in range(vectors)
            ]
            for pointer, row in zip(row_pointers, sums, strict=True):
                number = builder.load(builder.gep(pointer, [a_now]))
                of_a = _repeated(builder, number, vector)
                for total, other in zip(row, of_b, strict=True):
                    product = builder.call(multiply_add, (of_a, other, builder.load(total)))
                    builder.store(product, total)
            builder.store(builder.add(a_now, a_step), a_place)
            builder.store(builder.add(b_now, b_step), b_place)
    for m, row in enumerate(sums):
        for n, total in enumerate(row):
            place = element(tile, int64((m * vectors + n) * width))
            builder.store(builder.load(total), as_vector(place), align=alignment)
    return context.get_dummy_value()


def _repeated(builder: Any, number: Any, vector: Any) -> Any:
    """A vector with this number in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, number, ir.IntType(32)(0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, undefined, everywhere)
