"""A real browser for the tests of pages, and for the pictures in the docs."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
]


def missing() -> str | None:
    """Why there is no browser here; None if there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright is not installed (pip install playwright)"
    if _chromium() is None:
        return f"none of {', '.join(NAMES)} is installed"
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=OPTIONS)
        yield browser
        browser.close()


_CONTEXTS: dict[tuple[Any, ...], BrowserContext] = {}


def _context(
    browser: Browser, width: int = 1280, height: int = 800, **options: Any
) -> BrowserContext:
    """One for each kind of window, since a new one takes longer than a new page."""
    key = (browser, width, height, *sorted(options.items()))
    if key not in _CONTEXTS:
        size = {"width": width, "height": height}
        _CONTEXTS[key] = browser.new_context(viewport=size, **options)
        _CONTEXTS[key].set_default_timeout(10_000)
    return _CONTEXTS[key]


def _chromium() -> str | None:
    return next((found for found in map(shutil.which, NAMES) if found), None)


@contextmanager
def opened(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:
    """A page from a file; whatever it complains of or asks the network for is an error.

    Args:
        browser: a browser.
        file: an HTML file.
        options: of `Browser.new_context`; width and height may stand for themselves.
    """
    page = _context(browser, **options).new_page()
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert problems == [], problems
    assert [url for url in requests if not url.startswith("blob:")] == [file.as_uri()], requests
