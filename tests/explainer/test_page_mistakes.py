"""Mistakes on the page: wrong beside right at every node and edge on the way."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.recording import record_tape
from tests.explainer import samples
from tests.explainer.reading import (
    choose,
    go_to,
    named,
    number,
    numbers_of,
    open_tab,
    section,
    settle,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from nnscratch.explainer.recording import Recording
    from tests.explainer.reading import Open


def switch_on(page: Page, title: str) -> None:
    open_tab(page, "Break it")
    page.get_by_role("switch", name=title).click()


ASSIGN, DEPTH_FIRST = "Assign instead of accumulate", "Depth-first instead of topological order"


@cache
def fork() -> Recording:
    """b = 2 a; loss = b + b²: the shares of the square reach b when depth-first has left it."""
    a = ns.Tensor(1.5, requires_grad=True)
    b = a * 2
    c = b * b
    loss = b + c
    return record_tape(loss, {id(a): "a", id(b): "b", id(c): "c", id(loss): "loss"})


def test_the_whole_graph_is_still_seen_below_the_banner(show: Open):
    with show(samples.arrays()) as page:
        switch_on(page, ASSIGN)
        settle(page)
        around = page.locator("#viewport").bounding_box()
        assert around
        for node in page.locator(".node").all():
            box = node.bounding_box()
            assert box
            assert around["y"] <= box["y"]
            assert box["y"] + box["height"] <= around["y"] + around["height"]


def test_a_mistake_shows_wrong_beside_right(show: Open):
    recording = samples.arrays()
    described = samples.described(recording)
    broken = next(one for one in described["breaks"] if one["key"] == "assign")
    W = named(recording, "W")
    wrong = next(g["wrong"] for g in broken["gradients"] if g["entry"] == W.index)
    with show(recording) as page:
        open_tab(page, "Break it")
        switch = page.get_by_role("switch", name=broken["title"])
        assert switch.get_attribute("aria-checked") == "false"
        switch.click()
        assert switch.get_attribute("aria-checked") == "true"
        card = page.locator(".break.on")
        assert broken["says"] in card.inner_text()
        compared = card.locator('[data-label="W"]')
        text = compared.locator(".equation").inner_text()
        right_norm, wrong_norm = (number(part) for part in re.findall(r"([−\d.e]+) (?:r|w)", text))
        assert right_norm == pytest.approx(np.linalg.norm(W.gradient), rel=1e-3)
        assert wrong_norm == pytest.approx(wrong["norm"], rel=1e-3)
        figures = [
            [number(cell) for cell in figure.locator("td").all_inner_texts()]
            for figure in compared.locator("figure").all()
        ]
        assert figures[0] == pytest.approx(list(W.gradient.flat), rel=6e-3)
        assert figures[1] == pytest.approx(list(numbers_of(wrong)), rel=6e-3)
        assert card.get_by_role("img", name=re.compile("^Loss")).is_visible()
        ends = card.locator(".keys-of-chart").inner_text()
        assert [number(part) for part in re.findall(r"at ([−\d.e]+)", ends)] == pytest.approx(
            [broken["losses"][what][-1] for what in ("right", "wrong")], rel=1e-3
        )
        in_graph = page.locator(f"#entry-{W.index} .gradient")
        assert number(in_graph.text_content().strip("∂ ‖✗")) == pytest.approx(
            wrong["norm"], rel=2e-3
        )
        page.get_by_role("button", name="Put right").click()
        assert number(in_graph.text_content().strip("∂ ‖")) == pytest.approx(
            np.linalg.norm(W.gradient), rel=2e-3
        )


def test_a_mistake_that_changes_nothing_says_why(show: Open):
    recording = samples.network()
    with show(recording) as page:
        open_tab(page, "Break it")
        for broken in samples.described(recording)["breaks"]:
            switch = page.get_by_role("switch", name=broken["title"])
            assert switch.is_disabled() == (broken["why"] is not None)
            if broken["why"]:
                assert page.get_by_text(broken["why"]).is_visible()
            else:
                switch.click()
                assert page.locator(".break.on").count() == 1


def test_a_gradient_that_does_not_fit_says_so(show: Open):
    recording = samples.arrays()
    with show(recording) as page:
        open_tab(page, "Break it")
        page.get_by_role("switch", name="Broadcasting not undone").click()
        assert "does not fit" in page.locator('.break.on [data-label="b"]').inner_text()


def test_one_sees_where_a_share_is_lost_and_from_where_on_it_is_wrong(show: Open):
    """h = tanh(x W + b) is used three times; with = only the last share stays."""
    recording = samples.arrays()
    h = named(recording, "h")
    spoilt = {"h", "add", "matmul", "W", "b"}
    with show(recording) as page:
        switch_on(page, ASSIGN)
        page.locator(".node.wrong").first.wait_for()
        names = page.locator(".node.wrong .name").all_text_contents()
        assert {name.split(" = ")[0] for name in names} == spoilt
        flags = {
            f.locator("xpath=..").get_attribute("id"): f.text_content()
            for f in page.locator(".flag").all()
            if f.text_content()
        }
        assert flags == {f"entry-{h.index}": "✗ share lost"}
        broken = next(one for one in samples.described(recording)["breaks"] if one["losses"])
        assert {one["why"] for one in broken["lost"]} == {"overwritten"}
        lost = [edge.get_attribute("data-edge") for edge in page.locator(".edge.lost").all()]
        assert sorted(lost) == sorted(f"edge-{one['edge']}" for one in broken["lost"])
        assert len(lost) == len(h.uses) - 1
        for item in page.locator(".edge.lost").all():
            assert item.locator(".label").text_content() == "✗ lost"
        begins = page.locator('[data-label="Where it begins"]')
        assert "5 of 8 gradients differ" in begins.inner_text()
        assert begins.locator("li").count() == 2
        spoken = page.locator(f"#entry-{h.index}").get_attribute("aria-label")
        assert "wrong gradient" in spoken
        assert "share lost" in spoken
        page.get_by_role("button", name="Put right").click()
        assert page.locator(".node.wrong, .edge.lost, .edge.wrong").count() == 0
        assert not any(page.locator(".flag").all_text_contents())


def test_a_node_shows_its_wrong_gradient_and_what_became_of_each_share(show: Open):
    recording = samples.arrays()
    h = named(recording, "h")
    broken = next(one for one in samples.described(recording)["breaks"] if one["key"] == "assign")
    (wrong,) = [one["wrong"] for one in broken["gradients"] if one["entry"] == h.index]
    with show(recording) as page:
        switch_on(page, ASSIGN)
        choose(page, h)
        part = section(page, "Gradient, right and wrong")
        right, other = (
            [number(cell) for cell in figure.locator("td").all_inner_texts()]
            for figure in part.locator("figure").all()
        )
        assert right == pytest.approx(list(h.gradient.flat), rel=6e-3)
        assert other == pytest.approx(list(numbers_of(wrong)), rel=6e-3)
        shares = part.get_by_role("list", name="Shares").get_by_role("listitem")
        assert shares.count() == 3
        lost = [text for text in shares.all_inner_texts() if "✗" in text]
        assert len(lost) == 2
        assert all("the next share takes its place" in text for text in lost)


def test_an_edge_shows_its_wrong_share_beside_the_right_one(show: Open):
    recording = samples.arrays()
    W = named(recording, "W")
    (edge,) = W.uses
    with show(recording) as page:
        switch_on(page, "No 1/N in the loss")
        choose(page, W)
        page.get_by_role("button", name="Edge to matmul").first.click()
        part = page.locator('[data-label="Done wrong"]')
        right, wrong = (
            np.array([number(cell) for cell in figure.locator("td").all_inner_texts()])
            for figure in part.locator("figure").all()
        )
        assert right == pytest.approx(edge.contribution.ravel(), rel=6e-3)
        assert wrong == pytest.approx(8 * edge.contribution.ravel(), rel=6e-3)
        assert "× 8" in part.inner_text()
        page.get_by_role("button", name="Put right").click()
        assert part.count() == 0


def test_depth_first_says_what_came_too_late(show: Open):
    recording = fork()
    b, c = named(recording, "b"), named(recording, "c")
    with show(recording) as page:
        switch_on(page, DEPTH_FIRST)
        choose(page, b)
        text = section(page, "Gradient, right and wrong").inner_text()
        assert "7 right, 1 wrong" in text
        assert text.count("comes too late: b has been visited by then") == 2
        go_to(page, 3 + recording.backward.index(c) + 1)
        said = page.locator("#sentence").inner_text()
        assert "What c sends comes too late" in said
        go_to(page, 6)
        said = page.locator("#sentence").inner_text()
        assert "With the mistake it has 1, not 7." in said
        assert page.locator(f"#entry-{b.index} .gradient").text_content() == "∂ 1 ✗"
        go_to(page, 2)  # the forward pass: no gradient yet, nothing that could be wrong
        assert page.locator(".node.wrong").count() == 0


def test_a_mistake_in_the_weights_shows_what_becomes_of_the_values(show: Open):
    recording = samples.network()
    tanh = next(entry for entry in recording.entries if entry.op == "tanh")
    broken = next(
        one for one in samples.described(recording)["breaks"] if one["key"] == "saturated"
    )
    (wrong,) = [one["wrong"] for one in broken["values"] if one["entry"] == tanh.index]
    with show(recording) as page:
        switch_on(page, broken["title"])
        choose(page, tanh)
        part = page.locator('[data-label="Value, right and wrong"]')
        text = part.locator(".equation").inner_text()
        right_norm, wrong_norm = (number(p) for p in re.findall(r"([−\d.e]+) (?:r|w)", text))
        assert right_norm == pytest.approx(np.linalg.norm(tanh.value), rel=1e-3)
        assert wrong_norm == pytest.approx(wrong["norm"], rel=1e-3)


def test_a_closed_layer_says_that_there_is_something_wrong_in_it(show: Open):
    with show(samples.network(12)) as page:
        switch_on(page, "A sigmoid that saturates")
        page.locator(".group.closed.wrong").first.wait_for()
        closed = page.locator(".group.closed.wrong")
        assert closed.count() > 3
        assert "wrong gradients in it" in closed.first.get_attribute("aria-label")
        assert closed.first.locator(".gradient").text_content().endswith("✗")
        closed.first.dispatch_event("click")
        assert "wrong: ×" in page.get_by_role("tabpanel").inner_text()


def test_of_large_arrays_the_same_corner_stands_side_by_side(show: Open):
    """A page holds more of the right gradient than of the wrong one."""
    random = np.random.default_rng(0)
    x, w = (ns.Tensor(random.normal(size=(60, 60)), requires_grad=True) for _ in range(2))
    h = x @ w
    recording = record_tape((h * h).mean(), {id(x): "x", id(w): "w", id(h): "h"})
    with show(recording) as page:
        switch_on(page, ASSIGN)
        choose(page, named(recording, "h"))
        part = section(page, "Gradient, right and wrong")
        captions = part.locator("figcaption").all_inner_texts()
        assert all("first 16 × 16" in caption for caption in captions)
        assert len(captions) == 2
        assert "× 0.5" in part.locator(".equation").inner_text()


def test_a_walk_that_fails_says_so_where_it_did_not_get(show: Open):
    c = ns.Tensor(np.ones((2, 1)), requires_grad=True)
    x = ns.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    recording = record_tape(np.square(x + np.reshape(c, (2,))).sum(), {id(c): "c", id(x): "x"})
    with show(recording) as page:
        switch_on(page, "Broadcasting not undone")
        assert page.locator(f"#entry-{named(recording, 'c').index} .gradient").text_content() == (
            "∂ ✗"
        )
        choose(page, named(recording, "c"))
        text = section(page, "Gradient, right and wrong").inner_text()
        assert "gets no further than reshape" in text
        assert "right, none wrong" in text
