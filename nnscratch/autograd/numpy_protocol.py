"""NumPy is the language: `np.exp(t)` on a Tensor is found here, recorded and differentiated.

NumPy hands every call that has a Tensor among its arguments to these two functions (NumPy
Enhancement Proposals 13 and 18). A NumPy function without a gradient rule raises: it never
returns an array that is silently cut off from the tape.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What runs for a NumPy function when a Tensor is among its arguments; the op table fills it."""

_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}

_INSTEAD_OF_METHOD = {
    "reduce": "join the parts with np.{ufunc} itself",
    "accumulate": "use np.cumsum or np.cumprod, or join the parts with np.{ufunc} itself",
    "reduceat": "call np.sum on slices",
    "outer": "call np.{ufunc} on t[:, None] and u",
    "at": "use t.at[i].set(v) or t.at[i].add(v)",
}


def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run `ufunc`, or its method `reduce`, on arguments of which one is a Tensor.

    Raises:
        TypeError: no gradient rule, or an option that a recorded call cannot take.
    """
    if method == "__call__" and (not kwargs or kwargs.keys() == {"axis"}):  # np.vecdot has an axis
        implementation = NUMPY_FUNCTIONS.get(ufunc)
        if implementation is not None:
            return implementation(*inputs, **kwargs)
        raise TypeError(_no_rule(ufunc.__name__))
    if "out" in kwargs:
        return _write_into(ufunc, method, inputs, kwargs)
    if method == "reduce" and ufunc in _REDUCTIONS:
        (operand,) = inputs
        return _REDUCTIONS[ufunc](operand, **({"axis": 0} | kwargs))
    if method != "__call__":
        raise TypeError(
            f"np.{ufunc.__name__}.{method} has no gradient rule in nnscratch: "
            f"{_INSTEAD_OF_METHOD[method].format(ufunc=ufunc.__name__)}, or, if no gradient should "
            f"flow, call it on t.detach().numpy()."
        )
    raise TypeError(
        f"np.{ufunc.__name__} on a Tensor does not take {', '.join(sorted(kwargs))}: use np.where "
        f"to mask and t.astype(...) to change the dtype."
    )


def call_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Run a NumPy function that is not a ufunc on arguments of which one is a Tensor."""
    implementation = NUMPY_FUNCTIONS.get(function)
    if implementation is None:
        raise TypeError(_no_rule(_name(function)))
    return implementation(*args, **kwargs)


def _write_into(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`array += tensor` and `out=array`: plain NumPy, allowed where there is nothing to record."""
    outputs = kwargs["out"]
    if any(getattr(value, "requires_grad", False) for value in (*inputs, *outputs)):
        raise TypeError(
            f"np.{ufunc.__name__} cannot write into an array in place and be differentiated: leave "
            f"out= (or +=) away and use the result, or detach the tensor with t.detach()."
        )
    plain = [getattr(value, "data", value) if _is_tensor(value) else value for value in inputs]
    targets = tuple(value.data if _is_tensor(value) else value for value in outputs)
    getattr(ufunc, method)(*plain, **(kwargs | {"out": targets}))
    return outputs[0] if len(outputs) == 1 else outputs


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "requires_grad")


def _name(function: Callable[..., Any]) -> str:
    """What follows `np.` in the name of a NumPy function."""
    module = getattr(function, "__module__", None) or "numpy"
    name: str = function.__name__
    return f"{module.removeprefix('numpy.')}.{name}" if module.startswith("numpy.") else name


def _no_rule(name: str) -> str:
    known = {_name(function).split(".")[-1]: _name(function) for function in NUMPY_FUNCTIONS}
    near = get_close_matches(name.split(".")[-1], known, n=3, cutoff=0.8)
    suggestion = (
        f"use {' or '.join(f'np.{known[n]}' for n in near)}, "
        if near
        else "write it with functions that have one (see dir(ns.ops)), "
    )
    return (
        f"np.{name} has no gradient rule in nnscratch: {suggestion}or, if no gradient should flow, "
        f"call it on t.detach().numpy()."
    )
