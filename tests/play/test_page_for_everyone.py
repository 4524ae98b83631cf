"""The page of `nnscratch play` by keyboard and screen reader, in both themes, on a phone."""

from __future__ import annotations

import re

import pytest

from nnscratch.play.choices import Choices
from nnscratch.play.program import program
from tests.play.browsing import colours_of, shows, steps, tab, until


def test_it_can_be_used_by_keyboard_alone(page):
    def press_until(holds, key="Tab"):
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate(f"() => Boolean({holds})"):
                return
        pytest.fail(f"{key} never came to {holds}")

    press_until("document.activeElement.id === 'step'")
    page.keyboard.press("Enter")
    shows(page, "#step-count", "1")
    press_until("document.activeElement.name === 'dataset'")
    page.keyboard.press("ArrowRight")
    until(page, "() => document.getElementById('program').textContent.includes('make(\"xor\"')")
    press_until("document.activeElement.classList.contains('unit')")
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Input x₁"
    for key, label in (
        ("ArrowRight", "Layer 1, unit 1"),
        ("ArrowDown", "Layer 1, unit 2"),
        ("ArrowRight", "Layer 2, unit 2"),
        ("ArrowUp", "Layer 2, unit 1"),
        ("ArrowUp", "Layer 2, unit 1"),
        ("ArrowRight", "Output"),
        ("ArrowLeft", "Layer 2, unit 1"),
    ):
        page.keyboard.press(key)
        focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert focused == label
    assert page.inner_text("#readout").startswith("Layer 2, unit 1 gives")
    press_until("!document.activeElement.classList.contains('unit')")  # one Tab leaves them all
    press_until("document.activeElement.id === 'copy'")


def test_everything_has_a_name_and_what_changes_is_said(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas, svg, [tabindex]")]
          .filter((it) => !it.closest("[aria-hidden=true]"))
          .filter((it) => !(it.getAttribute("aria-label") || it.getAttribute("aria-labelledby")
            || it.labels?.length || it.textContent.trim()))
          .map((it) => it.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((it) => it.id)")
    assert len(ids) == len(set(ids))
    steps(page, "#step", 1)
    status = page.locator("#status")
    assert status.get_attribute("role") == "status"
    assert status.text_content() == (
        f"Step 1: loss {page.inner_text('#loss-training')}, "
        f"held-out loss {page.inner_text('#loss-held-out')}"
    )
    assert re.fullmatch(
        r"Loss over 1 steps: training from [\d.]+ to [\d.]+, held out from [\d.]+ to [\d.]+",
        page.get_attribute("#chart", "aria-label"),
    )
    assert re.match(r"\d+ % of the plane goes to", page.text_content("#plane-says"))


def test_the_program_is_copied(browser, address):
    with tab(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        steps(page, "#epoch", 10)
        page.click("#copy")
        shows(page, "#copied", "Copied.")
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert copied.replace("\r\n", "\n") == program(Choices(), epochs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(browser, address, scheme):
    with tab(browser, address, color_scheme=scheme) as page:
        other = "dark" if scheme == "light" else "light"
        assert contrast(page) >= 4.5
        before = colours_of(page, "#plane")
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == other
        assert contrast(page) >= 4.5
        assert colours_of(page, "#plane") != before


def contrast(page):
    """The least contrast of a text with what is behind it, by WCAG's formula."""
    return page.evaluate(
        """() => {
          const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = (colour) => {
            const [r, g, b] = rgb(colour).map((c) => c / 255)
              .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (it) => {
            for (; it; it = it.parentElement) {
              const colour = getComputedStyle(it).backgroundColor;
              if ((rgb(colour)[3] ?? 1) > 0) return colour;
            }
            return "rgb(255, 255, 255)";
          };
          const texts = document.querySelectorAll(
            "h1, h2, p, label, legend, dt, dd, button, td, th, pre, summary, option");
          return Math.min(...[...texts].filter((it) => it.textContent.trim() && it.checkVisibility()
            && !it.closest(".unseen, [aria-disabled=true]")).map((it) => {
              const [a, b] = [light(getComputedStyle(it).color), light(behind(it))];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }));
        }"""
    )


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_narrow_and_wide_screens(browser, address, width):
    with tab(browser, address, width=width, height=850, has_touch=width == 400) as page:
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
        assert page.evaluate("() => document.getElementById('choices').open") == (width == 1280)
        if width == 400:
            page.tap("#choices > summary")
            assert page.locator("#activation").is_visible()
            for _ in range(4):
                page.click("#more-layers")
            shows(page, "#layer-count", "6 hidden layers")
            assert page.evaluate("() => document.documentElement.scrollWidth") == width
            small = page.evaluate(
                """() => [...document.querySelectorAll("button, select, input")]
                  .filter((it) => it.checkVisibility())
                  .map((it) => [it.id || it.getAttribute("aria-label"), it.getBoundingClientRect()])
                  .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
            )
            assert small == []
            page.tap("#step")
            shows(page, "#step-count", "1")
