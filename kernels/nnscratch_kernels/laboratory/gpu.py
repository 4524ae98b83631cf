"""The GPU: whether one is there, which one, and its own clock.

A launch only asks for work, so the clock of the processor would see how fast one can ask. Events
are marks in the GPU's queue of work, with the time at which the GPU came by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import auto
from nnscratch_kernels.devices import load_cupy, require_gpu

if TYPE_CHECKING:
    from collections.abc import Callable


def is_there() -> bool:
    """Whether CuPy is installed and finds a GPU."""
    try:
        require_gpu()
    except RuntimeError:
        return False
    return True


def describe() -> dict[str, str]:
    """The GPU and what drives it, by name.

    Raises:
        RuntimeError: there is none, with the remedy.
    """
    require_gpu()
    cupy = load_cupy()
    runtime = cupy.cuda.runtime
    found = runtime.getDeviceProperties(0)
    return {
        "GPU": f"{name()}, {found['totalGlobalMem'] / 2**30:.0f} GiB, "
        f"{found['multiProcessorCount']} multiprocessors of compute capability "
        f"{found['major']}.{found['minor']}",
        "CUDA": f"CuPy {cupy.__version__} with CUDA {_version(runtime.runtimeGetVersion())}, "
        f"driver for CUDA {_version(runtime.driverGetVersion())}",
    }


def check() -> None:
    """Compile a CUDA source and run a kernel of it.

    Raises:
        RuntimeError: that does not work, with the remedy.
    """
    require_gpu()
    cupy = load_cupy()
    try:
        found = auto.gelu(cupy.ones(3, "float32")).get()
    except Exception as error:  # CuPy has classes of its own for each part that may be missing
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RuntimeError(
            f"CuPy cannot compile or run a kernel here ({problem}): install CUDA's compiler and "
            f"headers with `pip install 'cupy-cuda13x[ctk]'`, or check `nvidia-smi`."
        ) from error
    if not np.allclose(found, auto.gelu(np.ones(3, np.float32)), atol=1e-6):
        raise RuntimeError("The GPU computes wrong numbers: reinstall CuPy, or check `nvidia-smi`.")


def name() -> str:
    """What the GPU is called."""
    called: bytes = load_cupy().cuda.runtime.getDeviceProperties(0)["name"]
    return called.decode()


def clocked(work: Callable[[], Any], calls: int) -> Callable[[], float]:
    """A contestant that asks for work several times and gives the GPU's mean time of a call.

    One call more comes first: while the GPU is busy with it, the next ones are queued, so that it
    need not wait for the processor, unless a call takes longer to ask for than to do.
    """
    cuda = load_cupy().cuda
    start, end = cuda.Event(), cuda.Event()

    def contestant() -> float:
        work()
        start.record()
        for _ in range(calls):
            work()
        end.record()
        end.synchronize()
        seconds: float = cuda.get_elapsed_time(start, end) / 1e3  # which it gives in milliseconds
        return seconds / calls

    return contestant


def _version(number: int) -> str:
    """CUDA's version from its number: 13020 is 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"
