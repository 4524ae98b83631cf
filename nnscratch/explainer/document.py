"""A recording as plain data: what the page shows, kept to a size that a browser enjoys.

All text in it is plain text from the user's program, and is shown as text. The only markup is the
formulas', which are typeset here from the op table.
"""

from __future__ import annotations

import base64
import math
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import enable_grad
from nnscratch.autograd.modes import note_origins
from nnscratch.explainer.breaking import breaks
from nnscratch.explainer.checks import finite_differences, load_torch, pytorch
from nnscratch.explainer.forms import form_of
from nnscratch.explainer.program import write_program
from nnscratch.explainer.replay import implementations, timings
from nnscratch.explainer.rules import line_of, rule_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nnscratch.autograd.op import Op
    from nnscratch.autograd.tape import Node
    from nnscratch.explainer.breaking import Break
    from nnscratch.explainer.checks import Check
    from nnscratch.explainer.recording import Edge, Entry, Recording

MOST_NUMBERS = 4096
"""How many numbers of one array a page shows; statistics are of all of them."""

MOST_NUMBERS_TOGETHER = 750_000
"""How many numbers a whole page holds: 3 MB."""

FEWEST_NUMBERS = 16

MOST_OPS_TO_CHECK = 500
"""Ops of a larger recording are neither checked nor timed nor broken, nor written as a program."""

SECONDS_TO_CHECK = 5.0
"""How long the checks of all ops together may take, about."""

MOST_NUMBERS_IN_PROGRAM = 50_000
"""A program with more data than this stands in the page without them."""

BINS = 24

FEWEST_IN_HISTOGRAM = 8


def document(
    recording: Recording, title: str, kinds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that a page about a recording shows; JSON can hold it.

    Args:
        recording: what to show.
        title: what to call it.
        kinds: the class of each layer, by its name.
    """
    with np.errstate(all="ignore"), enable_grad(), note_origins(False):
        return _document(recording, title, kinds or {})


def _document(recording: Recording, title: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    limit = _numbers_for_each(recording)
    examined = len(recording.forward) <= MOST_OPS_TO_CHECK
    checked = _checks(recording) if examined else {}
    clock = timings(recording) if examined else {}
    ran = implementations(recording) if examined else {}
    entries = []
    for entry in recording.entries:
        described = _entry(entry, limit)
        if entry in clock:
            described["seconds"] = clock[entry]._asdict()
        if entry in ran:
            described["implementation"] = {
                "name": ran[entry].implementation,
                "reason": ran[entry].reason,
            }
        if entry in checked:
            described["checks"] = checked[entry]
        entries.append(described)
    return {
        "version": 1,
        "title": title,
        "made": {name: _version(name) for name in ("nnscratch", "numpy", "torch")},
        "leftOut": _left_out(recording, examined, len(checked)),
        "entries": entries,
        "edges": [_edge(edge, limit) for edge in recording.edges],
        "forward": [entry.index for entry in recording.forward],
        "backward": [entry.index for entry in recording.backward],
        "loss": recording.loss.index,
        "layers": _layers(recording, kinds),
        "breaks": [_break(one, limit) for one in breaks(recording)] if examined else [],
        "program": _program(recording, examined),
        "run": None,
    }


def _checks(recording: Recording) -> dict[Entry, dict[str, Any]]:
    """Both checks of each op, the last ones first, as many as there is time for."""
    load_torch()  # which takes longer than most checks
    end = perf_counter() + SECONDS_TO_CHECK
    found: dict[Entry, dict[str, Any]] = {}
    for entry in recording.backward:
        if perf_counter() > end:
            break
        found[entry] = {
            "finite": _check(finite_differences(entry)),
            "torch": _check(pytorch(entry)),
        }
    return found


def _program(recording: Recording, examined: bool) -> str:
    """The backward pass as a program, or why there is none."""
    if not examined:
        return (
            f"# With more than {MOST_OPS_TO_CHECK} ops the program is too long for a page: "
            f"ns.backward_source(loss) writes it.\n"
        )
    try:
        return write_program(recording, MOST_NUMBERS_IN_PROGRAM)
    except NotImplementedError as error:
        return f"# {error}\n"


def array(values: Any, limit: int = MOST_NUMBERS) -> dict[str, Any] | None:
    """An array as text: its numbers in float32, or a corner of them, and statistics of all.

    Args:
        values: any array; None stays None.
        limit: how many numbers to keep.
    """
    if values is None:
        return None
    with np.errstate(all="ignore"):  # numbers that float32 cannot hold
        return _array(np.asarray(values), limit)


def _array(numbers: Any, limit: int) -> dict[str, Any]:
    shape = numbers.shape
    flat = np.asarray(numbers, np.float64).reshape(-1)
    matrix = flat.reshape(math.prod(shape[:-1]), shape[-1]) if shape else flat.reshape(1, 1)
    rows, columns = _corner(matrix.shape, limit)
    shown = np.ascontiguousarray(matrix[:rows, :columns], "<f4")
    finite = flat[np.isfinite(flat)]
    return {
        "shape": list(shape),
        "dtype": str(numbers.dtype),
        "rows": rows,
        "columns": columns,
        "data": base64.b64encode(shown.tobytes()).decode("ascii"),
        "truncated": shown.size < flat.size,
        "norm": _rounded(np.linalg.norm(flat)),
        "min": _rounded(flat.min()) if flat.size else None,
        "max": _rounded(flat.max()) if flat.size else None,
        "mean": _rounded(flat.mean()) if flat.size else None,
        "zeros": float(np.mean(flat == 0)) if flat.size else 0.0,
        "notFinite": int(flat.size - finite.size),
        "histogram": _histogram(finite),
    }


def number(value: Any) -> float | str:
    """A number that JSON can hold: what is not finite as text."""
    plain = float(value)
    if math.isnan(plain):
        return "NaN"
    if math.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _rounded(value: Any) -> float | str:
    """A number with the nine digits that a page may show."""
    return number(f"{value:.9g}")


def _corner(shape: tuple[int, ...], limit: int) -> tuple[int, int]:
    """How many rows and columns to show: all, or a corner that is not a needle."""
    rows, columns = shape
    if rows * columns <= limit:
        return rows, columns
    side = math.isqrt(limit)
    if columns <= side:
        return limit // columns, columns
    if rows <= side:
        return rows, limit // rows
    return side, side


def _histogram(finite: Any) -> dict[str, Any] | None:
    if finite.size < FEWEST_IN_HISTOGRAM or not np.isfinite(finite.max() - finite.min()):
        return None
    counts, edges = np.histogram(finite, BINS)
    return {"edges": [float(edges[0]), float(edges[-1])], "counts": counts.tolist()}


def _numbers_for_each(recording: Recording) -> int:
    """The limit for one array that keeps all together within theirs."""
    sizes = [entry.value.size for entry in recording.entries] * 2
    sizes += [edge.contribution.size for edge in recording.edges if edge.contribution is not None]
    sizes += [leaf.value.size for leaf in recording.leaves] * 14  # seven mistakes, right and wrong
    limit = MOST_NUMBERS
    while (
        limit > FEWEST_NUMBERS and sum(min(limit, size) for size in sizes) > MOST_NUMBERS_TOGETHER
    ):
        limit //= 2
    return limit


def _entry(entry: Entry, limit: int) -> dict[str, Any]:
    node, origin = entry.node, entry.origin
    described: dict[str, Any] = {
        "id": entry.index,
        "kind": entry.kind,
        "label": entry.label,
        "op": entry.op,
        "layer": entry.layer,
        "inputs": [edge.index for edge in entry.inputs],
        "value": array(entry.value, limit),
        "gradient": array(entry.gradient, limit),
        "trainable": entry.tensor.requires_grad
        if entry.kind == "parameter" and entry.tensor is not None
        else None,
        "seconds": None,
        "implementation": None,
        "checks": None,
    }
    if node is not None:
        described |= {
            "parameters": _parameters(entry, node),
            "form": form_of(entry),
            **_texts(node.op),
        }
        if len(entry.outputs) > 1:
            described["results"] = [
                {"value": array(value, limit), "gradient": array(gradient, limit)}
                for value, gradient in zip(entry.outputs, entry.gradients, strict=True)
            ]
    described["origin"] = (
        {"file": _file(origin.filename), "line": origin.line, "text": line_of(origin)}
        if origin
        else None
    )
    return described


def _parameters(entry: Entry, node: Node) -> dict[str, str]:
    """What an op was told besides numbers, as text."""
    names = node.op.names
    others = {
        names[place] if place < len(names) else f"argument {place}": value
        for place, value in entry.others.items()
    }
    return {name: _short(value) for name, value in {**others, **node.params}.items()}


@cache
def _texts(op: Op) -> dict[str, str | None]:
    return {
        "formula": _typeset(op.formula),
        "derivative": _typeset(op.derivative),
        "rule": rule_source(op),
    }


def _typeset(latex: str) -> str | None:
    from latex2mathml.converter import convert

    return convert(latex, display="block") if latex else None


def _edge(edge: Edge, limit: int) -> dict[str, Any]:
    return {
        "id": edge.index,
        "source": edge.source.index,
        "target": edge.target.index,
        "argument": edge.argument,
        "output": edge.output,
        "contribution": array(edge.contribution, limit),
        "before": array(edge.before, limit),
    }


def _layers(recording: Recording, kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    layers: dict[str, list[int]] = {}
    for entry in recording.entries:
        if entry.layer is not None:
            layers.setdefault(entry.layer, []).append(entry.index)
    return [
        {"name": name, "kind": kinds.get(name), "entries": entries}
        for name, entries in layers.items()
    ]


def _break(one: Break, limit: int) -> dict[str, Any]:
    return {
        "key": one.key,
        "title": one.title,
        "says": one.says,
        "why": one.why_not,
        "gradients": [
            {
                "entry": leaf.index,
                "right": array(leaf.gradient, limit),
                "wrong": array(gradient, limit),
                "error": one.errors.get(leaf),
            }
            for leaf, gradient in _with_errors(one)
        ],
        "losses": {
            "right": [number(loss) for loss in one.right_losses],
            "wrong": [number(loss) for loss in one.wrong_losses],
        }
        if one.wrong_losses
        else None,
    }


def _with_errors(one: Break) -> Iterable[tuple[Entry, Any]]:
    leaves = dict.fromkeys(one.errors) | one.gradients
    return leaves.items()


def _check(check: Check | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {"ok": check.ok, "error": number(check.error), "text": check.text}


def _left_out(recording: Recording, examined: bool, checked: int) -> str | None:
    sentences = []
    if recording.left_out:
        sentences.append(
            f"The graph has {len(recording.forward) + recording.left_out} ops; the "
            f"{len(recording.forward)} nearest to the loss are shown, {recording.left_out} are "
            f"left out."
        )
    if not examined:
        sentences.append(
            f"With more than {MOST_OPS_TO_CHECK} ops the rules are not checked, timed or broken."
        )
    elif checked < len(recording.backward):
        sentences.append(
            f"Only the {checked} ops nearest to the loss were checked, since to check all would "
            f"take more than {SECONDS_TO_CHECK:.0f} seconds."
        )
    return " ".join(sentences) or None


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > FEWEST_NUMBERS:
        return f"{value.dtype} of shape {value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _file(path: str) -> str:
    """The last part of a path: whose folders they are is nobody's business."""
    return path.replace("\\", "/").rpartition("/")[2]


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
