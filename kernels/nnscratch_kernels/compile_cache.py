"""Where compiled kernels are kept: a folder of the user's own, one for each state of the sources.

Numba keeps pickles, which run code when they are loaded, and does not notice edits to functions
that a cached one calls. So the folder is private (mode 0700, owned by the user), and its name is
made of the sources' hash, the versions and the processor: what does not fit is never looked at.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from nnscratch_kernels.folders import base

SOURCES = Path(__file__).parent / "numba_kernels"


@cache
def folder() -> Path | None:
    """The folder for the kernels as they stand now; None, after a word, if there can be none."""
    try:
        return private_folder(base() / f"kernels-{fingerprint()}")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        print(
            f"nnscratch: compiled kernels cannot be kept ({error}), so every program compiles "
            f"them anew: set NNSCRATCH_CACHE_DIR to a folder of your own.",
            file=sys.stderr,
        )
        return None


def private_folder(path: Path) -> Path:
    """Make sure of a folder that nobody else can write to or read.

    Raises:
        OSError: it cannot be made, or it belongs to somebody else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(f"{path} is no folder")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(f"{path} is open to other users: chmod 700 it, or remove it")
    return path


def fingerprint() -> str:
    """What compiled code depends on: sources, versions, Python, and the processor."""
    import llvmlite.binding

    digest = sha256()
    for source in sorted(SOURCES.parent.glob("**/*.py")):  # loops freeze constants of all modules
        if "laboratory" not in source.parts:
            digest.update(source.name.encode() + b"\0" + sha256(source.read_bytes()).digest())
    facts = [
        version("numba"),
        version("llvmlite"),
        version("numpy"),
        platform.python_implementation(),
        platform.python_version(),
        platform.machine(),
        llvmlite.binding.get_host_cpu_name(),
        llvmlite.binding.get_host_cpu_features().flatten(),
    ]
    digest.update("\0".join(facts).encode())
    return digest.hexdigest()[:24]
