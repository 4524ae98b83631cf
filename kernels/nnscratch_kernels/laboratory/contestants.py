"""Who competes in a measurement: our versions of a kernel, and the same in PyTorch and JAX.

On the processor NumPy, Numba and what dispatch chooses compete with PyTorch and JAX; on a GPU CuPy
with PyTorch.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import auto, numpy_kernels
from nnscratch_kernels.devices import GPU, is_on_gpu, on_host, require_gpu
from nnscratch_kernels.laboratory.cases.declaring import Prepared, arrays_of, converted
from nnscratch_kernels.laboratory.machine import package
from nnscratch_kernels.subjects import find_kernel
from nnscratch_kernels.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch_kernels.laboratory.cases import Case

ON_CPU = ("numpy", "numba", "auto")
BACKENDS = (*ON_CPU, "cupy")
PEERS = ("torch", "jax")
TORCH_ON_GPU = "torch (gpu)"
"""PyTorch's other name, on the machine where CuPy's rival it is."""


class UnequalError(RuntimeError):
    """A framework cannot compete here on the terms of the others."""


def runs_on_gpu(contestant: str) -> bool:
    """Whether this is a contestant on the GPU."""
    return contestant in ("cupy", TORCH_ON_GPU)


def implementation(kernel: str, backend: str) -> Callable[..., Any] | None:
    """A kernel as one of `BACKENDS` has it; None where Numba or CuPy has none of its own.

    Raises:
        RuntimeError: no GPU, or no CuPy, with the remedy.
    """
    found: Callable[..., Any]
    if backend in ("numpy", "auto"):
        found = getattr(numpy_kernels if backend == "numpy" else auto, kernel)
        return found
    if backend == "cupy":
        require_gpu()
    package = import_module(f"nnscratch_kernels.{backend}_kernels")
    try:
        found = find_kernel(package.__name__, package.SUBJECTS, kernel)
    except AttributeError:
        return None
    return found


def function_of(case: Case, backend: str) -> Callable[[], Any] | None:
    """A function that does the work of a case by one of `BACKENDS`; None where it cannot.

    On the GPU that is what dispatch would run: a CUDA kernel, or the reference by CuPy.

    Raises:
        RuntimeError: there is no CuPy, or no GPU.
    """
    own = implementation(case.recipe.kernel, backend)
    if backend != "cupy":
        return case.call(own) if own else None
    moved = case.on(GPU)
    if own is None and not any(is_on_gpu(array) for array in arrays_of(moved.arguments)):
        return None  # nothing by which it would be on the GPU
    return moved.call(own or getattr(numpy_kernels, case.recipe.kernel))


def compiled_kernels() -> list[str]:
    """The names of the kernels of which Numba has a version of its own."""
    return [name for name in dir(numpy_kernels) if implementation(name, "numba")]


def peer(case: Case, name: str) -> Callable[[], Any] | None:
    """A function that does the work of a case in another framework, on arrays of its own.

    Args:
        case: what is to be done.
        name: one of `PEERS`, or `TORCH_ON_GPU`.

    Returns:
        None if that framework has no such kernel.

    Raises:
        MissingPackageError: it is not installed.
        UnequalError: it cannot compete here.
    """
    framework = frameworks()[name]()
    declared = getattr(case.recipe, name.partition(" ")[0])
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

    device = "cpu"

    def __init__(self) -> None:
        """Load it.

        Raises:
            MissingPackageError: it is not installed.
        """
        self.torch = package("torch")
        self.torch.set_num_threads(thread_count())

    def prepare(self, declared: Any, case: Case) -> Callable[[], Any] | None:
        """A function that runs a declared peer on copies of a case's arrays."""
        arguments = converted(case.arguments, self._tensor)
        if isinstance(declared, Prepared):
            with self.torch.device(self.device):  # for tensors that it makes of its own
                prepared: Callable[[], Any] = declared.make(self.torch, *arguments)
            return prepared
        return lambda: declared(self.torch, *arguments)

    def _tensor(self, array: Any) -> Any:
        return self.torch.from_numpy(on_host(array)).clone().to(self.device)


class TorchOnGpu(Torch):
    """PyTorch on the GPU, in as exact an arithmetic as ours."""

    device = "cuda:0"

    def __init__(self) -> None:
        """Load it.

        Raises:
            MissingPackageError: it is not installed.
            UnequalError: it finds no GPU.
        """
        super().__init__()
        if not self.torch.cuda.is_available():
            raise UnequalError(
                f"PyTorch {self.torch.__version__} finds no GPU that it can use here: install a "
                f"build of it for CUDA, or leave it out."
            )
        self.torch.backends.cuda.matmul.allow_tf32 = False  # which would keep 10 bits of 23
        self.torch.backends.cudnn.allow_tf32 = False

    def prepare(self, declared: Any, case: Case) -> Callable[[], Any] | None:
        """A function that runs a declared peer there; None if PyTorch has it for no GPU."""
        try:
            prepared = super().prepare(declared, case)
            if prepared is not None:
                prepared()
        except NotImplementedError:
            return None
        return prepared


class Jax:
    """JAX, on the processor; what a peer does is compiled as a whole."""

    def __init__(self) -> None:
        """Load it, with as many threads as our kernels have.

        Raises:
            MissingPackageError: it is not installed.
            UnequalError: it cannot be held to so many threads here.
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
    return {"torch": cache(Torch), "jax": cache(Jax), TORCH_ON_GPU: cache(TorchOnGpu)}


def _start_with_threads(start: Callable[[], Any], count: int) -> None:
    """Call `start`, which makes as many threads as there are processors, with so many of them.

    Raises:
        UnequalError: this system cannot keep it to fewer.
    """
    if not hasattr(os, "sched_setaffinity"):
        if count != os.cpu_count():
            raise UnequalError(
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
