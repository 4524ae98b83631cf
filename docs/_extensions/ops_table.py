"""The directives `ops-table`, every op as it declares itself, and `activations-table`."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective

import nnscratch  # fills the op table
from nnscratch.activations import ACTIVATIONS
from nnscratch.autograd.op import OPS
from nnscratch_kernels import cupy_kernels, numba_kernels, numpy_kernels

if TYPE_CHECKING:
    from docutils.nodes import Node

assert nnscratch
TABLE = """::::{list-table}
:header-rows: 1
:widths: 32 68

* - op, NumPy's name, kernel
  - formula, gradient
"""


class OpsTable(SphinxDirective):
    """Takes no arguments."""

    def run(self) -> list[Node]:
        families: dict[str, list[str]] = {}
        for op in OPS.values():
            families.setdefault(_family(op), []).append(_row(op))
        text = [
            f"## `{family}.py`\n\n{TABLE}" + "\n".join(rows) + "\n::::"
            for family, rows in sorted(families.items())
        ]
        return self.parse_text_to_nodes("\n\n".join(text), allow_section_headings=True)


class ActivationsTable(SphinxDirective):
    """Takes no arguments."""

    def run(self) -> list[Node]:
        rows = []
        for name, function in ACTIVATIONS.items():
            op = OPS.get(function.__name__)
            formula = _math(op.formula) if op is not None else ""
            says = (inspect.getdoc(function) or "").partition("\n")[0]
            rows.append(f"* - `{name}`\n  - {_paragraphs([formula, says])}")
        table = TABLE.replace("op, NumPy's name, kernel", "name").replace("formula, gradient", "")
        return self.parse_text_to_nodes(table + "\n".join(rows) + "\n::::")


def _family(op: Any) -> str:
    """The module in `nnscratch.ops` whose file declares the op."""
    functions = [getattr(op, "function", None), *getattr(op, "vjps", ()), op.samples]
    for function in functions:
        module = getattr(inspect.unwrap(function), "__module__", "") if function else ""
        if module.startswith("nnscratch.ops."):
            return module.rpartition(".")[2]
    return "others"


def _row(op: Any) -> str:
    numpy_names = ", ".join([_numpy_name(function) for function in op.numpy][:2])
    left = [f"`{op.name}`", numpy_names, _kernel(op)]
    right = [_math(op.formula), _math(getattr(op, "derivative", ""))]
    return f"* - {_paragraphs(left)}\n  - {_paragraphs(right)}"


def _paragraphs(parts: list[str]) -> str:
    return "\n\n    ".join(part for part in parts if part)


def _numpy_name(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy.")
    return (
        f"`np.{function.__name__}`"
        if module in ("numpy", "")
        else f"`np.{module}.{function.__name__}`"
    )


def _math(latex: str) -> str:
    return f"${latex}$" if latex else ""


def _kernel(op: Any) -> str:
    """The kernel that computes it, and the machines for which there is one."""
    forward = getattr(op, "forward", None)
    name = getattr(forward, "__name__", "")
    if name not in dir(numpy_kernels) or "nnscratch_kernels" not in getattr(
        forward, "__module__", ""
    ):
        return ""
    where = ["NumPy"]
    where += ["Numba"] if name in dir(numba_kernels) else []
    where += ["CUDA"] if name in _on_gpus() else []
    machines = ", ".join(where)
    return f"kernel: {machines}" if name == op.name else f"kernel `{name}`: {machines}"


@cache
def _on_gpus() -> set[str]:
    """The names of the CUDA kernels, read from the source: to import them takes CuPy."""
    folder = Path(cupy_kernels.__file__ or "").parent
    names: set[str] = set()
    for subject in cupy_kernels.SUBJECTS:
        for statement in ast.parse((folder / f"{subject}.py").read_text("utf-8")).body:
            if isinstance(statement, ast.FunctionDef):
                names.add(statement.name)
            elif isinstance(statement, ast.Assign):
                names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return names


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("ops-table", OpsTable)
    app.add_directive("activations-table", ActivationsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
