"""`import nnscratch` loads NumPy and itself, and nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ["cupy", "keras", "matplotlib", "numba", "pandas", "rich", "safetensors", "scipy",
         "sklearn", "torch"]  # fmt: skip


def loaded_by(program: str) -> set[str]:
    report = f"{program}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_importing_loads_nothing_heavy():
    modules = loaded_by("import nnscratch")
    assert "nnscratch.ops" in modules
    assert modules.isdisjoint(HEAVY)


def test_importing_leaves_out_slow_parts_of_the_standard_library():
    ours = loaded_by("import nnscratch") - loaded_by("import numpy")
    assert ours.isdisjoint({"asyncio", "dataclasses", "inspect", "logging", "typing_extensions"})
