"""Who competes in a measurement: our versions of a kernel, and the same in PyTorch and JAX."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import auto, numba_kernels, numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import Prepared
from nnscratch_kernels.laboratory.machine import package
from nnscratch_kernels.subjects import find_kernel
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch_kernels.laboratory.cases import Case

BACKENDS = ("numpy", "numba", "auto")
PEERS = ("torch", "jax")


class ThreadsError(RuntimeError):
    """A framework cannot be held to as many threads as the others have."""


def implementation(kernel: str, backend: str) -> Callable[..., Any] | None:
    """A kernel as one of `BACKENDS` has it; None where Numba has none of its own."""
    found: Callable[..., Any]
    if backend == "numba":
        try:
            found = find_kernel(numba_kernels.__name__, numba_kernels.SUBJECTS, kernel)
        except AttributeError:
            return None
        return found
    found = getattr(numpy_kernels if backend == "numpy" else auto, kernel)
    return found


def compiled_kernels() -> list[str]:
    """The names of the kernels of which Numba has a version of its own."""
    return [name for name in dir(numpy_kernels) if implementation(name, "numba")]


def peer(case: Case, name: str) -> Callable[[], Any] | None:
    """A function that does the work of a case in another framework, on arrays of its own.

    Args:
        case: what is to be done.
        name: one of `PEERS`.

    Returns:
        None if that framework has no such kernel.

    Raises:
        MissingPackageError: it is not installed.
    """
    framework = frameworks()[name]()
    declared = getattr(case.recipe, name)
    if declared is None:
        return None
    prepared: Callable[[], Any] = framework.prepare(declared, case)
    return prepared


def same_numbers(case: Case, name: str) -> bool:
    """Whether a peer is declared that computes the same numbers as ours."""
    declared = getattr(case.recipe, name)
    return declared is not None and (not isinstance(declared, Prepared) or declared.same)


class Torch:
    """PyTorch, on the processor."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            MissingPackageError: it is not installed.
        """
        self.torch = package("torch")
        self.torch.set_num_threads(thread_count())

    def prepare(self, declared: Any, case: Case) -> Callable[[], Any]:
        """A function that runs a declared peer on copies of a case's arrays."""
        arguments = _converted(case.arguments, self._tensor)
        if isinstance(declared, Prepared):
            prepared: Callable[[], Any] = declared.make(self.torch, *arguments)
            return prepared
        return lambda: declared(self.torch, *arguments)

    def _tensor(self, array: Any) -> Any:
        return self.torch.from_numpy(array.copy())


class Jax:
    """JAX, on the processor; what a peer does is compiled as a whole."""

    def __init__(self) -> None:
        """Load it, with as many threads as our kernels have.

        Raises:
            MissingPackageError: it is not installed.
            ThreadsError: it cannot be held to so many threads here.
        """
        self.jax = package("jax")
        self.jax.config.update("jax_platforms", "cpu")
        self.jax.config.update("jax_enable_x64", True)
        _start_with_threads(self.jax.devices, thread_count())

    def prepare(self, declared: Any, case: Case) -> Callable[[], Any]:
        """A function that runs a declared peer on copies of a case's arrays."""
        where = [i for i, each in enumerate(case.arguments) if isinstance(each, np.ndarray)]

        def with_arrays(*arrays: Any) -> Any:
            arguments: list[Any] = list(case.arguments)
            for place, array in zip(where, arrays, strict=True):
                arguments[place] = array
            return declared(self.jax, *arguments)

        run = self.jax.jit(with_arrays)
        arrays = [self.jax.numpy.asarray(case.arguments[place]) for place in where]
        return lambda: self.jax.block_until_ready(run(*arrays))


@cache
def frameworks() -> dict[str, Callable[[], Any]]:
    """How to load each framework, which happens once."""
    return {"torch": cache(Torch), "jax": cache(Jax)}


def _start_with_threads(start: Callable[[], Any], count: int) -> None:
    """Call `start`, which makes as many threads as there are processors, with so many of them.

    Raises:
        ThreadsError: this system cannot keep it to fewer.
    """
    if not hasattr(os, "sched_setaffinity"):
        if count != os.cpu_count():
            raise ThreadsError(
                f"JAX takes a thread for each processor here, and cannot be held to {count}: "
                f"give --threads {os.cpu_count()}, or leave JAX out."
            )
        start()
        return
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(processors)[:count])
    try:
        start()
        import_module("jax.numpy").zeros(1).block_until_ready()
    finally:
        os.sched_setaffinity(0, processors)


def _converted(arguments: Any, convert: Callable[[Any], Any]) -> Any:
    """The arguments with every array converted."""
    if isinstance(arguments, tuple | list):
        return type(arguments)(_converted(each, convert) for each in arguments)
    return convert(arguments) if isinstance(arguments, np.ndarray) else arguments
