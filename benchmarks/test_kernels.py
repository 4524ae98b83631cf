"""Every kernel, small and large, by NumPy, by Numba, in PyTorch, and in JAX if it is installed.

Where there is a GPU, also there by CuPy; each of these calls is waited for.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from nnscratch_kernels import set_thread_count
from nnscratch_kernels.devices import load_cupy
from nnscratch_kernels.laboratory import cases, contestants, gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

SIZES = (1_000, 1_000_000)
PEERS = [name for name in contestants.PEERS if find_spec(name)]


def entries() -> list[tuple[str, str]]:
    """Each case with each of those who can do it."""
    found = []
    for name, recipe in cases.recipes().items():
        ours = [by for by in ("numpy", "numba") if contestants.implementation(recipe.kernel, by)]
        if gpu.is_there():
            ours.append("cupy")
        theirs = [peer for peer in PEERS if getattr(recipe, peer)]
        found += [(name, by) for by in ours + theirs]
    return found


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("name", "by"), entries())
@pytest.mark.benchmark(min_rounds=5, max_time=0.1, warmup=True, warmup_iterations=2)
def test_kernel(benchmark: BenchmarkFixture, name: str, by: str, count: int) -> None:
    set_thread_count(1)
    benchmark.group = f"{name}, {count:,} elements of float32"
    benchmark.name = by
    case = cases.make_case(name, count)
    ours = by in contestants.BACKENDS
    work = contestants.function_of(case, by) if ours else contestants.peer(case, by)
    assert work is not None
    benchmark.extra_info.update(operations=case.operations, bytes=case.bytes_moved)
    benchmark(waited_for(work) if by == "cupy" else work)


def waited_for(work: Callable[[], Any]) -> Callable[[], None]:
    """Work on the GPU until it is done."""
    device = load_cupy().cuda.Device()

    def done() -> None:
        work()
        device.synchronize()

    return done
