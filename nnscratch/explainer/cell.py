"""What a notebook shows of a tensor: a small table, and of a loss also the page of its tape."""

from __future__ import annotations

import sys
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from nnscratch.autograd import Parameter, Tensor
from nnscratch.autograd.tape import topological_order
from nnscratch.explainer.document import document
from nnscratch.explainer.page import TITLE, framed, page
from nnscratch.explainer.recording import record_named

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH, MOST_LINES = 3, 12
"""How much of the graph behind a tensor is told: ops in a row, and lines in all."""

MOST_OPS = 100
"""The largest graph whose page is shown unasked: a cell should not take long."""


def cell(tensor: Tensor) -> str:
    """A tensor's shape, dtype, numbers and gradient, and how it came about, as HTML.

    Args:
        tensor: any; all that it holds is escaped.
    """
    facts = f"shape {tensor.shape}, {tensor.dtype}, on {tensor.device}"
    if tensor.requires_grad:
        facts += ", requires a gradient"
    rows = [("", facts)]
    if isinstance(tensor, Parameter):
        rows.append(("name", tensor.name))
    rows.append(("numbers", repr(tensor)))
    if tensor.grad is not None:
        rows.append(("gradient", repr(tensor.grad)))
    if tensor.node is not None:
        rows.append(("made by", "\n".join(_family(tensor))))
    cells = (
        f'<tr><th style="text-align:left;vertical-align:top">{escape(name)}</th>'
        f'<td style="text-align:left"><pre style="margin:0">{escape(text)}</pre></td></tr>'
        for name, text in rows
    )
    return f"<table>{''.join(cells)}</table>{_page_of(tensor)}"


def _page_of(tensor: Tensor) -> str:
    """The page that `ns.explain` would write of a loss whose tape is there; empty for others."""
    if tensor.size != 1 or tensor.node is None:
        return ""
    nodes = topological_order([tensor])
    if len(nodes) > MOST_OPS or any(node.freed for node in nodes):
        return ""
    recording = record_named(tensor, vars(sys.modules["__main__"]))  # where a notebook's names are
    return framed(page(document(recording, TITLE)))


def _family(tensor: Tensor) -> list[str]:
    """The op that made a tensor, what it used, and so on, indented."""
    lines = list(islice(_told(tensor, 0), MOST_LINES + 1))
    return lines if len(lines) <= MOST_LINES else [*lines[:-1], "…"]


def _told(value: Any, depth: int) -> Iterator[str]:
    indent = "    " * depth
    node = getattr(value, "node", None)
    if node is None:
        yield indent + _leaf(value)
        return
    origin = "" if node.origin is None else str(node.origin)
    yield f"{indent}{node.op.name} {value.shape}{origin}"
    if node.freed:
        yield f"{indent}    (freed by backward)"
    elif depth + 1 < DEPTH:
        for argument in node.inputs:
            if argument is not None:
                yield from _told(argument, depth + 1)


def _leaf(value: Any) -> str:
    if isinstance(value, Parameter):
        return f"parameter {value.name} {value.shape}"
    if getattr(value, "shape", ()):
        return f"{'tensor' if isinstance(value, Tensor) else 'array'} {value.shape}"
    return str(value.item() if isinstance(value, Tensor) else value)
