"""A stand-in for the module `cupy` on a machine without a GPU: as strict, but computed by NumPy.

It shows that code written for CuPy keeps to what CuPy offers: no function, parameter, dtype or mix
of arrays that CuPy refuses, and no copy to the host that nobody has asked for. What CuPy has is in
`cupy_names.json`, recorded by `record_names.py`. It shows nothing about speed.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from . import computations, creation
from . import devices as cuda
from .copies import HostCopies, count_host_copies
from .device_array import ndarray
from .functions import functions
from .names import RECORDED
from .raw import RawModule
from .ufuncs import UFUNCS, ufunc

__version__ = f"{RECORDED['cupy']}+on.host"
__all__ = ["HostCopies", "RawModule", "count_host_copies", "cuda", "ndarray", "stand_in", "ufunc"]


def get_default_memory_pool() -> cuda.MemoryPool:
    """What would keep the device's memory."""
    return cuda.MemoryPool()


def _module(name: str, contents: dict[str, Any]) -> ModuleType:
    made = ModuleType(f"{__name__}.{name}")
    vars(made).update(contents)
    return made


def _written_out(*modules: ModuleType) -> dict[str, Any]:
    return {
        name: thing
        for module in modules
        for name, thing in vars(module).items()
        if name in RECORDED["functions"] and callable(thing)
    }


globals().update(functions(RECORDED["functions"], np, computations.COMPUTATIONS))
globals().update({name: getattr(np, name) for name in RECORDED["from_numpy"].split()})
globals().update(UFUNCS)
globals().update(_written_out(creation, computations))
linalg = _module("linalg", functions(RECORDED["linalg"], np.linalg, computations.LINEAR_ALGEBRA))
vars(linalg)["LinAlgError"] = np.linalg.LinAlgError
fft = _module("fft", functions(RECORDED["fft"], np.fft, {}))


def stand_in() -> dict[str, ModuleType]:
    """The modules to be put into `sys.modules`."""
    here = sys.modules[__name__]
    return {"cupy": here, "cupy.cuda": cuda, "cupy.linalg": linalg, "cupy.fft": fft}
