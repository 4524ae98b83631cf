"""A page in a notebook: in a frame, shown late, scrolled past, in the theme of the notebook."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

import nnscratch as ns
from nnscratch.explainer.page import WITHOUT_FRAME, framed
from nnscratch.explainer.page import page as page_of
from tests.explainer import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest
    from playwright.sync_api import Browser, Page

    from nnscratch.explainer.recording import Recording

CAMERA = "document.querySelector('#graph > g').getAttribute('transform')"


@contextmanager
def notebook(
    browser: Browser, folder: Path, *parts: str | Callable[[], Recording]
) -> Iterator[Page]:
    """A page that holds HTML and the pages of recordings, as a notebook does."""
    body = "".join(
        part if isinstance(part, str) else framed(page_of(samples.described(part())))
        for part in parts
    )
    file = folder / "notebook.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{body}")
    context = browser.new_context(viewport={"width": 1000, "height": 800}, color_scheme="null")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert said == []
    context.close()


def test_a_page_that_begins_out_of_sight_is_fitted_when_it_is_shown(
    browser: Browser, tmp_path: Path
):
    with notebook(browser, tmp_path, "<div id=cell style='display:none'>", samples.arrays) as page:
        inside = page.frames[1]
        inside.wait_for_function("() => document.querySelector('.node')")
        page.evaluate("document.getElementById('cell').style.display = 'block'")
        inside.wait_for_function(
            """() => {
              const view = document.getElementById("viewport").getBoundingClientRect();
              const nodes = [...document.querySelectorAll(".node .shape")];
              return view.width > 0 && nodes.every((node) => {
                const box = node.getBoundingClientRect();
                return box.width > 20 && box.left >= view.left && box.right <= view.right
                  && box.top >= view.top && box.bottom <= view.bottom;
              });
            }"""
        )
        inside.get_by_role("button", name="Zoom in").click()
        chosen = inside.evaluate(CAMERA)
        for display in ("none", "block"):  # as a notebook does with what is far away
            page.evaluate(f"document.getElementById('cell').style.display = '{display}'")
            page.wait_for_timeout(50)
        assert inside.evaluate(CAMERA) == chosen


def test_who_scrolls_past_a_page_does_not_zoom_it(browser: Browser, tmp_path: Path):
    with notebook(browser, tmp_path, samples.arrays, "<div style='height:3000px'>") as page:
        inside = page.frames[1]
        before = inside.evaluate(CAMERA)
        page.mouse.move(150, 300)
        page.mouse.wheel(0, 100)
        page.wait_for_function("() => scrollY > 0")
        assert inside.evaluate(CAMERA) == before
        page.evaluate("scrollTo(0, 0)")
        page.mouse.click(20, 300)
        page.mouse.wheel(0, 100)
        inside.wait_for_function(f"(before) => {CAMERA} !== before", arg=before)
        assert page.evaluate("scrollY") == 0


def test_two_pages_do_not_disturb_each_other(browser: Browser, tmp_path: Path):
    with notebook(browser, tmp_path, samples.tiny, samples.arrays) as page:
        one, other = page.frames[1:]
        other.locator("#next").click()
        other.locator("#next").click()
        other.get_by_role("button", name="Dark theme").click()
        other.get_by_role("tab", name="Program").click()
        other.get_by_role("button", name="Copy").click()
        other.get_by_text(re.compile("Copied|Selected")).wait_for()
        assert one.locator("#counter").text_content() == "0 / 4"
        assert other.locator("#counter").text_content().startswith("2 / ")
        assert one.locator("html").get_attribute("data-theme") == "light"
        one.locator("#next").click()
        assert other.locator("#counter").text_content().startswith("2 / ")


def test_the_page_has_the_theme_of_the_notebook(browser: Browser, tmp_path: Path):
    for theme, other in (("dark", "light"), ("light", "dark")):
        body = f"<body style='color-scheme: {theme}'>"
        with notebook(browser, tmp_path, body, samples.tiny) as page:
            inside = page.frames[1]
            inside.wait_for_function(
                "(theme) => document.documentElement.dataset.theme === theme", arg=theme
            )
            page.evaluate(f"document.body.style.colorScheme = '{other}'")
            inside.wait_for_function(
                "(theme) => document.documentElement.dataset.theme === theme", arg=other
            )


class Parts(HTMLParser):
    """The attributes of the frame, and what stands outside of all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "iframe"
        self.attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_frame_holds_the_page_and_a_sentence_for_those_who_see_no_frames():
    for text in ("'\"&#39;&amp;<b>' onload='x'", page_of(samples.described(samples.arrays()))):
        parts = Parts(framed(text))
        assert parts.attributes["srcdoc"] == text
        assert parts.attributes["sandbox"] == "allow-scripts allow-downloads"
        assert parts.text == WITHOUT_FRAME
    assert len(framed(text)) < 1.1 * len(text)  # a notebook keeps every page that it has shown


def test_a_cell_goes_by_its_number(monkeypatch: pytest.MonkeyPatch):
    x = ns.Tensor(np.ones(2), requires_grad=True)
    loss = np.exp(x).sum()
    own = loss.node.origin.filename

    def format_code_name(name: str) -> tuple[str, str] | None:
        return ("Cell", "In[7]") if name == own else None

    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=format_code_name))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert f"(called at Cell In[7]:{loss.node.origin.line})" in loss._repr_html_()
    assert loss.node.origin._replace(filename="library.py").file == "library.py"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert loss.node.origin.file == own
