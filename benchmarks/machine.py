"""The machine that the numbers are from, and how many threads the contestants may use.

Import it before NumPy: BLAS reads its number of threads once, when it is loaded.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

if "numpy" in sys.modules:
    raise ImportError("import machine before numpy, or BLAS keeps its own number of threads.")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What BLAS, PyTorch and Keras read when they start; a program may not set them at all."""

os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # PyTorch's number can be raised later
os.environ["KERAS_BACKEND"] = "torch"

import numpy as np  # noqa: E402 (after the threads)
import psutil  # noqa: E402
from threadpoolctl import ThreadpoolController  # noqa: E402


def describe() -> dict[str, str]:
    """Processor, memory, versions and threads, by name."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    running = ThreadpoolController().select(user_api="blas").info()  # those that it knows
    kernels = sorted({f", kernels for {library['architecture']}" for library in running})
    packages = ("numpy", "torch", "keras")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{package} {version(package)}" for package in packages),
        "BLAS": f"{blas['name']} {blas['version']}{''.join(kernels)}",
        "threads": "1 where a row says nothing else; programs that are started: as their default",
        "load": f"{psutil.getloadavg()[0]:.1f} processes over the last minute",
    }


def _processor() -> str:
    """The processor's name as the system gives it."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
