"""What both pages share: each file has one source, is found by both, and is in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from nnscratch.pages import joined, parts

ROOT = Path(__file__).parents[1]
PACKAGES = ("nnscratch.explainer", "nnscratch.play")
SHARED = {"base.css", "colours.js", "dom.js", "format.js"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_page_has_the_shared_files_and_its_own(package):
    own = {part.name for part in (files(package) / "web").iterdir() if part.is_file()}
    assert own.isdisjoint(SHARED)  # one of them would stand for the other
    assert set(parts(package)) == own | SHARED
    for name in SHARED:
        text = (ROOT / "nnscratch" / "pages" / name).read_text(encoding="utf-8")
        assert parts(package)[name] == text


@pytest.mark.parametrize("name", sorted(name for name in SHARED if name.endswith(".js")))
def test_a_shared_script_can_be_a_module_and_can_be_joined(name):
    text = parts("nnscratch.play")[name]
    assert re.search(r"^export ", text, re.MULTILINE)
    assert not re.search(r"^\s*(import|export)\b", joined([text]), re.MULTILINE)


def test_the_wheel_has_every_file_of_both_pages():
    pytest.importorskip("hatchling", reason="no hatchling here: it builds the wheel")
    listing = (
        "from hatchling.builders.wheel import WheelBuilder\n"
        f"for file in WheelBuilder({str(ROOT)!r}).recurse_included_files():\n"
        "    print(file.distribution_path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    packed = set(done.stdout.splitlines())
    for folder in ("pages", "explainer/web", "play/web"):
        for part in (ROOT / "nnscratch" / folder).rglob("*.*"):
            if part.suffix != ".pyc":
                assert part.relative_to(ROOT).as_posix() in packed
