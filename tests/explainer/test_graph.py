"""The graph as SVG, DOT and Mermaid: complete, laid out without overlaps, and safe."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.layout import layout
from nnscratch.explainer.recording import record_tape

SVG = "{http://www.w3.org/2000/svg}"


def small_loss() -> ns.Tensor:
    x = ns.Tensor(np.ones((2, 3)), requires_grad=True)
    h = np.tanh(x * 2 + x)
    return np.mean(h * h + x)


def network_loss(name: str | None = None) -> ns.Tensor:
    model = ns.Sequential(
        [
            ns.layers.Dense(4, "relu", input_shape=(3,), name=name),
            ns.layers.LayerNormalization(),
            ns.layers.Dense(2),
        ]
    )
    return np.mean(np.square(model(np.ones((5, 3)))))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_svg_holds_every_node_and_edge():
    loss = small_loss()
    recording = record_tape(loss)
    root = ElementTree.fromstring(ns.graph(loss).svg)
    assert len(list(root.iter(f"{SVG}rect"))) == len(recording.entries)
    arrows = [path for path in root.iter(f"{SVG}path") if "marker-end" in path.attrib]
    assert len(arrows) == len({(edge.source, edge.target) for edge in recording.edges})
    names = texts(ns.graph(loss).svg)
    for entry in recording.entries:
        assert entry.label in names or entry is recording.loss
    assert "loss" in names
    assert "mean ()" in names


def test_the_users_names_stand_in_it():
    weights = ns.Tensor(np.ones((3, 2)), requires_grad=True)
    hidden = np.ones((4, 3)) @ weights
    total = hidden.sum()
    assert {"weights", "hidden", "total"} <= set(texts(ns.graph(total).svg))


@pytest.mark.parametrize("make", [small_loss, network_loss])
def test_nodes_do_not_overlap_and_edges_go_down(make):
    recording = record_tape(make())
    places, paths, (width, height) = layout(recording, dict.fromkeys(recording.entries, 90.0))
    for one, other in combinations(places.values(), 2):
        if one.y == other.y:
            assert abs(one.x - other.x) >= 90
    for edge in recording.edges:
        assert places[edge.source].y < places[edge.target].y
    for place in places.values():
        assert place.width / 2 <= place.x <= width - place.width / 2
        assert place.height / 2 <= place.y <= height - place.height / 2
    assert len(paths) == len({(edge.source, edge.target) for edge in recording.edges})


def test_a_chain_is_straight():
    x = ns.Tensor(np.ones(3), requires_grad=True)
    recording = record_tape(np.sum(np.exp(np.sin(x))))
    places, _, _ = layout(recording, dict.fromkeys(recording.entries, 80.0))
    assert len({round(place.x, 3) for place in places.values()}) == 1


def test_dot_holds_every_node_edge_and_layer():
    loss = network_loss()
    recording = record_tape(loss)
    dot = ns.graph(loss).dot
    assert len(re.findall(r"^ *n\d+ \[label=", dot, re.MULTILINE)) == len(recording.entries)
    edges = {(int(a), int(b)) for a, b in re.findall(r"n(\d+) -> n(\d+);", dot)}
    assert edges == {(e.source.index, e.target.index) for e in recording.edges}
    assert dot.count("subgraph cluster_") == 3
    assert dot.count("{") == dot.count("}")


def test_mermaid_holds_every_node_edge_and_layer():
    loss = network_loss()
    recording = record_tape(loss)
    mermaid = ns.graph(loss).mermaid
    assert mermaid.startswith("flowchart TD\n")
    edges = {(int(a), int(b)) for a, b in re.findall(r"n(\d+) --> n(\d+)$", mermaid, re.MULTILINE)}
    assert edges == {(e.source.index, e.target.index) for e in recording.edges}
    assert mermaid.count("subgraph") == mermaid.count("\n  end\n") == 3


HOSTILE = [
    '<script>alert("x")</script>',
    '"]; node [label="owned"]; "',
    '"] --> evil["',
    "a\nend\nn0 --> n1",
    "back\\slash\\n",
    "#quot;&lt;&amp;",
    "nul\x00bell\x07\x1b[31m",
    "]]>--><!--",
    "{{x}}",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    graph = ns.graph(network_loss(name))
    plain, hostile = ns.graph(network_loss("plain")), graph
    # The same markup as for a plain name, however it is counted.
    tags = [[e.tag for e in ElementTree.fromstring(g.svg).iter()] for g in (plain, hostile)]
    assert tags[0] == tags[1]
    assert len(plain.dot.splitlines()) == len(hostile.dot.splitlines())
    assert len(plain.mermaid.splitlines()) == len(hostile.mermaid.splitlines())
    (label,) = re.findall(r'layer\d+\["(.*?)"\]$', hostile.mermaid, re.MULTILINE)[:1]
    assert re.fullmatch(r"(?:[\w .,()=-]|#\d+;|\ufffd)*", label)
    decoded = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), label)
    assert decoded == "".join(c if c.isprintable() else "\ufffd" for c in name)
    (quoted,) = re.findall(
        r'cluster_\d+ \{\n    label="((?:[^"\\]|\\.)*)";$', hostile.dot, re.MULTILINE
    )[:1]
    assert quoted.replace('\\"', '"').replace("\\\\", "\\") == decoded


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_weight_names_stay_text(name):
    weight = ns.Parameter(np.ones(3), name=name)
    graph = ns.graph(np.sum(weight * 2))
    ElementTree.fromstring(graph.svg)
    assert "<script" not in graph.svg
    (label,) = re.findall(r'^  n0 \[label="((?:[^"\\]|\\.)*)", shape', graph.dot, re.MULTILINE)
    assert "\n" not in label


def test_a_notebook_shows_the_picture():
    graph = ns.graph(small_loss())
    assert graph._repr_svg_() == graph.svg
    assert "ops" in repr(graph)


def test_saving_by_the_ending(tmp_path):
    graph = ns.graph(small_loss())
    for ending, text in {
        "svg": graph.svg,
        "dot": graph.dot,
        "gv": graph.dot,
        "mmd": graph.mermaid,
        "md": f"```mermaid\n{graph.mermaid}```\n",
    }.items():
        path = graph.save(tmp_path / f"graph.{ending}")
        assert path.read_text(encoding="utf-8") == text
    with pytest.raises(ValueError, match=r"saved as \.svg"):
        graph.save(tmp_path / "graph.png")
    with pytest.raises(FileNotFoundError):
        graph.save(tmp_path / "no folder" / "graph.svg")


def test_a_long_tape_is_laid_out_in_time_and_space():
    """An input that 1,000 ops use would have half a million places to pass through."""
    x = ns.Tensor(np.ones(2), requires_grad=True)
    y: Any = x
    for _ in range(1000):
        y = np.sin(y) * x
    svg = ns.graph(y.sum()).svg
    assert len(svg) < 2_000_000
