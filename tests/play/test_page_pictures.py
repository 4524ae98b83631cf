"""The pictures of the page of `nnscratch play`: what they show, and what pointing at them says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nnscratch.play.choices import Choices
from nnscratch.play.playground import GRID, REACH, Playground
from nnscratch.play.program import program
from tests.play.browsing import colours_of, shown_number, shows, steps, table


def test_pointing_at_a_unit_or_an_edge_shows_its_numbers(page):
    steps(page, "#epoch", 10)
    rows = {(a, b): (w, g) for a, b, w, g in table(page)}
    page.hover("[data-key='unit 2 1']")
    readout = page.inner_text("#readout")
    assert readout.startswith("Layer 2, unit 2 gives ")
    for unit in range(1, 5):
        weight, _ = rows[f"layer 1, unit {unit}", "layer 2, unit 2"]
        found = re.search(rf"unit {unit} ([−\d.e]+)", readout.split("weights:")[1])
        assert shown_number(found[1]) == pytest.approx(weight, rel=5e-3)
    assert page.inner_text("#plane-title") == "What layer 2, unit 2 says"
    page.mouse.move(5, 5)
    assert page.inner_text("#plane-title") == "What it decides"

    page.locator(".hit").first.dispatch_event("pointerenter")
    weight, gradient = rows["x₁", "layer 1, unit 1"]
    title, numbers = page.locator("#readout p").all_inner_texts()
    assert title == "From x₁ to layer 1, unit 1"
    found = re.fullmatch(r"weight ([−\d.e]+), gradient ([−\d.e]+)", numbers)
    assert shown_number(found[1]) == pytest.approx(weight, rel=5e-3)
    assert shown_number(found[2]) == pytest.approx(gradient, rel=5e-3)


def test_edges_show_weights_or_gradients(page):
    """Thickness grows with the size, the colour is that of the sign."""
    steps(page, "#epoch", 10)
    own = Playground(Choices())
    own.finish_epoch()
    snapshot = own.snapshot()
    for button, name in (("#show-weights", "weights"), ("#show-gradients", "gradients")):
        page.click(button)
        assert page.get_attribute(button, "aria-pressed") == "true"
        kernels = [np.array(k) for k in snapshot[name][::2]]
        expected = np.concatenate([kernel.T.ravel() for kernel in kernels])
        drawn = page.evaluate(
            "() => [...document.querySelectorAll('.edge')].map((edge) => "
            "[parseFloat(edge.style.strokeWidth), edge.style.stroke])"
        )
        widths = np.array([width for width, _ in drawn])
        order = np.argsort(np.abs(expected))
        assert (np.diff(widths[order]) >= -1e-6).all()
        assert widths.max() > widths.min() + 0.5
        above = {colour for (_, colour), value in zip(drawn, expected, strict=True) if value > 0}
        below = {colour for (_, colour), value in zip(drawn, expected, strict=True) if value < 0}
        assert len(above) == len(below) == 1
        assert above != below


def test_pointing_at_the_plane_reads_the_output_there(page):
    steps(page, "#epoch", 10)
    box = page.locator("#plane").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.3 * box["height"])
    readout = page.inner_text("#plane-readout").replace("−", "-")
    x1, x2, value = map(float, re.fullmatch(r"x₁ (.*), x₂ (.*): (.*)", readout).groups())
    assert (x1, x2) == pytest.approx((-0.6, 0.48), abs=0.02)
    own = Playground(Choices())
    own.finish_epoch()
    output = own.model.predict(np.array([[x1, x2]], "float32"), verbose=0)
    assert value == pytest.approx(output.item(), abs=0.04)  # of the cell around it


def test_pointing_at_the_curves_reads_a_step(page):
    steps(page, "#epoch", 10)
    box = page.locator("#chart").bounding_box()
    page.mouse.move(box["x"] + 0.98 * box["width"], box["y"] + 0.5 * box["height"])
    snapshot = [page.inner_text("#loss-training"), page.inner_text("#loss-held-out")]
    assert page.inner_text("#loss-readout") == f"10: {', '.join(snapshot)}"


def test_pointing_at_an_input_shows_it_over_the_plane(page):
    page.check("[value='x1*x1']")
    shows(page, "#program", program(Choices(features=("x1", "x2", "x1*x1")), epochs=100))
    page.hover("[data-key='unit 0 2']")
    assert page.inner_text("#plane-title") == "What x₁² says"
    low, high = re.fullmatch(
        r"x₁² is ([\d.e−]+) to ([\d.]+) over the plane\.", page.inner_text("#readout")
    ).groups()
    middle = REACH * (np.arange(GRID) * 2 + 1 - GRID) / GRID
    assert shown_number(low) == pytest.approx((middle**2).min(), rel=5e-3)
    assert shown_number(high) == pytest.approx((middle**2).max(), rel=5e-3)


def share_of_two_colours(page):
    """How much of the plane has one of its two most frequent colours."""
    return page.evaluate(
        """() => {
          const { width, height } = document.getElementById("plane");
          const copy = new OffscreenCanvas(width, height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(document.getElementById("plane"), 0, 0);
          const counts = new Map();
          for (const word of new Uint32Array(context.getImageData(0, 0, width, height).data.buffer))
            counts.set(word, (counts.get(word) ?? 0) + 1);
          const [most, second] = [...counts.values()].sort((one, other) => other - one);
          return (most + second) / (width * height);
        }"""
    )


def test_held_out_points_and_shades_can_be_left_out(page):
    steps(page, "#epoch", 10)
    everything = colours_of(page, "#plane")
    page.uncheck("#show-held-out")
    without = colours_of(page, "#plane")
    assert without != everything
    assert share_of_two_colours(page) < 0.5
    page.check("#two-colours")
    assert share_of_two_colours(page) > 0.8
    page.uncheck("#two-colours")
    page.check("#show-held-out")
    assert colours_of(page, "#plane") == everything


def test_values_are_read_from_minus_one_to_one(page):
    page.check("input[value=slope]")
    shows(page, "#metric-name", "mean error")
    shows(page, "#plane-title", "What it fits")
    steps(page, "#epoch", 10)
    own = Playground(Choices(dataset="slope"))
    own.finish_epoch()
    box = page.locator("#plane").bounding_box()
    for across, down in ((0.2, 0.8), (0.5, 0.5), (0.75, 0.3)):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        readout = page.inner_text("#plane-readout").replace("−", "-")
        x1, x2, value = map(float, re.fullmatch(r"x₁ (.*), x₂ (.*): (.*)", readout).groups())
        output = own.model.predict(np.array([[x1, x2]], "float32"), verbose=0).item()
        assert value == pytest.approx(output, abs=0.05)


def test_values_beyond_the_colours_are_called_so(page):
    page.check("input[value=slope]")
    page.select_option("#learning-rate", "10")
    own = Playground(Choices(dataset="slope", learning_rate=10.0))
    shows(page, "#program", own.snapshot()["program"])
    steps(page, "#step", 1)
    own.step()
    output = own.model.predict(np.zeros((1, 2), "float32"), verbose=0).item()
    assert abs(output) > 2
    box = page.locator("#plane").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = ": 1 or more" if output > 0 else ": −1 or less"
    assert page.inner_text("#plane-readout").endswith(shown)
    page.hover("[data-key='unit 3 0']")
    low, high = re.search(
        r"Output gives ([−\d.]+) to ([−\d.]+) over", page.inner_text("#readout")
    ).groups()
    assert shown_number(low) <= output + 0.1 * abs(output)
    assert shown_number(high) >= output - 0.1 * abs(output)
    assert max(abs(shown_number(low)), abs(shown_number(high))) > 2
