"""A browser tab with the page of `nnscratch play`, and what the tests do and read there."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

PLAY = [sys.executable, "-c", "import nnscratch.cli as c; raise SystemExit(c.main())", "play"]


@contextmanager
def playing():
    """The command as a process; gives the address that it prints and a way to end it."""
    process = subprocess.Popen([*PLAY, "--no-browser"], stdout=subprocess.PIPE, text=True)

    def end():
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=30)

    try:
        yield process.stdout.readline().split()[-1], end
    finally:
        if process.poll() is None:
            assert end() == 0
        process.stdout.close()


@contextmanager
def tab(browser, address, width=1280, height=900, **options):
    """The page, drawn once; whatever it complains of or asks others for is an error."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.problems = problems = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda asked: asked.url.startswith((address, "data:")) or problems.append(asked.url),
    )
    open_anew(page, address)
    yield page
    context.close()
    assert problems == []


def open_anew(page, address):
    page.goto(address)
    until(page, "() => document.getElementById('loss-training').textContent !== '–'")


def step_count(page):
    return int(page.inner_text("#step-count"))


def until(page, condition, argument=None):
    """Wait until a function of the page is true (the page's policy forbids bare expressions)."""
    page.wait_for_function(condition, arg=argument)


def shows(page, selector, text):
    until(
        page,
        "([selector, text]) => document.querySelector(selector).textContent === text",
        [selector, text],
    )


def steps(page, button, count):
    page.click(button)
    shows(page, "#step-count", str(count))


def shown_number(text):
    return float(text.replace("−", "-"))


def table(page):
    """The numbers of the page's table: (from, to, weight, gradient)."""
    if not page.evaluate("() => document.getElementById('numbers-part').open"):
        page.click("#numbers-part > summary")
    until(page, "() => document.querySelectorAll('#numbers tr').length > 0")
    rows = page.evaluate(
        "() => [...document.querySelectorAll('#numbers tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return [(a, b, shown_number(w), shown_number(g)) for a, b, w, g in rows]


def assert_shows(page, playground):
    """Readings, table and program are those of this playground."""
    snapshot = playground.snapshot()
    assert step_count(page) == snapshot["step"]
    assert shown_number(page.inner_text("#epoch-count")) == pytest.approx(
        snapshot["epoch"], abs=0.06
    )
    for place, end in enumerate(("training", "held-out")):
        loss = shown_number(page.inner_text(f"#loss-{end}"))
        assert loss == pytest.approx(snapshot["loss"][place], abs=6e-5, rel=1e-3)
        digits, _, percent = page.inner_text(f"#metric-{end}").partition(" ")
        metric = float(digits) / (100 if percent else 1)
        assert bool(percent) == playground.choices.has_classes
        assert metric == pytest.approx(snapshot["metric"][place], abs=6e-4)
    expected = []
    for place in range(0, len(snapshot["weights"]), 2):
        kernel, bias = (np.array(w) for w in snapshot["weights"][place : place + 2])
        kernel_gradient, bias_gradient = (
            np.array(g) for g in snapshot["gradients"][place : place + 2]
        )
        for unit in range(kernel.shape[1]):
            expected += zip(kernel[:, unit], kernel_gradient[:, unit], strict=True)
            expected.append((bias[unit], bias_gradient[unit]))
    numbers = [row[2:] for row in table(page)]
    np.testing.assert_allclose(numbers, expected, rtol=1e-3, atol=1e-12)
    assert page.text_content("#program") == snapshot["program"]


def colours_of(page, selector):
    """How many different colours a canvas has, and a sum that tells pictures apart."""
    return page.evaluate(
        """(selector) => {
          const canvas = document.querySelector(selector);
          const copy = new OffscreenCanvas(canvas.width, canvas.height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          const words = new Uint32Array(data.buffer);
          return [new Set(words).size, words.reduce((sum, word) => (31 * sum + word) % 2 ** 40, 0)];
        }""",
        selector,
    )
