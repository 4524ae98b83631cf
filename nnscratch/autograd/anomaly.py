"""Naming the op, the layer and the line of the user's program that made a NaN or an Inf."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd.modes import CURRENT_LAYER
from nnscratch.autograd.placement import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.autograd.op import Op
    from nnscratch.autograd.tape import Node

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep


class Origin(NamedTuple):
    """Where an op was called: the layer it ran in, and the file and line of the user's program."""

    layer: str | None
    filename: str
    line: int

    @property
    def file(self) -> str:
        """The file's name; a notebook's cell, whose file is none of the user's, by its number."""
        ipython = sys.modules.get("IPython")
        shell = None if ipython is None else ipython.get_ipython()
        cell = None if shell is None else shell.compile.format_code_name(self.filename)
        return self.filename if cell is None else " ".join(cell)

    def __str__(self) -> str:
        """Name the place as it stands in an error message."""
        layer = f" in layer '{self.layer}'" if self.layer else ""
        return f"{layer} (called at {self.file}:{self.line})"


def user_origin() -> Origin:
    """The innermost line on the call stack that belongs neither to nnscratch nor to NumPy."""
    frame = sys._getframe(2)
    while frame.f_back and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return Origin(CURRENT_LAYER.get(), frame.f_code.co_filename, frame.f_lineno)


@cache
def _is_library(filename: str) -> bool:
    return filename.startswith((_PACKAGE, _NUMPY))


def check_forward(op: Op, arrays: Sequence[Any], outputs: Sequence[Any], origin: Origin) -> None:
    """Raise FloatingPointError if a result of `op` is not finite."""
    for output in outputs:
        fault = _fault(output)
        if fault:
            inherited = next((f"; input {i} already held {_fault(a)}"
                              for i, a in enumerate(arrays) if _fault(a)), "")  # fmt: skip
            raise FloatingPointError(
                f"{op.name} gave {fault} from inputs of shape {_shapes(arrays)}{origin}{inherited}."
            )


def check_backward(node: Node, position: int, gradient: Any) -> None:
    """Raise FloatingPointError if the gradient for argument `position` of a node is not finite."""
    fault = _fault(gradient)
    if fault:
        raise FloatingPointError(
            f"The backward pass of {node.op.name} gave {fault} as the gradient of argument "
            f"{position}, of shape {np.shape(gradient)}; its inputs have shape "
            f"{_shapes(node.arrays)}{node.origin or ''}."
        )


def _fault(value: Any) -> str | None:
    array = plain(value) if hasattr(value, "dtype") else np.asarray(value)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    return "NaN" if np.isnan(array).any() else "Inf"


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(np.shape(array)) for array in arrays)
