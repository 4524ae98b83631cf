"""Record what CuPy has: the names, parameters and loops that the stand-in may offer.

    python tests/gpu/cupy_on_host/record_names.py

needs CuPy, but no GPU, and writes `cupy_names.json` beside this file.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import cupy
import numpy as np

NAMES = Path(__file__).with_name("cupy_names.json")
MARKS = {
    inspect.Parameter.POSITIONAL_ONLY: "/",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.KEYWORD_ONLY: "@",
    inspect.Parameter.VAR_KEYWORD: "**",
}
COMPILED = {"size": "a axis=", "min_scalar_type": "a"}
"""What CuPy's source says of functions that are compiled and do not tell their parameters."""


def parameters(function: Any) -> str:
    """Each parameter: the mark of its kind, its name, and "=" if it may be left out."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return COMPILED.get(function.__name__, "*args **kwargs")
    optional = {True: "=", False: ""}
    return " ".join(
        MARKS[one.kind] + name + optional[one.default is not one.empty]
        for name, one in signature.parameters.items()
    )


def public(module: Any) -> dict[str, Any]:
    """The public things of a module that are no modules."""
    names = (name for name in dir(module) if not name.startswith("_"))
    things = {name: getattr(module, name) for name in names}
    return {name: thing for name, thing in things.items() if not inspect.ismodule(thing)}


def functions(module: Any, twin: Any) -> dict[str, str]:
    """The parameters of a module's functions that are not NumPy's own."""
    return {
        name: parameters(thing)
        for name, thing in public(module).items()
        if callable(thing)
        and not isinstance(thing, type | cupy.ufunc)
        and thing is not getattr(twin, name, None)
    }


def ufuncs() -> dict[str, dict[str, Any]]:
    """The loops of CuPy's ufuncs, in the order in which it looks for one, and `at`'s operation."""
    return {
        name: {
            "name": one.name,
            "loops": " ".join(one.types),
            "at": one._scatter_op,
            "compares": one._ops.promote_types is not None,
        }
        for name, one in public(cupy).items()
        if isinstance(one, cupy.ufunc)
    }


def from_numpy() -> list[str]:
    """What CuPy has from NumPy: its scalar types, constants, and functions of dtypes."""
    return [
        name
        for name, thing in public(cupy).items()
        if hasattr(np, name) and (thing is getattr(np, name) or isinstance(thing, float | None))
    ]


def attributes() -> list[str]:
    """What a CuPy array has."""
    return [name for name in dir(cupy.ndarray) if not name.startswith("_") or name.endswith("__")]


if __name__ == "__main__":
    recorded = {
        "cupy": cupy.__version__,
        "ufuncs": ufuncs(),
        "functions": functions(cupy, np),
        "linalg": functions(cupy.linalg, np.linalg),
        "fft": functions(cupy.fft, np.fft),
        "from_numpy": " ".join(from_numpy()),
        "array": " ".join(attributes()),
    }
    NAMES.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
