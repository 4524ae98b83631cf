"""What a machine can do at most: bytes from memory and multiplications by BLAS, in a second.

The roofline model (Williams, Waterman, Patterson 2009): a kernel that does F operations on B bytes
takes at least max(F / peak, B / bandwidth). The peak is what BLAS reaches with a large product; the
bandwidth is that of arrays which no cache holds, copied or, as in the STREAM benchmark (McCalpin
1995), combined in a triad a = b + s c. Bytes are counted as a kernel's are: each array once.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels import aligned
from nnscratch_kernels.devices import load_cupy, require_gpu
from nnscratch_kernels.laboratory import gpu
from nnscratch_kernels.laboratory.machine import equal_threads
from nnscratch_kernels.laboratory.paired import wall
from nnscratch_kernels.laboratory.warming import silence
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMED = 1 << 25  # float32 in an array: 128 MiB, beyond what a processor's cache holds for us
PART = 1 << 20
SIDE = 2048

STREAMED_ON_GPU = 1 << 27  # 512 MiB
SIDE_ON_GPU = 8192


@dataclass(frozen=True, kw_only=True)
class Roof:
    """The limits of a machine.

    Attributes:
        copy: bytes a second, read and written, of copied memory.
        single: operations a second of a product of float32 matrices.
        double: the same of float64.
    """

    copy: float
    single: float
    double: float

    @property
    def of(self) -> str:
        """Whose limits these are, in words."""
        raise NotImplementedError

    @property
    def bandwidth(self) -> float:
        """Bytes a second at most."""
        return self.copy

    def peak(self, dtype: Any) -> float:
        """Operations a second in this dtype."""
        return self.double if np.dtype(dtype) == np.float64 else self.single

    def seconds(self, operations: float, moved: float, dtype: Any) -> float:
        """What so many operations on so many bytes take at least."""
        return max(operations / self.peak(dtype), moved / self.bandwidth)

    def as_json(self) -> dict[str, Any]:
        """Every number, for a file."""
        return asdict(self)

    def in_words(self) -> str:
        """Every number, in a line."""
        return (
            f"ceilings of {self.of}: {self._bandwidths()}, BLAS {self.single / 1e9:.0f} GFLOP/s in "
            f"float32, {self.double / 1e9:.0f} in float64"
        )

    def _bandwidths(self) -> str:
        return f"copy {self.copy / 1e9:.1f} GB/s"


@dataclass(frozen=True, kw_only=True)
class Ceilings(Roof):
    """The limits of so many threads of the processor.

    Attributes:
        threads: how many.
        triad: bytes a second of a triad.
    """

    threads: int
    triad: float

    @property
    def of(self) -> str:
        """How many threads, in words."""
        return f"{self.threads} thread{'s' if self.threads > 1 else ''}"

    @property
    def bandwidth(self) -> float:
        """The better of the two bandwidths."""
        return max(self.copy, self.triad)

    def _bandwidths(self) -> str:
        return f"{super()._bandwidths()}, triad {self.triad / 1e9:.1f} GB/s"


@dataclass(frozen=True, kw_only=True)
class GpuCeilings(Roof):
    """The limits of a GPU, within its own memory.

    Attributes:
        name: what the GPU is called.
    """

    name: str

    @property
    def of(self) -> str:
        """The GPU's name."""
        return self.name


class Streams:
    """Arrays to measure the bandwidth of memory with, as often as one likes."""

    def __init__(self) -> None:
        """Make the arrays."""
        self._arrays = [_ones(STREAMED) for _ in range(3)]

    def bandwidths(self, seconds: float) -> tuple[float, float]:
        """Bytes a second of a copy and of a triad, each measured for about so many seconds."""
        a, b, c = self._arrays
        triad = _triad()
        copy_time = _least(wall(lambda: run_in_parts(_copy, STREAMED, PART, a, b)), seconds)
        triad_time = _least(wall(lambda: run_in_parts(triad, STREAMED, PART, a, b, c)), seconds)
        return 2 * a.nbytes / copy_time, 3 * a.nbytes / triad_time


def measure(threads: int, seconds: float = 1.0) -> Ceilings:
    """Measure the limits of so many threads, each for about so many seconds."""
    with equal_threads(threads), silence():
        copy, triad = Streams().bandwidths(seconds)
        return Ceilings(
            threads=threads,
            copy=copy,
            triad=triad,
            single=_product(np, np.float32, SIDE, seconds, wall),
            double=_product(np, np.float64, SIDE, seconds, wall),
        )


def measure_gpu(
    seconds: float = 1.0, *, streamed: int = STREAMED_ON_GPU, side: int = SIDE_ON_GPU
) -> GpuCeilings:
    """Measure the limits of the GPU, each for about so many seconds.

    Args:
        seconds: for each.
        streamed: float32 in the array that is copied, beyond what the GPU's cache holds.
        side: of the matrices.

    Raises:
        RuntimeError: there is none, with the remedy.
    """
    require_gpu()
    cupy = load_cupy()
    a, b = (cupy.ones(streamed, np.float32) for _ in range(2))
    return GpuCeilings(
        name=gpu.name(),
        copy=2 * a.nbytes / _least(_clocked(lambda: cupy.copyto(b, a)), seconds),
        single=_product(cupy, np.float32, side, seconds, _clocked),
        double=_product(cupy, np.float64, side, seconds, _clocked),
    )


def _product(
    library: Any,
    dtype: Any,
    side: int,
    seconds: float,
    timed: Callable[[Callable[[], Any]], Callable[[], float]],
) -> float:
    """Operations a second of a product of square matrices."""
    a = library.ones((side, side), dtype)
    out = library.empty_like(a)
    return 2 * side**3 / _least(timed(lambda: library.matmul(a, a, out=out)), seconds)


def _clocked(work: Callable[[], Any]) -> Callable[[], float]:
    return gpu.clocked(work, 1)


def _ones(count: int) -> Any:
    made = aligned.empty((count,), np.dtype(np.float32))
    made.fill(1)
    return made


def _copy(first: int, last: int, a: Any, b: Any) -> None:
    np.copyto(a[first:last], b[first:last])


@cache
def _triad() -> Any:
    import numba

    @numba.njit(nogil=True, fastmath=True)
    def triad(first: int, last: int, a: Any, b: Any, c: Any) -> None:
        a, b, c = a[first:last], b[first:last], c[first:last]
        for i in range(a.size):
            a[i] = b[i] + np.float32(3) * c[i]

    return triad


def _least(contestant: Callable[[], float], seconds: float) -> float:
    """The shortest time of several; what a machine can do is what it did once."""
    contestant()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(contestant())
    return min(times)
