"""What the tests of files share: where the file lies, and helpers whose asserts tell values."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.saving.round_trip")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"
