"""The page in a real browser; skipped with the reason where there is none."""

from __future__ import annotations

import pytest

from tests.explainer import browser as browsers
from tests.play.browsing import open_anew, playing, tab


@pytest.fixture(scope="module")
def browser():
    """One for each file: Playwright's event loop must not be there when other tests need theirs."""
    reason = browsers.missing()
    if reason is not None:
        pytest.skip(f"The page needs a browser: {reason}.")
    with browsers.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address():
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    with playing() as (address, _):
        yield address


@pytest.fixture(scope="module")
def one_page(browser, address):
    with tab(browser, address) as page:
        yield page


@pytest.fixture
def page(one_page, address):
    open_anew(one_page, address)
    one_page.mouse.move(0, 0)
    yield one_page
    assert one_page.problems == []
