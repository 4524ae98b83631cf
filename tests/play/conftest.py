"""The page of a server that plays, as it is before anyone has touched it."""

from __future__ import annotations

import pytest

from tests.play.browsing import open_anew, playing, tab


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
