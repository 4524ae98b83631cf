"""Pictures of the page for the README and the docs.

Make them anew, from the repository's root:

    python -m tests.explainer.pictures
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnscratch.explainer.page import write_page
from tests.explainer import browser as browsers
from tests.explainer import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"width": 400, "height": 800}


def take_pictures(browser: Browser, folder: Path = FOLDER) -> list[Path]:
    """Save them all, in light and dark, for a screen and for a phone.

    Args:
        browser: a browser.
        folder: where to.
    """
    made = []
    for theme in ("light", "dark"):
        for name, size in [("", {}), ("phone-", PHONE)]:
            with _opened(browser, color_scheme=theme, **size) as page:
                _step_back(page, 2 if name else 3)
                made.append(_shoot(page, folder / f"explain-{name}{theme}.png"))
    small = samples.described(samples.arrays(), "A small graph")
    with _opened(browser, small, color_scheme="light") as page:
        page.get_by_role("tab", name="Break it").click()
        page.get_by_role("switch", name="Assign instead of accumulate").click()
        made.append(_shoot(page, folder / "explain-break.png"))
    with _opened(browser, color_scheme="light") as page:
        page.get_by_role("tab", name="Training").click()
        page.get_by_role("slider", name="Training step").fill("4")
        page.get_by_role("heading", name="Why did this weight move?").evaluate(
            "heading => heading.scrollIntoView()"
        )
        made.append(_shoot(page, folder / "explain-training.png"))
    return made


@contextmanager
def _opened(
    browser: Browser, document: dict[str, Any] | None = None, **options: Any
) -> Iterator[Page]:
    with tempfile.TemporaryDirectory() as folder:
        file = write_page(document or samples.training(), Path(folder) / "page.html").path
        with browsers.opened(browser, file, reduced_motion="reduce", **options) as page:
            yield page


def _step_back(page: Page, steps: int) -> None:
    """To a step of the backward pass."""
    page.keyboard.press("End")
    for _ in range(steps):
        page.keyboard.press("ArrowLeft")
    page.locator(".node.active").wait_for()


def _shoot(page: Page, file: Path) -> Path:
    page.wait_for_timeout(100)  # what is drawn before the next frame
    page.screenshot(path=file)
    return file


if __name__ == "__main__":
    with browsers.chromium() as started:
        for picture in take_pictures(started):
            print(f"{picture.stat().st_size / 1000:5.0f} kB  {picture.name}")
