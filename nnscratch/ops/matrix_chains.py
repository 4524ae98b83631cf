"""Products of several matrices, and powers of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import call, composite
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array
from nnscratch.ops.decompositions import require_matrices


@composite(
    "multi_dot",
    formula=r"Y = A_1 A_2 \cdots A_n",
    samples=lambda s: [
        call([s.normal(2, 3), s.normal(3, 4)]),
        call([s.normal(2, 3), s.normal(3, 4), s.normal(4, 2)]),
        call([s.normal(3), s.normal(3, 4), s.normal(4, 2), s.normal(2)]),
    ],
    torch="linalg.multi_dot",
    numpy=[np.linalg.multi_dot],
)
def multi_dot(arrays: Any) -> Any:
    """Product of two or more matrices in the order that needs the fewest multiplications.

    The first may be a row vector and the last a column vector.

    Raises:
        ValueError: fewer than two arrays, or one that is not a matrix.
    """
    arrays = [as_array(array) for array in arrays]
    ndims = [array.ndim for array in arrays]
    if len(ndims) < 2 or any(n != 2 for n in ndims[1:-1]) or not {ndims[0], ndims[-1]} <= {1, 2}:
        raise ValueError(
            f"multi_dot needs two or more matrices (the first and the last may be vectors), got "
            f"{len(ndims)} of {ndims} axes: use np.matmul for batches."
        )
    rows = 1 if ndims[0] == 1 else arrays[0].shape[0]
    columns = 1 if ndims[-1] == 1 else arrays[-1].shape[1]
    splits = _cheapest_splits([rows, *(array.shape[0] for array in arrays[1:]), columns])

    def product(first: int, last: int) -> Any:
        if first == last:
            return arrays[first]
        split = splits[first, last]
        return np.matmul(product(first, split), product(split + 1, last))

    return product(0, len(ndims) - 1)


def _cheapest_splits(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each run of a chain of matrices; matrix i is lengths[i] × lengths[i + 1].

    The classic dynamic program (Cormen et al., Introduction to Algorithms, section 15.2).
    """
    n = len(lengths) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits: dict[tuple[int, int], int] = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            cost[i, j], splits[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            )
    return splits


@composite(
    "matrix_power",
    formula=r"Y = A^n",
    samples=lambda s: [
        call(s.matrix(3, 3), 3),
        call(s.matrix(2, 2, 2), 5),
        call(s.matrix(3, 3), 1),
        call(s.matrix(3, 3), 0),
        call(s.matrix(2, 2), -2),
    ],
    torch="linalg.matrix_power",
    numpy=[np.linalg.matrix_power],
)
def matrix_power(a: Any, n: int) -> Any:
    """Each square matrix, the last two axes, to the integer power `n`, by repeated squaring.

    Raises:
        numpy.linalg.LinAlgError: matrices that are not square, or singular ones with `n` < 0.
    """
    require_matrices("matrix_power", a)
    if n == 0:  # the identity, with a gradient of zero
        make = array_module(a)
        return np.where(make.zeros(a.shape, bool), a, make.eye(a.shape[-1], dtype=a.dtype))
    base = result = np.linalg.inv(a) if n < 0 else a
    for bit in f"{abs(n):b}"[1:]:  # from the highest binary digit down
        result = np.matmul(result, result)
        if bit == "1":
            result = np.matmul(result, base)
    return result
