"""What this machine can do at most: bytes from memory and multiplications by BLAS, in a second.

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

from nnscratch_kernels.laboratory.machine import equal_threads
from nnscratch_kernels.laboratory.warming import silence
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMED = 1 << 25  # float32 in an array: 128 MiB, beyond what a processor's cache holds for us
PART = 1 << 20
SIDE = 2048


@dataclass(frozen=True)
class Ceilings:
    """The limits of so many threads.

    Attributes:
        threads: how many.
        copy: bytes a second, read and written, of copied memory.
        triad: bytes a second of a triad.
        single: operations a second of a product of float32 matrices.
        double: the same of float64.
    """

    threads: int
    copy: float
    triad: float
    single: float
    double: float

    @property
    def bandwidth(self) -> float:
        """The better of the two bandwidths."""
        return max(self.copy, self.triad)

    def peak(self, dtype: Any) -> float:
        """Operations a second in this dtype."""
        return self.double if np.dtype(dtype) == np.float64 else self.single

    def seconds(self, operations: float, moved: float, dtype: Any) -> float:
        """What so many operations on so many bytes take at least."""
        return max(operations / self.peak(dtype), moved / self.bandwidth)

    def as_json(self) -> dict[str, float]:
        """Every number, for a file."""
        return asdict(self)


def measure(threads: int, seconds: float = 1.0) -> Ceilings:
    """Measure the limits of so many threads, each for about so many seconds."""
    with equal_threads(threads), silence():
        a, b, c = (np.ones(STREAMED, np.float32) for _ in range(3))
        triad = _triad()
        copy_time = _least(lambda: run_in_parts(_copy, STREAMED, PART, a, b), seconds)
        triad_time = _least(lambda: run_in_parts(triad, STREAMED, PART, a, b, c), seconds)
        return Ceilings(
            threads,
            copy=2 * a.nbytes / copy_time,
            triad=3 * a.nbytes / triad_time,
            single=_product(np.float32, seconds),
            double=_product(np.float64, seconds),
        )


def _product(dtype: Any, seconds: float) -> float:
    """Operations a second of a product of square matrices."""
    a = np.ones((SIDE, SIDE), dtype)
    out = np.empty_like(a)
    return 2 * SIDE**3 / _least(lambda: np.matmul(a, a, out=out), seconds)


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


def _least(work: Callable[[], Any], seconds: float) -> float:
    """The shortest time of several; what a machine can do is what it did once."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
