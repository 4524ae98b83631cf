"""Gradients of functions: `grad`, `vjp`, `jvp`, `jacobian`, `hessian` and their kin.

They take functions of arrays, numbers, and nested tuples, lists or dicts of them. Arrays give
arrays, tensors give tensors that stay on the tape. Inside another transform everything stays on
the tape, so transforms nest to any order.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.backward import walk
from nnscratch.autograd.modes import enable_grad
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS
from nnscratch.autograd.tensor import Tensor
from nnscratch.autograd.trees import leaves, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Arguments = int | tuple[int, ...]

_INSIDE_TRANSFORM: ContextVar[bool] = ContextVar("nnscratch_inside_transform", default=False)


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f` and its pullback, which maps a cotangent u to uᵀJ.

    Args:
        f: a function of arrays, numbers or nested containers of them.
        primals: its arguments, the point to differentiate at.

    Returns:
        `f(*primals)`, and a function that takes a cotangent nested like this value, and gives the
        cotangents of all arguments as a tuple. It can be called any number of times.

    Raises:
        TypeError: an argument that is not floating-point.
    """
    originals = leaves(primals)
    keeps_tape = _keeps_tape(originals)
    with _inside_transform():
        points = [_point(leaf) for leaf in originals]
        result = f(*rebuild(primals, iter(points)))
        outputs = [
            value if isinstance(value, Tensor) else Tensor(value) for value in leaves(result)
        ]

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = _cotangents(cotangent, outputs)
        tape = keeps_tape or _keeps_tape(leaves(cotangent))
        tracked = [i for i, output in enumerate(outputs) if output.requires_grad]
        found = walk(
            [outputs[i] for i in tracked],
            [seeds[i] if tape else seeds[i].data for i in tracked],
            create_graph=tape,
            retain_graph=True,
            targets=set(points),
        )
        gradients = [found.get(point, np.zeros_like(point.data)) for point in points]
        values = (
            _returned(gradient, original, tape)
            for gradient, original in zip(gradients, originals, strict=True)
        )
        cotangents: tuple[Any, ...] = rebuild(primals, values)
        return cotangents

    value = rebuild(result, (_returned(output, 0.0, keeps_tape) for output in outputs))
    return value, pullback


def value_and_grad(f: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """A function that gives the value of a scalar function and its gradient; see `grad`."""

    @wraps(f)
    def evaluate(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, pullback = _vjp_of_chosen(f, argnums, args, kwargs)
        if len(leaves(value)) != 1 or np.size(leaves(value)[0]) != 1:
            raise ValueError(
                f"grad needs a function that returns one number, but {_name(f)} returned "
                f"{_describe(value)}: reduce it with np.sum or np.mean, or use ns.jacobian or "
                f"ns.elementwise_grad."
            )
        return value, pullback(np.ones(np.shape(value)))

    return evaluate


def grad(f: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """A function that gives the gradient of a scalar function.

    Args:
        f: a function that returns one number.
        argnums: which positional argument to differentiate, or a tuple of several.

    Returns:
        A function of the same arguments. Its result is nested like the argument; with a tuple of
        `argnums` it is a tuple of gradients.

    Raises:
        ValueError: `f` returns more than one number, or `argnums` is out of range.
        TypeError: an argument to differentiate is not floating-point.
    """
    evaluate = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return evaluate(*args, **kwargs)[1]

    return gradient


def elementwise_grad(f: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """The derivative of an elementwise function at every element: the gradient of its sum."""

    @wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        value, pullback = _vjp_of_chosen(f, argnums, args, kwargs)
        ones = (np.ones(np.shape(leaf)) for leaf in leaves(value))
        return pullback(rebuild(value, ones))

    return derivative


def jvp(
    f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    """The value of `f` and its directional derivative Jv.

    uᵀJ is linear in u, and the transpose of that map is v ↦ Jv: two backward passes and no second
    set of rules (Townsend 2017, "A new trick for calculating Jacobian vector products").

    Args:
        f: a function of arrays, numbers or nested containers of them.
        primals: its arguments, as a tuple.
        tangents: the direction, nested like `primals`.

    Returns:
        `f(*primals)` and the derivative, nested like it.
    """
    keeps_tape = _keeps_tape([*leaves(primals), *leaves(tangents)])
    with _inside_transform():
        value, pullback = vjp(f, *primals)
        zeros = rebuild(value, (np.zeros_like(leaf.data) for leaf in leaves(value)))
        _, pushforward = vjp(pullback, zeros)
        (derivative,) = pushforward(tangents)

    def released(tree: Any) -> Any:
        return rebuild(tree, (_returned(leaf, 0.0, keeps_tape) for leaf in leaves(tree)))

    return released(value), released(derivative)


def jacobian(f: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """A function that gives all derivatives of all outputs, one backward pass an output element.

    Returns:
        A function of the same arguments. Its result is nested like the value of `f`, and inside
        that like the argument; each array has the output's shape followed by the input's.
    """

    @wraps(f)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        value, pullback = _vjp_of_chosen(f, argnums, args, kwargs)
        outputs = leaves(value)
        jacobians = []
        for number, output in enumerate(outputs):
            rows = []
            for index in np.ndindex(np.shape(output)):
                one_hots = [np.zeros(np.shape(other)) for other in outputs]
                one_hots[number][index] = 1.0
                rows.append(pullback(rebuild(value, iter(one_hots))))
            jacobians.append(_stack_rows(rows, np.shape(output)))
        return rebuild(value, iter(jacobians))

    return evaluate


def hessian(f: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """A function that gives all second derivatives of a scalar function."""
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primal: Any, vector: Any) -> Any:
    """The Hessian of a scalar function of one argument, times `vector`, without the Hessian.

    It is the derivative of the gradient in the direction of `vector` (Pearlmutter 1994).

    Args:
        f: a function that returns one number.
        primal: its argument, an array or nested arrays.
        vector: nested like `primal`.

    Returns:
        The product, nested like `primal`.
    """
    return jvp(grad(f), (primal,), (vector,))[1]


def _vjp_of_chosen(
    f: Callable[..., Any], argnums: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Callable[[Any], Any]]:
    """`vjp` with respect to the arguments `argnums` alone."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    for position in chosen:
        if not -len(args) <= position < len(args):
            raise ValueError(
                f"argnums={argnums} asks for argument {position}, but {_name(f)} was called with "
                f"{len(args)} positional arguments."
            )

    def of_chosen(*values: Any) -> Any:
        arguments = list(args)
        for position, value in zip(chosen, values, strict=True):
            arguments[position] = value
        return f(*arguments, **kwargs)

    value, pullback = vjp(of_chosen, *(args[position] for position in chosen))
    if isinstance(argnums, int):
        return value, lambda cotangent: pullback(cotangent)[0]
    return value, pullback


@contextmanager
def _inside_transform() -> Iterator[None]:
    token = _INSIDE_TRANSFORM.set(True)
    try:
        with enable_grad():
            yield
    finally:
        _INSIDE_TRANSFORM.reset(token)


def _keeps_tape(values: list[Any]) -> bool:
    """Whether results stay tensors: for tensors, and inside another transform."""
    return _INSIDE_TRANSFORM.get() or any(isinstance(value, Tensor) for value in values)


def _point(value: Any) -> Tensor:
    """A tensor to differentiate at, linked to `value` if that is on a tape itself."""
    if isinstance(value, Tensor) and value.requires_grad:
        linked: Tensor = NUMPY_FUNCTIONS[np.copy](value)
        return linked
    plain = value.data if isinstance(value, Tensor) else value
    if isinstance(plain, int) and not isinstance(plain, bool):
        plain = float(plain)
    array = np.asarray(plain) if not hasattr(plain, "dtype") else plain
    if array.dtype.kind != "f":
        raise TypeError(
            f"Gradients need floating-point arguments, got {_describe(value)}: convert it with "
            f".astype(float), or leave it out with argnums."
        )
    return Tensor(array, requires_grad=True)


def _cotangents(cotangent: Any, outputs: list[Tensor]) -> list[Tensor]:
    given = leaves(cotangent)
    if len(given) != len(outputs):
        raise ValueError(
            f"The pullback needs a cotangent for each of {len(outputs)} outputs, got {len(given)}."
        )
    seeds = []
    for value, output in zip(given, outputs, strict=True):
        if np.shape(value) != output.shape:
            raise ValueError(
                f"The pullback got a cotangent of shape {np.shape(value)} for an output of shape "
                f"{output.shape}: the two must be equal."
            )
        same_dtype = isinstance(value, Tensor) and value.dtype == output.dtype
        seeds.append(value if same_dtype else _cast(value, output.dtype))
    return seeds


def _cast(value: Any, dtype: np.dtype[Any]) -> Tensor:
    return value.astype(dtype) if isinstance(value, Tensor) else Tensor(value, dtype=dtype)


def _returned(value: Any, original: Any, keeps_tape: bool) -> Any:
    """A result as the caller expects it: tensors on the tape, arrays or floats off it."""
    if keeps_tape:
        return value if isinstance(value, Tensor) else Tensor(value)
    plain = value.data if isinstance(value, Tensor) else value
    return plain.item() if isinstance(original, int | float) and np.ndim(plain) == 0 else plain


def _stack_rows(rows: list[Any], shape: tuple[int, ...]) -> Any:
    """Join the gradients of every output element into one array for each input."""
    columns = zip(*(leaves(row) for row in rows), strict=True)
    stacked = []
    for column in columns:
        joined = np.stack(column)
        stacked.append(np.reshape(joined, shape + np.shape(column[0])))
    return rebuild(rows[0], iter(stacked))


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", "the function")


def _describe(value: Any) -> str:
    found = leaves(value)
    if len(found) == 1:
        dtype = getattr(found[0], "dtype", type(found[0]).__name__)
        return f"{dtype} of shape {np.shape(found[0])}"
    return f"{len(found)} values"
