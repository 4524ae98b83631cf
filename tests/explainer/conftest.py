"""Pages opened in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nnscratch.explainer.page import write_page
from tests.explainer import browser as browsers
from tests.explainer import samples

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.explainer.reading import Open


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Open:
    """Open the page of a recording or of a document."""

    def opening(what: Any, **options: Any) -> AbstractContextManager[Page]:
        described = what if isinstance(what, dict) else samples.described(what)
        file = write_page(described, tmp_path / "page.html").path
        return browsers.opened(browser, file, **options)

    return opening
