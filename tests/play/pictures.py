"""Makes the pictures of `nnscratch play` for the docs: python -m tests.play.pictures"""

from __future__ import annotations

from pathlib import Path

from nnscratch.play.choices import Choices
from tests.explainer.browser import chromium
from tests.play.browsing import playing, shows, tab

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main() -> None:
    """The spiral, solved, in light and dark and on a narrow screen."""
    with playing() as (address, _), chromium() as browser:
        for name, width, height, scheme in (
            ("light", 1280, 850, "light"),
            ("dark", 1280, 850, "dark"),
            ("narrow", 400, 860, "light"),
        ):
            with tab(browser, address, width, height, color_scheme=scheme) as page:
                set_up(page)
                page.mouse.move(0, 0)
                page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
                page.screenshot(path=IMAGES / f"play-{name}.png")


def set_up(page) -> None:
    """Train until the spiral's arms have come apart."""
    page.click("#hint-try")
    for layer in (1, 2):
        for units in range(Choices().layers[layer - 1] + 1, 9):
            page.click(f"button[aria-label='One unit more in layer {layer}']")
            shows(page, f"[data-key='-1 {layer}'] + span", str(units))
    page.click("#run")
    page.wait_for_function(
        "() => parseFloat(document.getElementById('metric-training').textContent) === 100",
        timeout=120_000,
    )
    page.click("#run")
    shows(page, "#run-word", "Run")


if __name__ == "__main__":
    main()
