"""What a notebook shows of a tensor."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np

import nnscratch as ns


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def tags_of(text: str) -> set[str]:
    parser = Tags()
    parser.feed(text)
    return set(parser.tags)


def test_shape_dtype_numbers_and_gradient():
    x = ns.Tensor(np.array([1.5, -2.0], np.float32), requires_grad=True)
    (x * x).sum().backward()
    text = unescape(x._repr_html_())
    assert "shape (2,), float32, on cpu, requires a gradient" in text
    assert repr(x) in text
    assert repr(x.grad) in text
    assert "made by" not in text.replace(repr(x), "").replace(repr(x.grad), "")


def test_how_it_came_about():
    layer = ns.layers.Dense(2, name="head")
    text = unescape(layer(np.ones((3, 4)))._repr_html_())
    assert re.search(r"dense \(3, 2\) in layer 'head' \(called at .*test_cell.py:\d+\)", text)
    assert "parameter kernel (4, 2)" in text
    assert "array (3, 4)" in text


def test_after_backward_the_past_is_gone():
    x = ns.Tensor(np.ones(2), requires_grad=True)
    loss = np.exp(x).sum()
    loss.backward()
    assert "freed by backward" in loss._repr_html_()


def test_a_large_graph_is_cut():
    x = ns.Tensor(np.ones(2), requires_grad=True)
    parts = [x * i for i in range(500)]
    text = ns.ops.stack(parts).sum()._repr_html_()
    assert "…" in text
    assert text.count("\n") < 40


def test_nothing_of_the_users_is_markup():
    hostile = "<img src=x onerror=alert(1)>"
    layer = ns.layers.Dense(2, name=hostile)
    y = layer(np.ones((1, 3)))
    layer.kernel.name = hostile
    for tensor in (y, layer.kernel):
        assert tags_of(tensor._repr_html_()) == {"table", "tr", "th", "td", "pre"}
        assert hostile in unescape(tensor._repr_html_())


def test_a_loss_shows_its_page():
    x = ns.Tensor(np.ones(3), requires_grad=True)
    loss = np.square(x).sum()
    shown = loss._repr_html_()
    assert tags_of(shown) == {"table", "tr", "th", "td", "pre", "iframe"}
    assert "<!doctype html>" in unescape(shown)
    assert x.grad is None
    loss.backward()
    assert "iframe" not in tags_of(loss._repr_html_())
    assert "iframe" not in tags_of(np.square(x)._repr_html_())
    many = x.sum()
    for _ in range(200):
        many = many * 1.01
    assert "iframe" not in tags_of(many._repr_html_())
