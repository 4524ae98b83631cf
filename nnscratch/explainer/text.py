"""The backward pass as a table for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.program import backward_lines

if TYPE_CHECKING:
    from nnscratch.explainer.recording import Entry, Recording

MOST_ROWS = 400
"""Ops of one table: nobody reads more."""

NARROWEST = 60

_STEP, _OP, _RECEIVES = 4, 20, 18


def write_table(recording: Recording, width: int | None = None) -> str:
    """A row for each step of the walk, and one for each leaf's gradient at the end.

    Args:
        recording: of the loss.
        width: columns, at least 60; by default those of the terminal.
    """
    width = max(NARROWEST, width or shutil.get_terminal_size().columns)
    names, formulas = backward_lines(recording)
    loss, steps = recording.loss, len(recording.backward)
    head = (
        f"The backward pass of {_printable(loss.label)} = {loss.value.item():.6g} in {steps} "
        f"{'step' if steps == 1 else 'steps'}. Each op receives the gradient of its result and "
        f"sends one to each argument; the number is its norm, d_x the gradient of the loss for x."
    )
    lines = [*textwrap.wrap(head, width), ""]
    lines += _row(("step", "op", "receives", ["sends to"]), width)
    missing = {entry: _shares(entry) for entry in recording.entries}
    for number, entry in enumerate(recording.backward, 1):
        lines += _step(number, entry, names, missing, width)
        for formula in formulas.get(entry, ()):
            lines += _folded(formula, " " * (_STEP + 4), width)
    lines += ["", *_gradients(recording, names)]
    if recording.left_out:
        left_out = (
            f"{recording.left_out} ops farther from the loss are left out; what is sent to them "
            f"stands among the gradients."
        )
        lines += ["", *textwrap.wrap(left_out, width)]
    return "\n".join([*lines, ""])


def _step(
    number: int, entry: Entry, names: dict[Entry, str], missing: dict[Entry, int], width: int
) -> list[str]:
    """The lines of one op: what it receives, and what it sends to whom."""
    what = str(entry.op) if entry.layer is None else f"{entry.op} in {_printable(entry.layer)}"
    sends = []
    for edge in entry.inputs:
        if edge.contribution is None:
            continue
        source = edge.source
        sends.append(f"→ {names[source]} {_gradient(edge.contribution)}")
        if edge.before is not None:
            sends.append(f"  summed up from {edge.before.shape}")
        missing[source] -= 1
        if missing[source] == 0 and _shares(source) > 1:
            sends.append(f"  all {_shares(source)} shares in sum {_norm(source.gradient)}")
    received = "-" if entry.gradient is None else _gradient(entry.gradient)
    lines = _row((str(number), names[entry], received, sends), width)
    return lines if names[entry] == what else [*lines, *_folded(what, " " * (_STEP + 2), width)]


def _row(cells: tuple[str, str, str, list[str]], width: int) -> list[str]:
    """A row of the table; cells that are too long go on in the next line."""
    step, op, receives, sends = cells
    right = width - _STEP - _OP - _RECEIVES - 6
    columns = [
        [step],
        _wrapped(op, _OP),
        _wrapped(receives, _RECEIVES),
        [line for text in sends for line in _wrapped(text, right)],
    ]
    return [
        f"{number:>{_STEP}}  {name:<{_OP}}  {got:<{_RECEIVES}}  {sent}".rstrip()
        for number, name, got, sent in zip_longest(*columns, fillvalue="")
    ]


def _wrapped(text: str, width: int) -> list[str]:
    indent = "    " if text.startswith(("→", " ")) else ""
    return textwrap.wrap(text, width, subsequent_indent=indent) or [""]


def _folded(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=f"{indent}    ")


def _shares(entry: Entry) -> int:
    """How many gradients are sent to an entry."""
    return sum(edge.contribution is not None for edge in entry.uses)


def _gradients(recording: Recording, names: dict[Entry, str]) -> list[str]:
    """What the leaves get in the end."""
    rows = [("gradient of", "shape", "norm", "smallest", "largest")]
    for leaf in recording.leaves:
        name, shape, gradient = names[leaf], str(leaf.value.shape), leaf.gradient
        if gradient is None:
            frozen = leaf.tensor is not None and not leaf.tensor.requires_grad
            rows.append((name, shape, "none: it is frozen" if frozen else "none", "", ""))
        elif not gradient.size:
            rows.append((name, shape, "0", "", ""))
        else:
            ends = (f"{gradient.min():.4g}", f"{gradient.max():.4g}")
            rows.append((name, shape, _norm(gradient), *ends))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _gradient(array: Any) -> str:
    return f"{array.shape} {_norm(array)}"


def _norm(array: Any) -> str:
    return f"{np.linalg.norm(array.astype(np.float64)):.4g}"


def _printable(text: str) -> str:
    """Without signs that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
