"""The numbers on the page are the tape's, and what it works out comes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.recording import record_tape
from tests.explainer import samples
from tests.explainer.reading import (
    both_sides,
    choose,
    matrix,
    named,
    number,
    of_op,
    readout,
    section,
)

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.explainer.reading import Open


@pytest.mark.parametrize("name", ["arrays", "network", "tiny"])
def test_values_and_gradients_are_the_tapes(show: Open, name: str):
    recording = samples.RECORDINGS[name]()
    with show(recording) as page:
        for entry in recording.entries:
            choose(page, entry)
            check_matrix(matrix(page, f"Value of {entry.label}"), entry.value)
            if entry.gradient is not None:
                check_matrix(matrix(page, f"Gradient of {entry.label}"), entry.gradient)


def check_matrix(figure: Locator, array: Any) -> None:
    cells = figure.locator("td").all_inner_texts()
    if cells:
        assert [number(cell) for cell in cells] == pytest.approx(list(array.flat), rel=6e-4)
    if array.size > 1:
        place, shown = readout(figure)
        assert place == str([0] * array.ndim)
        assert shown == pytest.approx(array.flat[0], rel=1e-6)


def test_pointing_and_arrow_keys_read_any_element(show: Open):
    recording = samples.large()
    x = named(recording, "x")
    with show(recording) as page:
        choose(page, x)
        figure = matrix(page, "Value of x")
        canvas = figure.locator("canvas")
        box = canvas.bounding_box()
        rows, columns = x.value.shape
        for row, column in [(0, 11), (19, 0), (7, 5)]:
            canvas.hover(
                position={
                    "x": (column + 0.5) * box["width"] / columns,
                    "y": (row + 0.5) * box["height"] / rows,
                }
            )
            place, shown = readout(figure)
            assert place == f"[{row}, {column}]"
            assert shown == pytest.approx(x.value[row, column], rel=1e-6)
        page.mouse.move(5, 5)  # hovering was for a moment
        assert readout(figure)[0] == "[0, 0]"
        figure.locator(".frame").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert readout(figure) == ("[1, 2]", pytest.approx(x.value[1, 2], rel=1e-6))
        assert page.locator("#counter").inner_text().startswith("0 ")  # the steps stay


def test_statistics_are_of_all_numbers(show: Open):
    random = np.random.default_rng(3)
    value = np.maximum(random.normal(size=(100, 90)), 0)
    x = ns.Tensor(value, requires_grad=True)
    recording = record_tape((x * x).sum(), {id(x): "x"})
    with show(document(recording, "Large")) as page:
        choose(page, named(recording, "x"))
        part = section(page, "Value")
        terms = part.locator(".statistics dt").all_inner_texts()
        numbers = part.locator(".statistics dd").all_inner_texts()
        shown = dict(zip(terms, numbers, strict=True))
        assert number(shown["norm"]) == pytest.approx(np.linalg.norm(value), rel=1e-3)
        assert number(shown["largest"]) == pytest.approx(value.max(), rel=1e-3)
        assert number(shown["smallest"]) == value.min() == 0
        assert number(shown["mean"]) == pytest.approx(value.mean(), rel=1e-3)
        assert number(shown["zeros"].strip(" %")) == pytest.approx(
            100 * np.mean(value == 0), rel=5e-3
        )
        assert part.get_by_role("img", name="Histogram of 9000 numbers").is_visible()
        assert "first 64 × 64" in matrix(page, "Value of x").inner_text()


def test_several_contributions_are_shown_with_their_sum(show: Open):
    recording = samples.arrays()
    h = named(recording, "h")
    with show(recording) as page:
        choose(page, h)
        part = section(page, "Gradient")
        matrix(page, "Gradient of h").locator("td").nth(5).click()  # [2, 1]
        left, right = both_sides(part.locator(".arrived .equation").inner_text())
        assert right == pytest.approx(h.gradient[2, 1], rel=1e-3)
        assert left == pytest.approx(right, abs=1e-3)
        sums = part.locator(".arrived .matrices figure")
        shown = [[number(c) for c in f.locator("td").all_inner_texts()] for f in sums.all()]
        assert len(shown) == 4  # three shares and their sum
        expected = [*(edge.contribution for edge in h.uses), h.gradient]
        for numbers in expected:
            assert any(own == pytest.approx(list(numbers.flat), rel=6e-3) for own in shown)


def test_a_product_shows_the_row_and_the_column_that_meet(show: Open):
    recording = samples.arrays()
    product = of_op(recording, "matmul")
    with show(recording) as page:
        choose(page, product)
        matrix(page, "Value of matmul").locator("td").nth(5).click()  # [2, 1]
        part = section(page, "Value")
        left, right = both_sides(part.locator(".worked-out .equation").inner_text())
        assert right == pytest.approx(product.value[2, 1], rel=1e-3)
        assert left == pytest.approx(right, abs=5e-3)
        x, W = (edge.source.value for edge in product.inputs)
        row = part.locator(".worked-out figure").nth(0).locator(".row-mark").all_inner_texts()
        column = part.locator(".worked-out figure").nth(1).locator(".column-mark").all_inner_texts()
        assert [number(cell) for cell in row] == pytest.approx(x[2], rel=6e-3)
        assert [number(cell) for cell in column] == pytest.approx(W[:, 1], rel=6e-3)


@pytest.mark.parametrize("label", ["W", "b", "x"])
def test_what_a_product_sends_back_is_worked_out(show: Open, label: str):
    random = np.random.default_rng(4)
    x, W, b = (
        ns.Tensor(random.normal(size=size), requires_grad=True) for size in [(3, 4), (4, 2), (2,)]
    )
    names = {id(x): "x", id(W): "W", id(b): "b"}
    result = ns.ops.dense(x, W, b, activation="tanh")
    recording = record_tape((result * result).mean(), names)
    with show(document(recording, "Dense")) as page:
        edge = named(recording, label).uses[0]
        choose(page, edge.target)
        back = section(page, "What it sends back")
        back.get_by_role("button", name=f"to {label}").click()
        cell = matrix(page, f"Sent to {label}").locator("td").last
        cell.click()
        left, right = both_sides(back.locator(".worked-out .equation").inner_text())
        assert right == pytest.approx(edge.contribution.flat[-1], rel=1e-3)
        assert left == pytest.approx(right, abs=1e-3)
        lines = section(page, "Value").locator(".worked-out .equation").all_inner_texts()
        before, after = (both_sides(line.removeprefix("z = ")) for line in lines)
        assert before[0] == pytest.approx(before[1], abs=5e-3)
        assert after[0] == pytest.approx(result.numpy()[0, 0], abs=2e-3)


def test_an_edge_shows_how_broadcasting_was_undone(show: Open):
    recording = samples.arrays()
    b = named(recording, "b")
    with show(recording) as page:
        choose(page, b)
        page.get_by_role("button", name="Edge to add").first.click()
        assert page.get_by_role("heading", level=2).inner_text() == "b → add"
        undone = page.locator('[data-label="Broadcasting undone"]')
        assert "was broadcast to (4, 2)" in undone.inner_text()
        before = undone.locator("figure").first.locator("td").all_inner_texts()
        assert [number(c) for c in before] == pytest.approx(list(b.uses[0].before.flat), rel=6e-3)
        left, right = both_sides(page.locator(".worked-out .equation").inner_text())
        assert right == pytest.approx(b.gradient[0], rel=1e-3)
        assert left == pytest.approx(right, abs=1e-3)
        assert "summed over the 4 places" in page.locator(".worked-out").inner_text()


def test_reductions_are_worked_out_both_ways(show: Open):
    random = np.random.default_rng(5)
    x = ns.Tensor(random.normal(size=(2, 3)), requires_grad=True)
    recording = record_tape(x.mean(axis=1).sum() + np.max(x, axis=0).sum(), {id(x): "x"})
    with show(document(recording, "Reductions")) as page:
        for entry in recording.forward:
            if entry.op == "add":
                continue
            choose(page, entry)
            left, right = both_sides(
                section(page, "Value").locator(".worked-out .equation").inner_text()
            )
            assert right == pytest.approx(entry.value.flat[0], rel=1e-3)
            assert left == pytest.approx(right, abs=2e-3)
        choose(page, of_op(recording, "mean"))
        sent = section(page, "What it sends back").locator(".worked-out .equation").inner_text()
        assert both_sides(sent) == pytest.approx((1 / 3, 1 / 3), rel=1e-3)
