"""Where arrays are: in the memory of the CPU or of a GPU, and how they get from one to the other.

Arrays of CuPy are on a GPU. Nothing here imports CuPy before a GPU is asked for.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU = "cpu"
GPU = "gpu:0"

_CURRENT: ContextVar[str] = ContextVar("nnscratch_device", default=CPU)


@contextmanager
def device(name: str) -> Iterator[None]:
    """Have new tensors and weights made on a device, in a block, or, as a decorator, a function.

        with nnscratch.device("gpu"):
            model = nnscratch.Sequential([...])
            model.fit(x, y)

    Args:
        name: "cpu" or "gpu". Of several GPUs it is the first that CUDA_VISIBLE_DEVICES names.

    Raises:
        ValueError: another name.
        RuntimeError: no GPU, or no CuPy, with the remedy.
    """
    token = _CURRENT.set(checked_device(name))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_device() -> str:
    """Where new tensors are made: "cpu" or "gpu:0"."""
    return _CURRENT.get()


def checked_device(name: object) -> str:
    """The full name of a device that is there: "cpu" or "gpu:0".

    Raises:
        ValueError: no name of a device.
        RuntimeError: no GPU, or no CuPy, with the remedy.
    """
    if name == CPU:
        return CPU
    if name not in ("gpu", GPU):
        raise ValueError(
            f"A device is 'cpu' or 'gpu', got {name!r}. (Which of several GPUs is used says the "
            f"environment variable CUDA_VISIBLE_DEVICES.)"
        )
    require_gpu()
    return GPU


def require_gpu() -> None:
    """Make sure that CuPy can use a GPU here.

    Raises:
        RuntimeError: it cannot, or is not installed, with the remedy.
    """
    cupy = load_cupy()
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f"CuPy finds no GPU that it can use here ({error}): use device 'cpu', or check with "
            f"`nvidia-smi` that the machine has an NVIDIA GPU and a driver for CuPy's CUDA version."
        ) from None
    if count == 0:
        raise RuntimeError("CuPy finds no GPU here: use device 'cpu'.")


def load_cupy() -> Any:
    """The module `cupy`, imported now that an array on a GPU is asked for.

    Raises:
        RuntimeError: CuPy is not installed, or cannot be imported.
    """
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            f"Arrays on a GPU need CuPy, which cannot be imported ({error}): install it with "
            f"`pip install 'nnscratch[gpu]'` (CUDA 13; for CUDA 12 `pip install "
            f"'cupy-cuda12x[ctk]'`), or use device 'cpu'."
        ) from None
    return cupy


def is_on_gpu(array: Any) -> bool:
    """Whether this is an array of CuPy, in the memory of a GPU."""
    if type(array) is np.ndarray:
        return False
    cupy = sys.modules.get("cupy")  # to ask for `__cuda_array_interface__` would make a dictionary
    return cupy is not None and isinstance(array, cupy.ndarray)


def device_of(array: Any) -> str:
    """Where an array is: "cpu" or "gpu:0"."""
    return f"gpu:{array.device.id}" if is_on_gpu(array) else CPU


def to_device(array: Any, name: str) -> Any:
    """The array itself if it is on this device, else a copy there.

    Args:
        array: an array of NumPy or CuPy.
        name: as `checked_device` gives it.
    """
    if device_of(array) == name:
        return array
    return array.get() if name == CPU else load_cupy().asarray(array)


def on_host(array: Any) -> Any:
    """The array as NumPy's, copied from a GPU if it is there."""
    return array.get() if is_on_gpu(array) else array
