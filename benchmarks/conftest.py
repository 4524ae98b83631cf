"""One place for the suites' threads and for the machine's description.

The suites import their contestants from this folder, as the scripts in it do.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import machine  # the threads come before NumPy
import pytest
import torch


def pytest_report_header() -> list[str]:
    """Say which machine the numbers are from."""
    return [f"{name}: {value}" for name, value in machine.describe().items()]


@pytest.fixture(autouse=True)
def equal_terms() -> None:
    """PyTorch has as many threads as BLAS, and no contestant pays for another's objects."""
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # or the collector would walk through Keras while nnscratch runs
