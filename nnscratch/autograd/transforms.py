"""Gradients of functions: `grad`, `vjp`, `jvp`, `jacobian`, `hessian` and their kin.

They take functions of arrays, numbers, and nested tuples, lists or dicts of them. Arrays give
arrays, tensors give tensors that can be differentiated further, and each stays on its device.
Inside another transform everything stays on the tape, so transforms nest to any order.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.backward import walk
from nnscratch.autograd.modes import CURRENT_MODE, enable_grad
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS
from nnscratch.autograd.placement import array_module, beside, plain
from nnscratch.autograd.tape import end_of_tape, topological_order
from nnscratch.autograd.tensor import Tensor, placed, point_at, wrap
from nnscratch.autograd.trees import leaves, leaves_like, rebuild
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscratch.autograd.tape import Node

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
    value, pullback, _ = _vjp(f, primals, _gives_tensors(primals))
    return value, pullback


def _vjp(
    f: Callable[..., Any], primals: tuple[Any, ...], tensors: bool
) -> tuple[Any, Callable[[Any], tuple[Any, ...]], set[Tensor]]:
    """See `vjp`; gives tensors or else arrays, and the leaves that it made to differentiate at."""
    originals = leaves(primals)
    recording = CURRENT_MODE.get().recording
    since = end_of_tape()
    with _inside_transform():
        points = [_point(leaf, recording) for leaf in originals]
        result = f(*rebuild(primals, iter(points)))
        outputs = [_output(value) for value in leaves(result)]
    own = {point for point in points if point.node is None}

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = _cotangents(leaves_like(cotangent, result, "cotangent"), outputs)
        gives_tensors = tensors or _gives_tensors(cotangent)
        tape = gives_tensors and CURRENT_MODE.get().recording
        tracked = [i for i, output in enumerate(outputs) if output.requires_grad]
        found = walk(
            [outputs[i] for i in tracked],
            [seeds[i] if tape else seeds[i].data for i in tracked],
            create_graph=tape,
            retain_graph=True,
            targets=set(points),
            since=since,
        )
        gradients = _released([_gradient(found.get(p), p) for p in points], own, since)
        values = (
            _returned(_unshared(gradient), original, gives_tensors)
            for gradient, original in zip(gradients, originals, strict=True)
        )
        cotangents: tuple[Any, ...] = rebuild(primals, values)
        return cotangents

    released = _released(outputs, own, since) if recording else [o.detach() for o in outputs]
    value = rebuild(result, (_value(output, tensors) for output in released))
    return value, pullback, own


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
        return value, pullback(_ones_like(value))

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
        return pullback(_ones_like(value))

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

    Raises:
        TypeError: an argument that is not floating-point, or not given in tuples.
        ValueError: tangents of other shapes than the primals.
    """
    _check_tangents(primals, tangents)
    tensors = _gives_tensors((primals, tangents))
    recording = CURRENT_MODE.get().recording
    since = end_of_tape()
    with _inside_transform():
        value, pullback, own = _vjp(f, primals, tensors=True)
        zeros = rebuild(
            value, (np.zeros_like(leaf.data, dtype=_float(leaf)) for leaf in leaves(value))
        )
        _, pushforward, more = _vjp(pullback, (zeros,), tensors=True)
        (derivative,) = pushforward(tangents)

    def released(tree: Any) -> Any:
        values = _released(leaves(tree), own | more, since)
        values = values if recording else [value.detach() for value in values]
        return rebuild(tree, (_value(leaf, tensors) for leaf in values))

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

        def row(number: int, index: tuple[int, ...] | None) -> Any:
            one_hots = [array_module(other).zeros(np.shape(other)) for other in outputs]
            if index is not None:
                one_hots[number][index] = 1.0
            return pullback(rebuild(value, iter(one_hots)))

        jacobians = []
        for number, output in enumerate(outputs):
            rows = [row(number, index) for index in np.ndindex(np.shape(output))]
            like = rows[0] if rows else row(number, None)
            jacobians.append(_stack_rows(rows, like, np.shape(output)))
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
    if len({position % len(args) for position in chosen}) < len(chosen):
        raise ValueError(f"argnums={argnums} asks for the same argument twice: name each once.")

    def of_chosen(*values: Any) -> Any:
        arguments = list(args)
        for position, value in zip(chosen, values, strict=True):
            arguments[position] = value
        return f(*arguments, **kwargs)

    primals = tuple(args[position] for position in chosen)
    value, pullback, _ = _vjp(of_chosen, primals, _gives_tensors((args, kwargs)))
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


def _gives_tensors(arguments: Any) -> bool:
    """Whether results are tensors: for tensors, and inside another transform."""
    return _INSIDE_TRANSFORM.get() or any(isinstance(leaf, Tensor) for leaf in leaves(arguments))


def _point(value: Any, recording: bool) -> Tensor:
    """A tensor to differentiate at, linked to `value` if that is on a tape itself."""
    if recording and isinstance(value, Tensor) and value.requires_grad:
        linked: Tensor = NUMPY_FUNCTIONS[np.copy](value)
        return linked
    number = plain(value)
    if isinstance(number, int) and not isinstance(number, bool):
        number = float(number)
    array = number if hasattr(number, "dtype") else placed(np.asarray(number))
    if array.dtype.kind != "f":
        raise TypeError(
            f"Gradients need floating-point arguments, got {_describe(value)}: convert it with "
            f".astype(float), or leave it out with argnums."
        )
    return point_at(array)


def _output(value: Any) -> Tensor:
    if value is None:
        raise TypeError("The function to differentiate returned None: end it with a return.")
    return value if isinstance(value, Tensor) else Tensor(value)


def _check_tangents(primals: Any, tangents: Any) -> None:
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError(
            f"jvp takes the arguments and the tangents as tuples, got {type(primals).__name__} and "
            f"{type(tangents).__name__}: for one argument write jvp(f, (x,), (v,))."
        )
    pairs = zip(leaves_like(tangents, primals, "tangent"), leaves(primals), strict=True)
    for tangent, primal in pairs:
        if np.shape(tangent) != np.shape(primal):
            raise ValueError(
                f"jvp got a tangent of shape {np.shape(tangent)} for an argument of shape "
                f"{np.shape(primal)}: the two must be equal."
            )


def _cotangents(given: list[Any], outputs: list[Tensor]) -> list[Tensor]:
    seeds = []
    for value, output in zip(given, outputs, strict=True):
        if np.shape(value) != output.shape:
            raise ValueError(
                f"The pullback got a cotangent of shape {np.shape(value)} for an output of shape "
                f"{output.shape}: the two must be equal."
            )
        array = beside(value, output, "The cotangent given to the pullback")
        seed = value if isinstance(value, Tensor) else wrap(array, None, 0)
        seeds.append(seed if seed.dtype == output.dtype else seed.astype(output.dtype))
    return seeds


def _gradient(found: Any, point: Tensor) -> Tensor:
    """What the walk found at `point`, as a tensor; zeros where it found nothing."""
    if isinstance(found, Tensor):
        return found
    return wrap(np.zeros_like(point.data) if found is None else found, None, 0)


def _unshared(gradient: Tensor) -> Tensor:
    """A gradient in writable memory of its own, unless it is on the tape: rules share arrays."""
    return gradient if gradient.requires_grad else wrap(gradient.data.copy(), None, 0)


def _released(values: list[Tensor], own: set[Tensor], since: int) -> list[Tensor]:
    """Each of `values` without the tape, if that leads only to leaves of our own.

    These were made when the tape ended at `since`, so whatever was recorded before leads elsewhere.
    """
    if not own:
        return values
    anchored: set[Node | None] = set()

    def leads_elsewhere(tensor: Any) -> bool:
        if not getattr(tensor, "requires_grad", False):
            return False
        if tensor.node is None:
            return tensor not in own
        return tensor.node in anchored or tensor.node.serial < since

    for node in topological_order(values, since):
        if any(map(leads_elsewhere, node.inputs)):
            anchored.add(node)
    return [value if leads_elsewhere(value) else value.detach() for value in values]


def _returned(value: Tensor, original: Any, gives_tensors: bool) -> Any:
    """A result as the caller expects it: a tensor, an array, or a float for a float."""
    if gives_tensors:
        return value
    return value.item() if isinstance(original, int | float) and value.ndim == 0 else value.data


def _value(value: Tensor, gives_tensors: bool) -> Any:
    """What a function gave: a float for one number, but on a GPU its array, to wait for nothing."""
    return _returned(value, None if is_on_gpu(value.data) else 0.0, gives_tensors)


def _ones_like(tree: Any) -> Any:
    return rebuild(tree, (array_module(leaf).ones(np.shape(leaf)) for leaf in leaves(tree)))


def _float(value: Tensor) -> np.dtype[Any]:
    """The dtype of a derivative of `value`: its own, or float64 for integers."""
    return value.dtype if value.dtype.kind == "f" else np.dtype(np.float64)


def _stack_rows(rows: list[Any], like: Any, shape: tuple[int, ...]) -> Any:
    """Join the gradients of every output element, nested like `like`, into one array an input."""
    stacked = []
    for number, leaf in enumerate(leaves(like)):
        column = [leaves(row)[number] for row in rows]
        joined = np.stack(column) if column else np.stack([leaf])[:0]
        stacked.append(np.reshape(joined, shape + np.shape(leaf)))
    return rebuild(like, iter(stacked))


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", "the function")


def _describe(value: Any) -> str:
    found = leaves(value)
    if len(found) == 1:
        dtype = getattr(found[0], "dtype", type(found[0]).__name__)
        return f"{dtype} of shape {np.shape(found[0])}"
    return f"{len(found)} values"
