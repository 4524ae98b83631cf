"""A recording as plain data: what the page shows, kept to a size that a browser enjoys.

All text in it is plain text from the user's program, and is shown as text. The only markup is the
formulas', which are typeset here from the op table.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import enable_grad
from nnscratch.autograd.modes import note_origins
from nnscratch.explainer.arrays import FEWEST_NUMBERS, MOST_NUMBERS, array, number
from nnscratch.explainer.breaking import breaks
from nnscratch.explainer.checks import finite_differences, load_torch, pytorch
from nnscratch.explainer.described_breaks import describe_break, sizes_of_break
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
    from nnscratch.explainer.forms.expression import Form
    from nnscratch.explainer.forms.movement import Moved
    from nnscratch.explainer.recording import Edge, Entry, Recording

MOST_NUMBERS_TOGETHER = 750_000
"""How many numbers a whole page holds: 3 MB."""

MOST_OPS_TO_CHECK = 500
"""Ops of a larger recording are neither checked nor timed nor broken, nor written as a program."""

SECONDS_TO_CHECK = 5.0
"""How long the checks of all ops together may take, about."""

MOST_NUMBERS_IN_PROGRAM = 50_000
"""A program with more data than this stands in the page without them."""


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
    examined = len(recording.forward) <= MOST_OPS_TO_CHECK
    found = breaks(recording) if examined else []
    forms = {entry: form_of(entry) for entry in recording.forward}
    different_forms, place_of_form = _without_repeats(forms)
    limit = _numbers_for_each(recording, found, forms.values())
    checked = _checks(recording) if examined else {}
    clock = timings(recording) if examined else {}
    ran = implementations(recording) if examined else {}
    entries = []
    for entry in recording.entries:
        described = _entry(entry, limit)
        if entry in forms:
            described["form"] = place_of_form[entry]
            described["known"] = {
                name: {"label": label, "array": array(values, limit)}
                for name, (label, values) in forms[entry].known.items()
            }
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
        "ops": {op.name: _texts(op) for op in _ops(recording)},
        "forms": different_forms,
        "forward": [entry.index for entry in recording.forward],
        "backward": [entry.index for entry in recording.backward],
        "loss": recording.loss.index,
        "layers": _layers(recording, kinds),
        "breaks": [describe_break(one, limit) for one in found],
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


def _numbers_for_each(
    recording: Recording, found: Iterable[Break], forms: Iterable[Form | Moved]
) -> int:
    """The limit for one array that keeps all together within theirs."""
    sizes = [entry.value.size for entry in recording.entries] * 2
    sizes += [edge.contribution.size for edge in recording.edges if edge.contribution is not None]
    sizes += [known.values.size for form in forms for known in form.known.values()]
    sizes += [size for one in found for size in sizes_of_break(one)]
    limit = MOST_NUMBERS
    while (
        limit > FEWEST_NUMBERS and sum(min(limit, size) for size in sizes) > MOST_NUMBERS_TOGETHER
    ):
        limit //= 2
    return limit


def _without_repeats(
    forms: Mapping[Entry, Form | Moved],
) -> tuple[list[dict[str, Any]], dict[Entry, int]]:
    """Every form once, and which of them each op has: on a long tape most are equal."""
    texts = {entry: json.dumps(form.plain()) for entry, form in forms.items()}
    places = {text: place for place, text in enumerate(dict.fromkeys(texts.values()))}
    return [json.loads(text) for text in places], {
        entry: places[text] for entry, text in texts.items()
    }


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
        }
        if len(entry.outputs) > 1:
            described["results"] = [
                {"value": array(value, limit), "gradient": array(gradient, limit)}
                for value, gradient in zip(entry.outputs, entry.gradients, strict=True)
            ]
    described["origin"] = (
        {"file": _file(origin.file), "line": origin.line, "text": line_of(origin)}
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


def _ops(recording: Recording) -> Iterable[Op]:
    """The ops of a recording, each once."""
    return dict.fromkeys(entry.node.op for entry in recording.forward if entry.node is not None)


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
