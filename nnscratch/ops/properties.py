"""What an array is (shape, dtype), as plain answers, and constants shaped like it: no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import call, composite, op
from nnscratch.autograd.placement import array_module, plain

if TYPE_CHECKING:
    import numpy.typing as npt

    Shape = int | tuple[int, ...] | None


@composite(
    "shape",
    formula=r"y = (n_1, \dots, n_d)",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch=lambda torch, a: tuple(a.shape),
    numpy=[np.shape],
)
def shape(a: Any) -> tuple[int, ...]:
    """Length of each axis."""
    return np.shape(plain(a))


@composite(
    "ndim",
    formula="y = d",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal())],
    torch=lambda torch, a: a.ndim,
    numpy=[np.ndim],
)
def ndim(a: Any) -> int:
    """Number of axes."""
    return np.ndim(plain(a))


@composite(
    "size",
    formula=r"y = \prod_i n_i",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal()), call(s.normal(2, 3), axis=1)],
    torch=lambda torch, a, axis=None: a.numel() if axis is None else a.shape[axis],
    numpy=[np.size],
)
def size(a: Any, axis: int | None = None) -> int:
    """Number of elements, or along one axis."""
    return np.size(plain(a), axis)


@composite(
    "result_type",
    formula=r"y = \text{the dtype that holds every argument}",
    samples=lambda s: [call(s.normal(2, 3), s.integers(5, 3)), call(s.normal(2), np.float32)],
    numpy=[np.result_type],
)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that an operation on these arrays and dtypes would give."""
    return np.result_type(*(plain(value) for value in arrays_and_dtypes))


@composite(
    "iscomplexobj",
    formula=r"y = [a \in \mathbb{C}]",
    samples=lambda s: [call(s.normal(2, 3))],
    torch="is_complex",
    numpy=[np.iscomplexobj],
)
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex; a Tensor's never is."""
    return np.iscomplexobj(plain(x))


@composite(
    "isrealobj",
    formula=r"y = [a \in \mathbb{R}]",
    samples=lambda s: [call(s.normal(2, 3))],
    torch=lambda torch, a: not torch.is_complex(a),
    numpy=[np.isrealobj],
)
def isrealobj(x: Any) -> bool:
    """Whether the dtype is real; a Tensor's always is."""
    return np.isrealobj(plain(x))


@op(
    "zeros_like",
    arity=1,
    formula="y = 0",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), dtype=int),
        call(s.normal(2, 3), shape=(4,)),
    ],
    torch=lambda torch, a, dtype=None, shape=None: a.new_zeros(shape or a.shape),
    numpy=[np.zeros_like],
)
def zeros_like(a: Any, dtype: npt.DTypeLike | None = None, *, shape: Shape = None) -> Any:
    """Zeros of the shape and dtype of `a`, or of those given."""
    return _full(a, 0, dtype, shape)


@op(
    "ones_like",
    arity=1,
    formula="y = 1",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), dtype=int),
        call(s.normal(2, 3), shape=(4,)),
    ],
    torch=lambda torch, a, dtype=None, shape=None: a.new_ones(shape or a.shape),
    numpy=[np.ones_like],
)
def ones_like(a: Any, dtype: npt.DTypeLike | None = None, *, shape: Shape = None) -> Any:
    """Ones of the shape and dtype of `a`, or of those given."""
    return _full(a, 1, dtype, shape)


@op(
    "empty_like",
    arity=1,
    formula="y = 0",
    samples=lambda s: [call(s.normal(2, 3)), call(s.normal(2, 3), shape=(4,))],
    torch=lambda torch, a, dtype=None, shape=None: a.new_zeros(shape or a.shape),
    numpy=[np.empty_like],
)
def empty_like(prototype: Any, dtype: npt.DTypeLike | None = None, *, shape: Shape = None) -> Any:
    """Zeros to be overwritten: an op gives the same result on every call, so not what lay there."""
    return _full(prototype, 0, dtype, shape)


@op(
    "full_like",
    arity=1,
    formula="y = c",
    samples=lambda s: [
        call(s.normal(2, 3), 1.5),
        call(s.normal(2, 3), fill_value=2, dtype=int),
        call(s.normal(2, 3), -1.0, shape=(4,)),
    ],
    torch=lambda torch, a, fill_value, dtype=None, shape=None: a.new_full(
        shape or a.shape, fill_value
    ),
    numpy=[np.full_like],
)
def full_like(
    a: Any, fill_value: Any, dtype: npt.DTypeLike | None = None, *, shape: Shape = None
) -> Any:
    """One value in the shape and dtype of `a`, or in those given."""
    return _full(a, fill_value, dtype, shape)


def _full(a: Any, value: Any, dtype: npt.DTypeLike | None, shape: Shape) -> Any:
    if shape is None:
        return np.full_like(a, value, dtype=dtype)
    # CuPy takes shape=() for none given where it makes an array like another.
    return array_module(a).full(shape, value, a.dtype if dtype is None else dtype)
