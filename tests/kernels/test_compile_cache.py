"""The compile cache: private, never stale, and never in silence."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nnscratch_kernels import compile_cache
from nnscratch_kernels.compile_cache import SOURCES, private_folder

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes are a matter of POSIX")

PROGRAM = """
import numpy as np
from nnscratch_kernels import numba_kernels
print(numba_kernels.celu(np.float32([-1.0, 2.0])), file=__import__("sys").stdout)
"""


def run(root: Path, cache: Path, program: str = PROGRAM) -> tuple[str, str]:
    """What a new process with the kernels in `root` prints: on standard output, on the other."""
    variables = {"NNSCRATCH_CACHE_DIR": str(cache), "PYTHONPATH": str(root)}
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return finished.stdout, finished.stderr


def test_the_compiler_is_announced_once_and_a_cached_kernel_is_not_compiled_again(tmp_path):
    root, cache = SOURCES.parents[1], tmp_path / "cache"
    first = run(root, cache)
    again = run(root, cache)
    assert first[1].count("compiling kernels") == 1
    assert "nnscratch warmup" in first[1]
    assert again == (first[0], "")


@posix
def test_the_folder_is_private(tmp_path):
    run(SOURCES.parents[1], tmp_path / "cache")
    (folder,) = (tmp_path / "cache").glob("kernels-*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.rglob("*.nbi"))
    assert not list(SOURCES.rglob("*.nbi"))


def test_a_changed_source_never_runs_a_stale_kernel(tmp_path):
    """Also when it is one that the kernel only calls, which Numba's own cache does not notice."""
    root, cache = tmp_path / "root", tmp_path / "cache"
    shutil.copytree(SOURCES.parent, root / "nnscratch_kernels")
    before, _ = run(root, cache)
    callee = root / "nnscratch_kernels" / "numba_kernels" / "vector_math.py"
    text = callee.read_text()
    changed = text.replace(
        "def expm1_of_nonpositive(x: Any) -> Any:", "def expm1_unused(x: Any) -> Any:"
    )
    changed += "\n\n@_inlined\ndef expm1_of_nonpositive(x):\n    return x\n"
    assert changed != text
    times = callee.stat()
    callee.write_text(changed)
    os.utime(callee, ns=(times.st_atime_ns, times.st_mtime_ns))
    after, said = run(root, cache)
    assert before.startswith("[-0.63212")
    assert after.startswith("[-1.")
    assert "compiling kernels" in said


@posix
def test_a_folder_open_to_others_is_refused(tmp_path):
    folder = tmp_path / "kernels"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="open to other users"):
        private_folder(folder)


@posix
def test_a_link_or_a_file_is_refused(tmp_path):
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="no folder"):
        private_folder(tmp_path / "link")
    with pytest.raises(FileExistsError):
        private_folder(tmp_path / "file")


def test_without_a_folder_kernels_are_compiled_and_the_user_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    result, said = run(SOURCES.parents[1], tmp_path / "file")
    assert result.startswith("[-0.63212")
    assert "cannot be kept" in said
    assert "NNSCRATCH_CACHE_DIR" in said


def test_the_place(monkeypatch, tmp_path):
    monkeypatch.setenv("NNSCRATCH_CACHE_DIR", str(tmp_path / "mine"))
    assert compile_cache.base() == tmp_path / "mine"
    monkeypatch.delenv("NNSCRATCH_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform != "win32":
        assert compile_cache.base() == tmp_path / "nnscratch"
