"""The page works out every op's samples in a browser, and comes to what the tape says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.recording import record_tape
from tests.explainer.reading import choose, evaluated, matrix, number, of_op, section
from tests.explainer.samples_of_ops import SAMPLES, call, entry_of, weighted_sum
from tests.explainer.test_forms import WITHOUT

if TYPE_CHECKING:
    from tests.explainer.reading import Open

READ = """async (ids) => {
  const region = (name) => document.querySelector(`section[aria-label="${name}"]`);
  const read = async (part) => {
    const found = [];
    for (const cell of ["first", "last"]) {
      const cells = part.querySelectorAll(":scope > figure td, :scope > div > figure td");
      if (cells.length < 2 && cell === "last") break;
      if (cell === "last") cells[cells.length - 1].click();
      const worked = part.querySelector(".worked-out");
      if (worked.hidden) continue;
      found.push({
        heading: worked.querySelector("h4").textContent,
        lines: [...worked.querySelectorAll(".equation")].map((line) => line.textContent),
        note: worked.querySelector(".quietly").textContent,
      });
    }
    return found;
  };
  const pages = {};
  for (const id of ids) {
    const click = new MouseEvent("click", { bubbles: true });
    document.querySelector(`#entry-${id}`).dispatchEvent(click);
    await null;
    const page = { forward: await read(region("Value")), backward: [] };
    const back = 'section[aria-label="What it sends back"] .segments button';
    const buttons = () => [...document.querySelectorAll(back)];
    for (let place = 0; place < Math.max(1, buttons().length); place++) {
      buttons()[place]?.click();
      await null;
      const part = region("What it sends back");
      if (part) page.backward.push(await read(part));
    }
    pages[id] = page;
  }
  return pages;
}"""
"""Choose one entry after the other and read what is worked out of its first and last element."""


SAMPLES_OF_EACH = 3
NAMES = [
    name
    for name, (op, place) in SAMPLES.items()
    if op.name not in WITHOUT and place < (99 if op.name == "einsum" else SAMPLES_OF_EACH)
]
PAGES = 5
"""A graph of some 70 samples can be opened wholly."""


@pytest.mark.parametrize("page_number", range(PAGES))
def test_what_is_worked_out_comes_to_what_the_tape_says(show: Open, page_number: int):
    called = {name: call(name) for name in NAMES[page_number::PAGES]}
    losses = [weighted_sum(results) for results in called.values()]
    recording = record_tape(np.sum(np.stack(losses)))
    entries = {name: entry_of(recording, results[0]) for name, results in called.items()}
    with show(document(recording, "Every op")) as page:
        page.get_by_role("button", name="Open all").click()
        read = page.evaluate(READ, [entry.index for entry in entries.values()])
    for name, entry in entries.items():
        of_entry = read[str(entry.index)]
        check(of_entry["forward"], entry.value, name)
        edges = [edge for edge in entry.inputs if edge.contribution is not None]
        assert len(of_entry["backward"]) == len(edges), name
        for edge, explained in zip(edges, of_entry["backward"], strict=True):
            check(explained, edge.contribution, f"{name}, gradient of argument {edge.argument}")


def check(explained: list[dict[str, Any]], array: Any, what: str) -> None:
    """The last line ends with the tape's number, and each line comes to what it ends with."""
    if array.size:
        assert explained, what
    for one in explained:
        if not array.size or not one["lines"]:  # nothing to see, or a remark alone
            continue
        index = tuple(int(at) for at in re.findall(r"\d+", one["heading"]))
        *_, shown = one["lines"][-1].rpartition(" = ")
        assert number(shown) == pytest.approx(array[index], rel=1e-3, nan_ok=True), (what, one)
        for line in one["lines"]:
            check_line(line, f"{what}: {line}")


def check_line(line: str, what: str) -> None:
    left, _, right = line.rpartition(" = ")
    left = re.sub(r"^\S+ = ", "", left)
    assert "undefined" not in line, what
    more = [int(count) for count in re.findall(r"… \((\d+) more\)", left)]
    assert left.count("…") == len(more), what  # the page holds every number
    assert all(count > 1 for count in more), what  # for one more there is room
    if not left or more:  # a constant that was put in, or more terms than are written out
        return
    numbers = [number(text) for text in re.findall(r"−?[\d.]+(?:e−?\d+)?", left)]
    largest = max([1.0, *map(abs, numbers)])  # four digits are shown of each
    expected = pytest.approx(number(right), rel=1e-2, abs=2e-3 * largest)
    assert evaluated(left) == expected, what


def test_the_row_of_a_softmax_is_marked(show: Open):
    x = ns.Tensor(np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]]), requires_grad=True)
    recording = record_tape((ns.ops.softmax(x) * x.numpy()).sum(), {id(x): "x"})
    with show(document(recording, "Softmax")) as page:
        choose(page, of_op(recording, "softmax"))
        matrix(page, "Value of softmax").locator("td").nth(4).click()  # [1, 1]
        worked = section(page, "Value").locator(".worked-out")
        marked = worked.locator("figure td.row-mark").all_inner_texts()
        assert [number(cell) for cell in marked] == [1.0, 0.25, -0.5]
        assert worked.locator(".equation").inner_text().startswith("exp(0.25) / (exp(1) + ")
        back = section(page, "What it sends back")
        matrix(page, "Sent to x").locator("td").nth(0).click()
        figures = back.locator(".worked-out figure")
        marks = [figure.locator("td.row-mark, td.column-mark") for figure in figures.all()]
        assert [found.count() for found in marks] == [3, 3]  # of the gradient and of the result


def test_what_was_moved_says_from_where_and_what_comes_back_from_how_many(show: Open):
    table = ns.Tensor(np.arange(8.0).reshape(4, 2) + 10, requires_grad=True)
    taken = ns.ops.embedding(table, np.array([2, 0, 2]))
    recording = record_tape((taken * taken).sum(), {id(table): "table"})
    with show(document(recording, "Lookup")) as page:
        choose(page, of_op(recording, "embedding"))
        matrix(page, "Value of embedding").locator("td").last.click()  # [2, 1]
        worked = section(page, "Value").locator(".worked-out")
        assert "element [2, 1] of table, moved here" in worked.inner_text()
        marked = worked.locator("figure td.row-mark").all_inner_texts()
        assert [number(cell) for cell in marked] == [15.0]
        matrix(page, "Sent to table").locator("td").nth(4).click()  # [2, 0]
        back = section(page, "What it sends back").locator(".worked-out")
        assert back.locator(".equation").inner_text() == "28 + 28 = 56"
        assert "it went to 2 places: their gradients add up" in back.inner_text()
        matrix(page, "Sent to table").locator("td").nth(2).click()  # [1, 0]
        assert "it went nowhere, so nothing comes back" in back.inner_text()


def test_beside_a_diagonal_there_is_no_part_in_the_result(show: Open):
    x = ns.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    recording = record_tape(np.einsum("ii->i", x).sum(), {id(x): "x"})
    with show(document(recording, "Diagonal")) as page:
        choose(page, of_op(recording, "einsum"))
        matrix(page, "Sent to x").locator("td").nth(1).click()
        back = section(page, "What it sends back").locator(".worked-out")
        assert back.locator(".equation").inner_text() == "0 = 0"
        assert "beside the diagonal" in back.inner_text()


def test_a_later_result_of_an_op_has_its_numbers_too(show: Open):
    x = ns.Tensor(np.array([[1.0, 2.0, -3.0, 0.5]]), requires_grad=True)
    recording = record_tape(ns.ops.glu(x).sum(), {id(x): "x"})
    with show(document(recording, "Gated")) as page:
        choose(page, of_op(recording, "sigmoid"))
        line = section(page, "Value").locator(".equation").inner_text()
        assert line.startswith("1 / (1 + exp(−(−3))) = 0.0474")


def test_the_case_that_was_taken_is_given_as_the_reason(show: Open):
    x = ns.Tensor(np.array([0.5, -2.0]), requires_grad=True)
    recording = record_tape(np.where(np.array([True, False]), x, 3 * x).sum(), {id(x): "x"})
    with show(document(recording, "Choice")) as page:
        choose(page, of_op(recording, "where"))
        worked = section(page, "Value").locator(".worked-out")
        assert worked.locator(".equation").inner_text() == "0.5 = 0.5"
        assert "since the condition holds here" in worked.inner_text()
        matrix(page, "Value of where").locator("td").last.click()
        assert worked.locator(".equation").inner_text() == "−6 = −6"


def test_an_op_of_whole_matrices_says_why_there_are_no_numbers(show: Open):
    x = ns.Tensor(np.array([[2.0, 1.0], [0.0, 3.0]]), requires_grad=True)
    recording = record_tape(np.linalg.inv(x).sum(), {id(x): "x"})
    with show(document(recording, "Inverse")) as page:
        choose(page, of_op(recording, "inv"))
        worked = section(page, "Value").locator(".worked-out")
        assert worked.locator(".equation").count() == 0
        assert "depends on the whole matrix" in worked.inner_text()
        assert not section(page, "What it sends back").locator(".worked-out").is_visible()


def test_a_negative_number_after_a_sign_stands_in_brackets(show: Open):
    a = ns.Tensor(-2.0, requires_grad=True)
    recording = record_tape(a * a - a, {id(a): "a"})
    with show(document(recording, "Signs")) as page:
        choose(page, of_op(recording, "multiply"))
        assert section(page, "Value").locator(".equation").inner_text() == "−2 · (−2) = 4"
        choose(page, of_op(recording, "subtract"))
        assert section(page, "Value").locator(".equation").inner_text() == "4 − (−2) = 6"
