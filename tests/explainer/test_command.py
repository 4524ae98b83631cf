"""`nnscratch explain NAME`, started as a person starts it."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
COMMAND = [str(Path(sysconfig.get_path("scripts")) / "nnscratch")]


def nnscratch(
    *arguments: str, folder: Path, command: list[str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*(command or COMMAND), *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def document_of(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="recorded">(.*?)</script>', text)
    return json.loads(found)


def test_a_page_of_the_first_steps(tmp_path):
    done = nnscratch("explain", "wine", "--steps", "3", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "Training wine for 3 steps …\nThe page is in wine.html: open it in a browser.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["wine.html"]  # no picture, no model
    document = document_of(tmp_path / "wine.html")
    assert document["title"] == "Training wine, step by step"
    assert document["run"]["steps"] == len(document["run"]["losses"]) == 3
    assert {layer["kind"] for layer in document["layers"]} == {"Dense"}
    assert any(
        entry["origin"] and entry["origin"]["text"].startswith("history = model.fit(")
        for entry in document["entries"]
    )


def test_a_program_that_trains_less_is_said_to(tmp_path):
    done = nnscratch("explain", "spiral", "--steps", "100", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    steps = math.ceil(450 / 32)  # one epoch of three quarters of 600 points
    assert f"\nThe first call of fit in spiral has no more than {steps}.\n" in done.stdout
    assert document_of(tmp_path / "spiral.html")["run"]["steps"] == steps


def test_the_file_can_be_chosen(tmp_path):
    done = nnscratch("explain", "keras_binary", "--output", "seen.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The page is in seen.html" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["seen.html"]
    assert document_of(tmp_path / "seen.html")["run"]["steps"] == 20


def test_without_pytorch_the_page_has_the_other_check(tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in map(Path, {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for package in path.iterdir():
            if not package.name.startswith("torch") and package.suffix != ".pth":
                (packages / package.name).symlink_to(package)
    paths = os.pathsep.join(map(str, (packages, ROOT, ROOT / "kernels")))
    done = nnscratch(
        *("explain", "keras_binary", "--steps", "1"),
        folder=tmp_path,
        command=[
            *(sys.executable, "-S", "-c"),
            "import nnscratch.cli as c; raise SystemExit(c.main())",
        ],
        PYTHONPATH=paths,
    )
    assert done.returncode == 0, done.stderr
    document = document_of(tmp_path / "keras_binary.html")
    assert document["made"]["torch"] is None
    checks = [entry["checks"] for entry in document["entries"] if entry["checks"]]
    assert all(check["torch"] is None for check in checks)
    assert any(check["finite"]["ok"] for check in checks)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("kernel_ladder",), 1, "The example 'kernel_ladder' trains no network"),
        (("titanik",), 2, "There is no example called 'titanik': did you mean titanic?"),
        (("wine", "--steps", "0"), 2, "--steps is a positive number, got 0."),
        (("wine", "--steps", "1", "--output", "no/page.html"), 1, "give another path"),
        ((), 2, "the following arguments are required: name"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments, status, sentence, tmp_path):
    done = nnscratch("explain", *arguments, folder=tmp_path)
    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "kernel_ladder"])
def test_every_example_trains_by_fit(name):
    """Which is what `nnscratch explain` waits for."""
    assert ".fit(" in (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
