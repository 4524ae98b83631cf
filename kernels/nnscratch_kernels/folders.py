"""Where nnscratch keeps what it has worked out for this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def base() -> Path:
    """The folder for everything that is kept: NNSCRATCH_CACHE_DIR, or the system's usual place."""
    given = os.environ.get("NNSCRATCH_CACHE_DIR")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "nnscratch"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nnscratch"
