"""The machine that numbers are from, and equal terms for all who compete on it."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.threads import set_thread_count, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDIES = {
    "torch": "pip install 'nnscratch[bench]'",
    "jax": "pip install jax",
    "matplotlib": "pip install 'nnscratch[plot]'",
}


class MissingPackageError(ImportError):
    """A package that a measurement or a picture needs is not installed; says how to get it."""


def package(name: str) -> Any:
    """An optional package, imported now.

    Raises:
        MissingPackageError: it is not installed.
    """
    if find_spec(name) is None:
        raise MissingPackageError(f"This needs the package {name!r}: {REMEDIES[name]}.")
    return import_module(name)


def describe() -> dict[str, str]:
    """Processor, memory, versions, BLAS and load, by name."""
    described = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": _versions(),
        "BLAS": _blas(),
        "load": _load(),
    }
    return {name: text for name, text in described.items() if text}


@contextmanager
def equal_threads(count: int) -> Iterator[None]:
    """Have our kernels, BLAS and PyTorch (where they are loaded) use so many threads each."""
    before = thread_count()
    torch: Any = sys.modules.get("torch")
    torch_before = torch.get_num_threads() if torch else 0
    set_thread_count(count)
    if torch:
        torch.set_num_threads(count)
    try:
        with _blas_threads(count):
            yield
    finally:
        set_thread_count(before)
        if torch:
            torch.set_num_threads(torch_before)


@contextmanager
def _blas_threads(count: int) -> Iterator[None]:
    if find_spec("threadpoolctl") is None:
        yield
        return
    controller = import_module("threadpoolctl").ThreadpoolController()
    with controller.select(user_api="blas").limit(limits=count):
        yield


def _processor() -> str:
    """The processor's name as the system gives it."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    return ""


def _load() -> str:
    if hasattr(os, "getloadavg"):
        return f"{os.getloadavg()[0]:.1f} processes over the last minute"
    return ""


def _versions() -> str:
    found = []
    for name in ("nnscratch", "numpy", "numba", "torch", "keras", "jax"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _blas() -> str:
    """Name and version, and which processor's routines it has chosen, where that can be known."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    text = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    if find_spec("threadpoolctl") is not None:
        running = import_module("threadpoolctl").threadpool_info()
        kinds = {
            library.get("architecture") for library in running if library["user_api"] == "blas"
        }
        text += "".join(f", kernels for {kind}" for kind in sorted(filter(None, kinds)))
    return text
