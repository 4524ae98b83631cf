"""Which implementation of a kernel runs: the arrays decide the machine, a table decides on the CPU.

`from nnscratch_kernels import auto` gives every kernel by name, as `numpy_kernels` does, but each
call on arrays of the CPU goes to NumPy or Numba, by a table of measured sizes, and each call on
arrays of a GPU to CuPy. The choice depends on the kernel, the dtype and the size alone, so a
program makes the same choices in every run.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch_kernels import numpy_kernels, tuned
from nnscratch_kernels.devices import device_of, is_on_gpu
from nnscratch_kernels.thresholds import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BACKENDS = ("auto", "numpy", "numba")

_SEQUENCES = (list, tuple)

WORK: dict[str, int] = {
    "dense_gradient": 1,
    "mean_sparse_softmax_crossentropy": 1,
    "mean_sparse_softmax_crossentropy_with_gradient": 1,
    "sparse_softmax_crossentropy": 1,
    "sparse_softmax_crossentropy_with_gradient": 1,
}
"""Which argument of a kernel says how much work there is, where it is not the first."""


class Choice(NamedTuple):
    """What a call would run.

    Attributes:
        implementation: "numpy", "numba" or "cupy".
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
    """A kernel that goes to NumPy, Numba or CuPy from call to call.

    Args:
        reference: the kernel in `numpy_kernels`.
    """
    name = reference.__name__
    by_dtype = _by_letter(name) or {}
    place = WORK.get(name, 0)
    argument = getattr(reference, "__wrapped__", reference).__code__.co_varnames[place]
    least = min(by_dtype.values(), default=NEVER)
    bound_of = {np.dtype(letter): bound for letter, bound in by_dtype.items()}
    backend_now = _BACKEND.get
    array_type = np.ndarray
    compiled: Callable[..., Any] | None = None
    on_gpu: Callable[..., Any] | None = None

    @wraps(reference)
    def kernel(*arrays: Any, **options: Any) -> Any:
        # The usual case, where every tenth of a microsecond counts; on small arrays most of all.
        x = arrays[place] if place < len(arrays) else None
        if type(x) is array_type and backend_now() == "auto":
            size = x.size
            if size < least or size < bound_of.get(x.dtype, NEVER):
                return reference(*arrays, **options)
            if compiled is not None:
                return compiled(*arrays, **options)
        return by_table(arrays, options)

    def by_table(arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        nonlocal compiled, on_gpu
        x = arrays[place] if place < len(arrays) else options.get(argument)
        if is_on_gpu(_first_array(x)):
            if on_gpu is None:
                on_gpu = _on_gpu(name) or reference
            return on_gpu(*arrays, **options)
        chosen = backend_now()
        if chosen == "numpy":
            return reference(*arrays, **options)
        size, letter = amount_of_work(x)
        bound = by_dtype.get(letter)
        if bound is None or (size < bound and chosen == "auto"):
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
    first = _first_array(x)
    if is_on_gpu(first):
        place = f"The array is on {device_of(first)}"
        if _on_gpu(name) is not None:
            return Choice("cupy", f"{place}, for which {name} has a CUDA kernel.")
        return Choice(
            "cupy",
            f"{place}; {name} has no CUDA kernel of its own, so CuPy runs each step of the "
            f"reference.",
        )
    by_dtype = _by_letter(name)
    if by_dtype is None:
        return Choice("numpy", f"{name} has no faster version than NumPy's.")
    size, letter = amount_of_work(x)
    if letter not in by_dtype:
        kind = getattr(x, "dtype", type(x).__name__)
        return Choice("numpy", f"{name} is compiled for float32 and float64, not for {kind}.")
    chosen = _BACKEND.get()
    if chosen != "auto":
        return Choice(chosen, f"The backend {chosen!r} was chosen for this block.")
    bound, source, kind = by_dtype[letter], tuned.source(), np.dtype(letter)
    if bound >= NEVER:
        return Choice("numpy", f"{name} of {kind} is never faster with Numba ({source}).")
    if size < bound:
        return Choice(
            "numpy",
            f"{size} elements of {kind} are fewer than the {bound} from which Numba is faster "
            f"({source}).",
        )
    return Choice(
        "numba", f"Numba is faster from {bound} elements of {kind} on ({source}), here {size}."
    )


def amount_of_work(x: Any) -> tuple[int, str]:
    """How many elements an argument has, and the letter of the dtype that stands in the table.

    A list of arrays counts as one, a shape as so many numbers in float32.
    """
    if isinstance(x, np.ndarray):
        return x.size, x.dtype.char if x.dtype.isnative else ""
    if isinstance(x, _SEQUENCES) and x:
        if set(map(type, x)) == {int}:
            return prod(x), "f"
        size = 0
        for part in x:
            if not isinstance(part, np.ndarray):
                return 1, ""
            size += part.size
        return size, x[0].dtype.char
    return 1, ""


def _first_array(x: Any) -> Any:
    """An argument, or the first of a list of arrays: it says where a kernel computes."""
    return x[0] if type(x) in _SEQUENCES and x else x


def _by_letter(kernel: str) -> dict[str, int] | None:
    """The thresholds of a kernel by the letter of what its argument holds."""
    by_dtype = tuned.thresholds().get(kernel)
    if by_dtype is not None and kernel == "from_bfloat16":
        return {"H": by_dtype["f"]}  # bits in uint16
    return by_dtype


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


def _on_gpu(name: str) -> Callable[..., Any] | None:
    from nnscratch_kernels import cupy_kernels  # imports CuPy, which is there if an array is

    kernel: Callable[..., Any] | None = getattr(cupy_kernels, name, None)
    return kernel
