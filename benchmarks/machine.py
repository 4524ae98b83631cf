"""The machine that the numbers are from, and how many threads the contestants may use.

Import it before NumPy: BLAS reads its number of threads once, when it is loaded.
"""

from __future__ import annotations

import os
import sys

if "numpy" in sys.modules:
    raise ImportError("import machine before numpy, or BLAS keeps its own number of threads.")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What BLAS, PyTorch and Keras read when they start; a program may not set them at all."""

os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # PyTorch's number can be raised later
os.environ["KERAS_BACKEND"] = "torch"

from nnscratch_kernels.laboratory import machine as laboratory  # noqa: E402 (after the threads)


def describe() -> dict[str, str]:
    """Processor, memory, versions and threads, by name."""
    threads = "1 where a row says nothing else; programs that are started: as their default"
    return laboratory.describe() | {"threads": threads}
