"""Where elements stand, how many there are, whether any is true: integers and booleans."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Op, call, op
from nnscratch.ops.arguments import kept_shape


@op(
    "argmax",
    arity=1,
    formula=r"y = \arg\max_i a_i",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), 0),
        call(s.normal(2, 3), axis=-1, keepdims=True),
    ],
    torch="argmax",
    numpy=[np.argmax],
)
def argmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Index of the largest element along `axis`, or of the flattened array; first of equals."""
    return np.argmax(a, axis=axis, keepdims=keepdims)


@op(
    "argmin",
    arity=1,
    formula=r"y = \arg\min_i a_i",
    samples=lambda s: [
        call(s.normal(2, 3)),
        call(s.normal(2, 3), 0),
        call(s.normal(2, 3), axis=-1, keepdims=True),
    ],
    torch="argmin",
    numpy=[np.argmin],
)
def argmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Index of the smallest element along `axis`, or of the flattened array; first of equals."""
    return np.argmin(a, axis=axis, keepdims=keepdims)


@op(
    "argsort",
    arity=1,
    formula=r"a_{y_0} \le a_{y_1} \le \dots",
    samples=lambda s: [
        call(s.distinct(2, 3)),
        call(s.distinct(2, 3), 0),
        call(s.distinct(2, 3), axis=None),
        call(np.array([1.0, 0.0, 1.0, 0.0]), stable=True),
    ],
    torch=lambda torch, a, axis=-1, stable=False: torch.argsort(
        a.ravel() if axis is None else a, dim=0 if axis is None else axis, stable=stable
    ),
    numpy=[np.argsort],
)
def argsort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    """Indices that sort the array along `axis`; None means the flattened array.

    Raises:
        ValueError: both `kind` and `stable`, which says the same.
    """
    if kind is not None and stable is not None:
        raise ValueError("argsort takes kind= or stable=, not both: leave one of them away.")
    return np.argsort(a, axis=axis, kind="stable" if stable else kind)


@op(
    "searchsorted",
    arity=2,
    formula=r"y = \min \{i : a_i \ge v\}",
    samples=lambda s: [
        call(np.array([0.0, 1.0, 2.0]), np.array([[-1.0, 0.0], [1.5, 3.0]])),
        call(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0]), side="right"),
    ],
    torch="searchsorted",
    numpy=[np.searchsorted],
)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Where the elements of `v` would have to be inserted into the sorted `a`."""
    return np.searchsorted(a, v, side=side, sorter=sorter)


nonzero = Op(
    "nonzero",
    np.nonzero,
    arity=1,
    formula=r"y = \{i : a_i \ne 0\}, \text{ one array for each axis}",
    samples=lambda s: [call(s.mask(3, 4)), call(np.array([0.0, 1.0, -2.0])), call(s.normal(0, 2))],
    torch=lambda torch, a: torch.nonzero(a, as_tuple=True),
    numpy=[np.nonzero],
)

flatnonzero = Op(
    "flatnonzero",
    np.flatnonzero,
    arity=1,
    formula=r"y = \{i : a_i \ne 0\}, \text{ of the flattened array}",
    samples=lambda s: [call(s.mask(3, 4)), call(np.array([0.0, 1.0, -2.0]))],
    torch=lambda torch, a: torch.nonzero(a.ravel())[:, 0],
    numpy=[np.flatnonzero],
)

argwhere = Op(
    "argwhere",
    np.argwhere,
    arity=1,
    formula=r"y = \{i : a_i \ne 0\}, \text{ one row for each}",
    samples=lambda s: [call(s.mask(3, 4)), call(np.array([0.0, 1.0, -2.0]))],
    torch="argwhere",
    numpy=[np.argwhere],
)


@op(
    "count_nonzero",
    arity=1,
    formula=r"y = \sum_i [a_i \ne 0]",
    samples=lambda s: [
        call(s.mask(3, 4)),
        call(np.array([[0.0, 1.0], [-2.0, 3.0]]), 1),
        call(s.mask(3, 4), axis=(0, 1)),
        call(s.mask(3, 4), axis=0, keepdims=True),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.sum(a != 0, axis, keepdim=keepdims),
    numpy=[np.count_nonzero],
)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    count = np.count_nonzero(a, axis=axis)
    return np.reshape(count, kept_shape(np.shape(a), axis)) if keepdims else count


@op(
    "all",
    arity=1,
    formula=r"y = \bigwedge_i [a_i \ne 0]",
    samples=lambda s: [
        call(s.mask(3, 2)),
        call(s.mask(3, 2), 0),
        call(s.normal(3, 2), axis=(0, -1)),
        call(s.mask(3, 2), axis=-1, keepdims=True),
        call(s.mask(0, 2)),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.all(a, axis, keepdim=keepdims),
    numpy=[np.all],
)
def all(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Whether every element over `axis` is true; over nothing it is."""
    return np.all(a, axis=axis, keepdims=keepdims)


@op(
    "any",
    arity=1,
    formula=r"y = \bigvee_i [a_i \ne 0]",
    samples=lambda s: [
        call(s.mask(3, 2)),
        call(s.mask(3, 2), 0),
        call(s.normal(3, 2), axis=(0, -1)),
        call(s.mask(3, 2), axis=-1, keepdims=True),
        call(s.mask(0, 2)),
    ],
    torch=lambda torch, a, axis=None, keepdims=False: torch.any(a, axis, keepdim=keepdims),
    numpy=[np.any],
)
def any(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Whether some element over `axis` is true; over nothing none is."""
    return np.any(a, axis=axis, keepdims=keepdims)
