"""Which implementation of a kernel runs: the arrays decide the machine, a table decides on the CPU.

`from nnscratch_kernels import auto` gives every kernel by name, as `numpy_kernels` does, but each
call goes to NumPy or Numba, by a table of measured sizes. The choice depends on the kernel, the
dtype and the size alone, so a program makes the same choices in every run.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch_kernels import numpy_kernels, tuned
from nnscratch_kernels.thresholds import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BACKENDS = ("auto", "numpy", "numba")

WORK: dict[str, int] = {}
"""Which argument of a kernel says how much work there is, where it is not the first."""


class Choice(NamedTuple):
    """What a call would run.

    Attributes:
        implementation: "numpy" or "numba".
        reason: why, in words.
    """

    implementation: str
    reason: str


def checked_backend(name: object, source: str) -> str:
    """`name` if there is such a backend.

    Raises:
        ValueError: there is none; the message says where the name came from.
    """
    if name not in BACKENDS:
        raise ValueError(
            f"{source} is one of {', '.join(map(repr, BACKENDS))}, got {name!r}: choose one. "
            f"(CuPy needs no choice: arrays on a GPU are computed there.)"
        )
    return str(name)


def _from_environment() -> str:
    return checked_backend(os.environ.get("NNSCRATCH_BACKEND") or "auto", "NNSCRATCH_BACKEND")


_BACKEND: ContextVar[str] = ContextVar("nnscratch_backend", default=_from_environment())  # noqa: B039 (text)


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Overrule the table for a block, or, as a decorator, for a function.

        with nnscratch.backend("numpy"):
            model.fit(x, y)

    Args:
        name: "numpy" or "numba" for all kernels that it has, "auto" for the table.

    Raises:
        ValueError: another name.
    """
    token = _BACKEND.set(checked_backend(name, "The backend"))
    try:
        yield
    finally:
        _BACKEND.reset(token)


def dispatched(reference: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that goes to NumPy or Numba from call to call; `reference` itself if NumPy is all.

    Args:
        reference: the kernel in `numpy_kernels`.
    """
    name = reference.__name__
    by_dtype = tuned.thresholds().get(name)
    if by_dtype is None:
        return reference
    least = min(by_dtype.values())
    place = WORK.get(name, 0)
    compiled: Callable[..., Any] | None = None

    @wraps(reference)
    def kernel(*arrays: Any, **options: Any) -> Any:
        nonlocal compiled
        x = arrays[place]
        chosen = _BACKEND.get()
        if chosen == "auto":
            if getattr(x, "size", 1) < least or x.size < by_dtype.get(x.dtype.char, NEVER):
                return reference(*arrays, **options)
        elif chosen == "numpy":
            return reference(*arrays, **options)
        if not isinstance(x, np.ndarray) or x.dtype.char not in by_dtype:
            return reference(*arrays, **options)
        if compiled is None:
            compiled = _compiled(name)
        return compiled(*arrays, **options)

    return kernel


def which(kernel: str, x: Any) -> Choice:
    """What a call of this kernel on such an array would run now, and why.

        >>> nnscratch_kernels.which("gelu", np.zeros(10))
        Choice(implementation='numpy', reason='10 elements of float64 are fewer than the …')

    Args:
        kernel: its name, or the beginning of it.
        x: the array whose size counts: values, logits or inputs.

    Raises:
        ValueError: there is no such kernel.
    """
    name = _full_name(kernel)
    by_dtype = tuned.thresholds().get(name)
    if by_dtype is None:
        return Choice("numpy", f"{name} has no faster version than NumPy's.")
    if not isinstance(x, np.ndarray):
        return Choice("numpy", f"{type(x).__name__} is no NumPy array, so NumPy's functions do it.")
    if x.dtype.char not in by_dtype:
        return Choice("numpy", f"{name} is compiled for float32 and float64, not for {x.dtype}.")
    chosen = _BACKEND.get()
    if chosen != "auto":
        return Choice(chosen, f"The backend {chosen!r} was chosen for this block.")
    bound, source = by_dtype[x.dtype.char], tuned.source()
    if bound >= NEVER:
        return Choice("numpy", f"{name} of {x.dtype} is never faster with Numba ({source}).")
    if x.size < bound:
        return Choice(
            "numpy",
            f"{x.size} elements of {x.dtype} are fewer than the {bound} from which Numba is faster "
            f"({source}).",
        )
    return Choice(
        "numba", f"Numba is faster from {bound} elements of {x.dtype} on ({source}), here {x.size}."
    )


def _full_name(kernel: str) -> str:
    names = dir(numpy_kernels)
    if kernel in names:
        return kernel
    starting = [name for name in names if name.startswith(kernel)]
    if not starting:
        from difflib import get_close_matches

        near = get_close_matches(kernel, names, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"choose of {names}."
        raise ValueError(f"There is no kernel {kernel!r}: {hint}")
    return min(starting, key=len)  # layer_norm is layer_normalization, not its gradient


def _compiled(name: str) -> Callable[..., Any]:
    from nnscratch_kernels import numba_kernels  # imports Numba, only now that it is needed

    kernel: Callable[..., Any] = getattr(numba_kernels, name)
    return kernel
