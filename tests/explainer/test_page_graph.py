"""The graph of the page, and the steps of both passes through it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.explainer import samples
from tests.explainer.reading import go_to, named, number, of_op, settle

if TYPE_CHECKING:
    from tests.explainer.reading import Open


@pytest.mark.parametrize("name", ["tiny", "arrays", "network"])
def test_the_steps_are_the_forward_pass_and_then_the_walk(show: Open, name: str):
    recording = samples.RECORDINGS[name]()
    seen = []
    with show(recording) as page:
        expected = [*recording.forward, *recording.backward]
        for _ in expected:
            page.keyboard.press("ArrowRight")
            seen.append(page.locator(".node.active").get_attribute("id"))
        assert seen == [f"entry-{entry.index}" for entry in expected]
        page.keyboard.press("ArrowRight")
        assert page.locator("#counter").inner_text() == f"{len(expected)} / {len(expected)}"


def test_every_control_of_the_steps(show: Open):
    with show(samples.arrays()) as page:
        counter = page.locator("#counter")
        slider = page.get_by_role("slider", name="Step")

        def at(position: int) -> None:
            assert counter.inner_text() == f"{position} / 12"
            assert slider.input_value() == str(position)

        at(0)
        for name, position in [
            ("Step on", 1),
            ("Step on", 2),
            ("Step back", 1),
            ("To the end", 12),
            ("To the start", 0),
        ]:
            page.get_by_role("button", name=name).click()
            at(position)
        assert page.get_by_role("button", name="Step back").is_disabled()
        for key, position in [
            ("End", 12), ("ArrowLeft", 11), ("Home", 0), ("n", 1), ("n", 2), ("p", 1)
        ]:  # fmt: skip
            page.keyboard.press(key)
            at(position)
        slider.focus()
        for key, position in [("ArrowRight", 2), ("End", 12), ("Home", 0), ("n", 1)]:
            page.keyboard.press(key)
            at(position)


def test_playing_pauses_and_ends_by_itself(show: Open):
    with show(samples.tiny()) as page:
        page.get_by_label("Speed").select_option("very fast")
        page.locator("body").click(position={"x": 5, "y": 60})
        page.keyboard.press("Space")
        page.get_by_role("button", name="Play").wait_for()  # again, after the last step
        assert page.locator("#counter").inner_text() == "4 / 4"
        page.get_by_label("Speed").select_option("slow")
        page.get_by_role("button", name="Play").click()  # from the start
        assert page.locator("#counter").inner_text() == "0 / 4"
        page.get_by_role("button", name="Pause").click()
        assert page.get_by_role("button", name="Play").is_visible()


def test_a_step_lights_up_its_edges_and_says_what_flows(show: Open):
    with show(samples.tiny()) as page:
        status = page.locator("#sentence")
        page.keyboard.press("ArrowRight")
        assert status.inner_text() == "Forward, 1 of 2: add takes a = 3 and a = 3 and gives b = 6."
        assert page.locator(".edge.active").count() == 2
        page.keyboard.press("End")
        assert status.inner_text() == (
            "Backward, 2 of 2: add has received 2 and sends 2 to a and 2 to a. "
            "a adds them up: 2 + 2 = 4."
        )
        assert page.locator(".edge.active .label").all_text_contents() == ["2", "2"]
        assert page.locator("#entry-0 .gradient").text_content() == "∂ 2 + 2 = 4"


def test_gradients_appear_when_they_have_arrived(show: Open):
    recording = samples.arrays()
    h, product = named(recording, "h"), of_op(recording, "multiply")
    with show(recording) as page:
        gradient = page.locator(f"#entry-{h.index} .gradient")
        go_to(page, 6)  # the forward pass is done
        assert gradient.text_content() == ""
        place = recording.backward.index(product)
        go_to(page, 6 + place)
        assert gradient.text_content().endswith("…")  # the sum's share, not yet the product's
        go_to(page, 7 + place)
        assert number(gradient.text_content().strip("∂ ‖")) == pytest.approx(
            np.linalg.norm(h.gradient), rel=2e-3
        )


# --- the graph -----------------------------------------------------------------------------------


def test_layers_open_and_close_by_pointer_and_by_key(show: Open):
    with show(samples.network()) as page:
        layer = page.get_by_role("treeitem", name=re.compile("^dense_1, layer"))
        inside = page.get_by_role("treeitem", name=re.compile("^tanh"))
        assert layer.get_attribute("aria-expanded") == "true"
        assert inside.count() == 1
        layer.focus()
        page.keyboard.press("Enter")
        assert layer.get_attribute("aria-expanded") == "false"
        assert inside.count() == 0
        assert layer.evaluate("layer => layer === document.activeElement")
        layer.click()
        assert layer.get_attribute("aria-expanded") == "true"
        page.get_by_role("button", name="Close all").click()
        assert page.get_by_role("treeitem", expanded=False).count() == 3
        page.get_by_role("button", name="Open all").click()
        assert page.get_by_role("treeitem", expanded=True).count() == 3


def test_a_network_of_twelve_layers_opens_closed(show: Open):
    recording = samples.network(12)
    with show(recording) as page:
        assert page.get_by_role("treeitem", expanded=False).count() == 12
        assert page.get_by_role("treeitem").count() < 20
        page.keyboard.press("End")  # the last op stands in a closed layer, which lights up
        assert page.locator(".group.closed.active").count() == 1
        panel = page.get_by_role("tabpanel")
        assert panel.get_by_role("heading", level=2).inner_text() == recording.backward[-1].label
        page.locator(".group.closed").first.dispatch_event("click")
        assert page.get_by_role("treeitem", expanded=True).count() == 1


def test_two_thousand_ops_are_drawn_a_few_at_a_time(show: Open):
    described = samples.described(samples.long_chain())
    with show(described) as page:
        assert page.get_by_role("treeitem").count() < 60
        assert page.get_by_text(described["leftOut"]).is_visible()
        assert page.get_by_role("button", name="Open all").is_disabled()
        page.keyboard.press("End")
        assert page.locator("#counter").inner_text() == "4002 / 4002"
        page.get_by_role("treeitem", name=re.compile("^ops 1–")).dispatch_event("click")
        assert 60 < page.get_by_role("treeitem").count() < 300


def test_an_edge_of_a_closed_layer_lists_what_it_stands_for(show: Open):
    recording = samples.arrays()
    with show(recording) as page:
        page.locator(".edge .hit").first.dispatch_event("click")
        assert " → " in page.get_by_role("heading", level=2).inner_text()


def test_zooming_dragging_and_fitting_move_the_view(show: Open):
    with show(samples.network()) as page:
        scene = page.locator("#graph > g")

        def view() -> str:
            return scene.get_attribute("transform") or ""

        page.get_by_role("button", name="Fit").click()
        fitted = view()
        page.get_by_role("button", name="Zoom in").click()
        assert float(view().split("scale(")[1][:-1]) > float(fitted.split("scale(")[1][:-1])
        page.get_by_role("button", name="Zoom out").click()
        page.mouse.move(300, 300)
        page.mouse.wheel(0, -200)
        settle(page)
        zoomed = view()
        page.mouse.down()
        page.mouse.move(380, 260, steps=4)
        page.mouse.up()
        dragged = view()
        assert dragged.split("scale")[1] == zoomed.split("scale")[1]
        assert dragged != zoomed
        page.keyboard.press("0")
        assert view() == fitted
        assert page.get_by_role("heading", level=2).inner_text() == "What is here"  # no click


def test_the_legend_tells_the_shapes(show: Open):
    with show(samples.arrays()) as page:
        page.get_by_text("Legend").click()
        words = page.locator("#legend-list").inner_text()
        assert all(kind in words for kind in ("variable", "input", "operation", "loss"))
        shapes = {
            kind: page.locator(f".node.kind-{kind} .shape").first.evaluate(
                "s => s.tagName + (s.getAttribute('rx') ?? '')"
            )
            for kind in ("variable", "input", "op")
        }
        assert len(set(shapes.values())) == 3


def test_arrows_follow_the_edges(show: Open):
    with show(samples.arrays()) as page:
        page.get_by_role("treeitem", name=re.compile("^h = tanh")).focus()
        here = page.locator("#graph :focus")
        for key, label in [
            ("ArrowUp", "add"), ("ArrowUp", "matmul"), ("ArrowUp", "x"), ("ArrowRight", "W"),
            ("ArrowDown", "matmul"), ("ArrowDown", "add"), ("ArrowDown", "h = tanh"),
        ]:  # fmt: skip
            page.keyboard.press(key)
            assert here.get_attribute("aria-label").split(",")[0] == label
        assert page.get_by_role("heading", level=2).inner_text() == "h"
        page.keyboard.press("Enter")
        assert page.get_by_role("tabpanel").evaluate("panel => panel === document.activeElement")


def test_escape_leads_to_the_layer_around(show: Open):
    with show(samples.network()) as page:
        page.get_by_role("treeitem", name=re.compile("^tanh")).focus()
        page.keyboard.press("Escape")
        assert (
            page.locator("#graph :focus").get_attribute("aria-label").startswith("dense_1, layer")
        )
