"""The graph of a loss as a picture: SVG, and the texts that Graphviz and Mermaid draw.

Whatever a label holds is text in each of the three: none of its letters is read as a command.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nnscratch.explainer.layout import layout

if TYPE_CHECKING:
    from nnscratch.explainer.layout import Place
    from nnscratch.explainer.recording import Entry, Recording

_DOT = {
    "parameter": 'shape=box, style="rounded,filled", fillcolor="#f6d9a8"',
    "variable": 'shape=box, style="rounded,filled", fillcolor="#f6d9a8"',
    "input": 'shape=box, style="filled", fillcolor="#cfe3f5"',
    "constant": "shape=plaintext",
    "op": 'shape=ellipse, style="filled", fillcolor="#e4e4e9"',
}

_MERMAID = {
    "parameter": ("([", "])"),
    "variable": ("([", "])"),
    "input": ("[", "]"),
    "constant": ("[", "]"),
    "op": ("(", ")"),
}

_STYLE = """
.nnscratch-graph { font: 13px system-ui, sans-serif; --ink: #1d1d23; --line: #85858f;
  --parameter: #fbe3b9; --input: #d5e7f7; --op: #ececf1; background: none; }
.nnscratch-graph text { fill: var(--ink); text-anchor: middle; }
.nnscratch-graph .small { font-size: 11px; opacity: 0.75; }
.nnscratch-graph path { fill: none; stroke: var(--line); stroke-width: 1.2; }
.nnscratch-graph marker path { fill: var(--line); stroke: none; }
.nnscratch-graph rect { stroke: var(--line); }
.nnscratch-graph .parameter, .nnscratch-graph .variable { fill: var(--parameter); }
.nnscratch-graph .input { fill: var(--input); }
.nnscratch-graph .op { fill: var(--op); }
.nnscratch-graph .loss { fill: var(--op); stroke-width: 2.5; }
.nnscratch-graph .constant { fill: none; stroke: none; }
@media (prefers-color-scheme: dark) {
  .nnscratch-graph { --ink: #ededf2; --line: #8d8d99; --parameter: #5f4a1f; --input: #24435f;
    --op: #34343d; }
}
"""


class Graph:
    """The graph of a loss; `ns.graph(loss)` makes it.

    Leaves stand at the top and the loss at the bottom. Parameters have round corners, inputs
    square ones, ops are ovals; the loss has a heavy rim.
    """

    def __init__(self, recording: Recording) -> None:
        """Draw what was recorded."""
        self._recording = recording

    def __repr__(self) -> str:
        """Say how large it is."""
        return f"<Graph of {len(self._recording.forward)} ops: .svg, .dot, .mermaid, .save(path)>"

    @property
    def dot(self) -> str:
        """The graph for Graphviz: `dot -Tsvg graph.dot`."""
        recording = self._recording
        lines = ["digraph {", "  node [fontname=sans];"]
        for layer, entries in _by_layer(recording):
            lines.append(f"  subgraph cluster_{len(lines)} {{")
            lines.append(f"    label={_dot_text(layer)};")
            lines += [f"    {_dot_node(entry)}" for entry in entries]
            lines.append("  }")
        lines += [f"  {_dot_node(entry)}" for entry in recording.entries if entry.layer is None]
        lines += [f"  n{edge.source.index} -> n{edge.target.index};" for edge in recording.edges]
        return "\n".join([*lines, "}", ""])

    @property
    def mermaid(self) -> str:
        """The graph as a Mermaid flowchart, which GitHub draws by itself."""
        recording = self._recording
        lines = ["flowchart TD"]
        for layer, entries in _by_layer(recording):
            lines.append(f"  subgraph layer{len(lines)}[{_mermaid_text(layer)}]")
            lines += [f"    {_mermaid_node(entry)}" for entry in entries]
            lines.append("  end")
        lines += [f"  {_mermaid_node(e)}" for e in recording.entries if e.layer is None]
        lines += [f"  n{edge.source.index} --> n{edge.target.index}" for edge in recording.edges]
        return "\n".join([*lines, ""])

    @property
    def svg(self) -> str:
        """The graph as a picture that stands by itself, in light and in dark."""
        entries = self._recording.entries
        labels = {entry: _labels(entry) for entry in entries}
        for entry in self._recording.forward:  # boxes around layers would need a layout of theirs
            if entry.layer is not None and entry.layer != entry.label:
                labels[entry][-1] += f" in {_short(entry.layer)}"
        widths = {entry: 24 + _text_width(*labels[entry]) for entry in entries}
        places, paths, (width, height) = layout(self._recording, widths)
        loss = self._recording.loss
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="nnscratch-graph" role="img" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">',
            f"<title>{_xml_text(f'Graph of {loss.label}')}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="nnscratch-arrow" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
            "</defs>",
            *(f'<path d="{path}" marker-end="url(#nnscratch-arrow)"/>' for path in paths),
            *(_svg_node(e, places[e], labels[e], e is loss) for e in entries),
            "</svg>",
        ]
        return "\n".join(parts)

    def _repr_svg_(self) -> str:
        """The picture inside a notebook."""
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write a file whose ending says what it holds: .svg, .dot (or .gv), .mmd or .md.

        Raises:
            ValueError: another ending.
            OSError: the file cannot be written.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending == ".svg":
            text = self.svg
        elif ending in (".dot", ".gv"):
            text = self.dot
        elif ending == ".mmd":
            text = self.mermaid
        elif ending == ".md":
            text = f"```mermaid\n{self.mermaid}```\n"
        else:
            raise ValueError(
                f"A graph is saved as .svg, .dot, .gv, .mmd or .md, got {str(path)!r}: choose one "
                f"of these endings."
            )
        target.write_text(text, encoding="utf-8")
        return target


def _by_layer(recording: Recording) -> list[tuple[str, list[Entry]]]:
    layers: dict[str, list[Entry]] = {}
    for entry in recording.entries:
        if entry.layer is not None:
            layers.setdefault(entry.layer, []).append(entry)
    return list(layers.items())


def _labels(entry: Entry) -> list[str]:
    """What stands in a node: its name, and below what it is."""
    if entry.kind == "constant":
        return [_short(entry.label)]
    shape = str(tuple(entry.value.shape))
    own = entry.op if entry.op != entry.label else None
    return [_short(entry.label), f"{own} {shape}" if own else shape]


def _text_width(name: str, small: str = "") -> float:
    """About how many pixels the lines of a node take."""
    return max(7.6 * len(name), 6.3 * len(small))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _dot_node(entry: Entry) -> str:
    return f"n{entry.index} [label={_dot_text(*_labels(entry))}, {_DOT[entry.kind]}];"


def _dot_text(*lines: str) -> str:
    """A quoted string of Graphviz; only the breaks between the lines are commands."""
    quoted = [_printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(quoted) + '"'


def _mermaid_node(entry: Entry) -> str:
    opening, closing = _MERMAID[entry.kind]
    return f"n{entry.index}{opening}{_mermaid_text(*_labels(entry))}{closing}"


def _mermaid_text(*lines: str) -> str:
    """A quoted string of Mermaid: every sign that could mean something stands as its number."""
    quoted = [
        re.sub(r"[^\w .,()=-]", lambda m: f"#{ord(m[0])};", _printable(line)) for line in lines
    ]
    return '"' + "<br>".join(quoted) + '"'


def _xml_text(text: str) -> str:
    return (
        _printable(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


def _printable(text: str) -> str:
    """Without signs that XML forbids, or that end a line."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _svg_node(entry: Entry, place: Place, labels: list[str], is_loss: bool) -> str:
    x, y, width, height = place
    radius = {"parameter": 10, "variable": 10, "op": height / 2}.get(entry.kind, 0)
    top = y + 4.5 - 7.5 * (len(labels) - 1)
    lines = [
        f'<text class="{kind}" x="{x:.1f}" y="{top + 15 * i:.1f}">{_xml_text(label)}</text>'
        for i, (kind, label) in enumerate(zip(("name", "small"), labels, strict=False))
    ]
    return (
        f'<rect class="{"loss" if is_loss else entry.kind}" x="{x - width / 2:.1f}" '
        f'y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.0f}"/>'
        + "".join(lines)
    )
