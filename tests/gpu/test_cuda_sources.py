"""Every CUDA source is in the packages, and compiles without a warning. No GPU is needed for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

PACKAGES = ("nnscratch_kernels.cupy_kernels", "nnscratch_kernels.ladder")
SOURCES = [
    (package, Path(file.name).stem)
    for package in PACKAGES
    for file in sorted((files(package) / "cuda").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".cu")
]
ROOT = Path(__file__).parents[2]
NVCC = shutil.which("nvcc")
OPTIONS = ("-std=c++17", "-ftz=true")  # the second one CuPy adds
STRICT = ("-cubin", "-Werror", "all-warnings", "-Xptxas", "-v")
# Bytes of a thread that are in memory for want of registers; arrays that an unknown index keeps out
# of registers count too. A few are what ptxas chooses, so that more threads fit.
MOST_STACK = 16

every_source = pytest.mark.parametrize(
    ("package", "subject"),
    SOURCES,
    ids=[f"{package.split('.')[1]}-{it}" for package, it in SOURCES],
)


@pytest.fixture
def source(cupy, package, subject):
    """What CuPy is given to compile."""
    from nnscratch_kernels.cupy_kernels.launch import cuda_source

    return cuda_source(package, subject)


@pytest.mark.skipif(NVCC is None, reason="no nvcc here: it comes with the CUDA toolkit")
@pytest.mark.parametrize("architecture", ["sm_75", "sm_90"])
@pytest.mark.parametrize("real", ["float", "double"])
@every_source
def test_it_compiles_without_warnings_and_fits_the_registers(source, real, architecture, tmp_path):
    (tmp_path / "kernels.cu").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [NVCC, *OPTIONS, f"-DREAL={real}", f"-arch={architecture}", *STRICT, "kernels.cu"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compiled = re.findall(r"Compiling entry function '(\w+)'", done.stderr)
    frames = re.findall(r"(\d+) bytes stack frame", done.stderr)
    assert compiled
    assert len(frames) >= len(compiled)
    assert max(map(int, frames)) <= MOST_STACK, done.stderr


@every_source
def test_it_is_complete_and_its_kernels_have_plain_names(source):
    assert not re.search(r"^\s*#\s*include", source, re.MULTILINE)
    declared = re.findall(r'(extern\s+"C"\s+)?__global__', source)
    assert declared
    assert all(declared)


@pytest.fixture(scope="module")
def packed():
    """The names of the files that a wheel has, by Hatchling's own list."""
    pytest.importorskip("hatchling", reason="no hatchling here: it builds the wheel")
    listing = "\n".join(
        [
            "from hatchling.builders.wheel import WheelBuilder",
            f"for file in WheelBuilder({str(ROOT)!r}).recurse_included_files():",
            "    print(file.distribution_path)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())


def test_a_wheel_has_every_cuda_source(packed):
    for package, subject in SOURCES:
        assert f"{package.replace('.', '/')}/cuda/{subject}.cu" in packed
    for header in (ROOT / "kernels/nnscratch_kernels/cupy_kernels/cuda").glob("*.cuh"):
        assert f"nnscratch_kernels/cupy_kernels/cuda/{header.name}" in packed
