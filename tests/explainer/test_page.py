"""The page in a real browser: it loads quietly, and its panel shows what the document says."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

import pytest

from nnscratch.explainer.page import Explanation, own_scripts, write_page
from nnscratch.explainer.page import page as page_of
from nnscratch.pages import parts
from tests.explainer import samples
from tests.explainer.pictures import take_pictures
from tests.explainer.reading import (
    choose,
    named,
    number,
    of_op,
    open_tab,
    section,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.explainer.reading import Open


@pytest.mark.parametrize("name", [*samples.RECORDINGS, "training"])
def test_a_page_loads_without_a_word_and_without_the_network(show: Open, name: str):
    training = name == "training"
    described = samples.training() if training else samples.described(samples.RECORDINGS[name]())
    with show(described) as page:  # closing it checks the console and the requests
        title = described["title"]
        assert page.title() == title == page.get_by_role("heading", level=1).inner_text()
        for tab in page.get_by_role("tab").all():
            tab.click()
        page.keyboard.press("Escape")
        assert page.get_by_role("treeitem").count() > 0


def test_the_page_itself_is_small():
    empty = samples.described(samples.tiny())
    assert len(page_of(empty)) < 300_000


def test_no_two_of_its_files_give_one_name_two_meanings():
    """They are joined into one scope."""
    texts = parts("nnscratch.explainer")
    found: list[str] = []
    for name in own_scripts():
        pattern = r"^(?:export )?(?:async function|function|const|let|class) (\w+)"
        found += re.findall(pattern, texts[name], re.MULTILINE)
    assert sorted(found) == sorted(set(found))
    assert own_scripts()[-1] == "main.js"


def test_a_page_in_a_notebook_draws_itself_in_its_frame(browser: Browser, tmp_path: Path):
    made = write_page(samples.described(samples.tiny()), tmp_path / "page.html")
    assert isinstance(made, Explanation)
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><link rel=icon href=data:,>{made._repr_html_()}")
    context = browser.new_context()
    outer = context.new_page()
    said: list[str] = []
    outer.on("console", lambda message: said.append(message.text))
    outer.on("pageerror", lambda error: said.append(str(error)))
    outer.goto(notebook.as_uri())
    frame = outer.frame_locator("iframe")
    frame.get_by_role("button", name="Step on").click()
    assert "Forward, 1 of 2" in frame.get_by_role("status").inner_text()
    assert said == []
    context.close()


# --- the panel -----------------------------------------------------------------------------------


def test_a_node_shows_its_rule_its_formula_and_its_line(show: Open):
    recording = samples.arrays()
    product = of_op(recording, "multiply")
    with show(recording) as page:
        choose(page, product)
        panel = page.get_by_role("tabpanel")
        assert "samples.py" in panel.get_by_label("Line of your program").inner_text()
        assert "g = h * h + h" in panel.get_by_label("Line of your program").inner_text()
        assert "lambda g, y, a, b: g * b" in panel.inner_text()
        assert panel.locator("math").count() == 2


def test_checks_are_chips_with_a_sign_and_words(show: Open):
    recording = samples.arrays()
    described = copy.deepcopy(samples.described(recording))
    product, mean = of_op(recording, "multiply"), of_op(recording, "mean")
    described["entries"][product.index]["checks"] = {
        "finite": {"ok": False, "error": 0.5, "text": "They do not agree."},
        "torch": {"ok": True, "error": 0.0, "text": "They agree."},
    }
    described["entries"][mean.index]["checks"] = {"finite": None, "torch": None}
    with show(described) as page:
        choose(page, product)
        assert page.locator(".chip.bad").inner_text() == "✗ finite differences do not agree"
        assert page.locator(".chip.good").inner_text() == "✓ PyTorch agrees"
        page.get_by_text("What was checked").click()
        assert page.get_by_text("They do not agree.").is_visible()
        choose(page, mean)
        assert page.get_by_role("heading", level=2).inner_text() == "loss"
        assert page.locator(".chip.bad, .chip.good").count() == 0


def test_neighbours_lead_along_the_graph(show: Open):
    with show(samples.arrays()) as page:
        choose(page, named(samples.arrays(), "g"))
        page.get_by_role("definition").first.get_by_role("button", name="h", exact=True).click()
        assert page.get_by_role("heading", level=2).inner_text() == "h"
        assert (
            page.get_by_role("treeitem", selected=True)
            .get_attribute("aria-label")
            .startswith("h = tanh")
        )


def test_the_time_of_every_op_and_its_kernel(show: Open):
    described = samples.described(samples.arrays())
    with show(described) as page:
        open_tab(page, "Time")
        panel = page.get_by_role("tabpanel")
        timed = [entry for entry in described["entries"] if entry["seconds"]]
        total = {e["id"]: sum(filter(None, e["seconds"].values())) for e in timed}
        order = sorted(timed, key=lambda e: -total[e["id"]])
        names = panel.locator(".bars button").all_inner_texts()
        assert names == [entry["label"] for entry in order]
        first = panel.locator(".bars .number").first.inner_text()
        unit = {"µs": 1e-6, "ms": 1e-3, "s": 1.0}[first.split()[1]]
        assert number(first.split()[0]) * unit == pytest.approx(total[order[0]["id"]], rel=1e-2)
        assert order[0]["implementation"]["name"] in panel.locator(".bars").inner_text()
        panel.locator(".bars button").first.click()
        assert page.get_by_role("heading", level=2).inner_text() == names[0]


def test_the_program_can_be_copied_and_downloaded(show: Open):
    described = copy.copy(samples.described(samples.tiny()))
    described["program"] = "import numpy as np\n\na = np.array(3.0)  # <b>&amp;\n"
    with show(described) as page:
        open_tab(page, "Program")
        assert page.get_by_label("Source text").inner_text().strip() == (
            described["program"].strip()
        )
        page.get_by_role("button", name="Copy").click()
        page.get_by_text(re.compile("Copied|Selected")).wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download backward.py").click()
        assert download.value.suggested_filename == "backward.py"
        assert download.value.path().read_text() == described["program"]


def test_without_a_program_or_times_there_are_no_such_tabs(show: Open):
    described = copy.deepcopy(samples.described(samples.tiny()))
    described["program"] = None
    described["breaks"] = []
    for entry in described["entries"]:
        entry["seconds"] = None
    with show(described) as page:
        assert page.get_by_role("tab").all_inner_texts() == ["Inspect"]


# --- frozen layers -------------------------------------------------------------------------------


def test_a_frozen_layer_is_marked_in_the_graph(show: Open):
    recording = samples.network(3, frozen=1)
    with show(recording) as page:
        frozen = page.get_by_role("treeitem", name=re.compile("^kernel, parameter.*frozen"))
        assert frozen.count() == 1
        frozen.dispatch_event("click")
        assert "Frozen (trainable = False)" in section(page, "Gradient").inner_text()


# --- pictures ------------------------------------------------------------------------------------


def test_the_pictures_for_the_docs_are_made(browser: Browser, tmp_path: Path):
    made = take_pictures(browser, tmp_path)
    assert len(made) == 6
    for file in made:
        head = file.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        width = int.from_bytes(head[16:20], "big")
        assert width == (400 if "phone" in file.name else 1280)
        assert 10_000 < file.stat().st_size < 250_000
