"""The tests of the GPU half run on CuPy where a GPU is, else on a stand-in as strict as CuPy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.gpu import cupy_on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@pytest.fixture(scope="module")
def cupy() -> Iterator[Any]:
    """The module `cupy`, or its stand-in: what `import cupy` gives in the tests of a module."""
    real = cupy_of_a_gpu()
    if real is not None:
        yield real
        return
    with pytest.MonkeyPatch.context() as patch:
        for name, module in cupy_on_host.stand_in().items():
            patch.setitem(sys.modules, name, module)
        yield cupy_on_host


def cupy_of_a_gpu() -> Any:
    """CuPy if it is installed and finds a GPU, else None."""
    try:
        import cupy

        return cupy if cupy.cuda.runtime.getDeviceCount() else None
    except (ImportError, RuntimeError):
        return None


@pytest.fixture
def host_copies(cupy: Any) -> Callable[[], AbstractContextManager[cupy_on_host.HostCopies]]:
    """Counts copies to the host in a block: `with host_copies() as counted: ...`."""
    if cupy is not cupy_on_host:
        pytest.skip("CuPy does not tell what it copies to the host; its stand-in does")
    return cupy_on_host.count_host_copies
