"""The ladder runs as a newcomer runs it: a table with a line for each rung, and a picture."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import matplotlib.image
import pytest

from nnscratch_kernels.laboratory import gpu
from nnscratch_kernels.ladder import matmul, softmax

EXAMPLE = Path(__file__).parents[2] / "examples" / "kernel_ladder.py"


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    """What it printed, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("ladder")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") <= 1  # where nothing is compiled yet, it says so
    assert done.stderr == "" or done.stderr.startswith("nnscratch: compiling kernels")
    return done.stdout, folder


def test_it_prints_every_rung_in_order(ladder):
    text, _ = ladder
    rungs = [matmul.RUNGS, softmax.RUNGS]
    if gpu.is_there():
        from nnscratch_kernels.ladder import gpu_matmul, gpu_softmax

        rungs += [gpu_matmul.RUNGS, gpu_softmax.RUNGS]
    line = r"^│ (\w+) +│ \d+ × \d+ +│ ([\d.]+) +│ ([\d.]+) +│ ([\d.]*) +│$"
    rows = iter(re.findall(line, text, flags=re.MULTILINE))
    for of_ladder in rungs:
        names, times, rates, gains = zip(*islice(rows, len(of_ladder)), strict=True)
        assert list(names) == [rung.__name__ for rung in of_ladder]
        assert all(float(ms) > 0 for ms in times)
        assert gains[0] == ""
        for gain, before, after in zip(gains[1:], rates, rates[1:], strict=False):
            assert float(gain) == pytest.approx(float(after) / float(before), rel=0.1)
    assert not list(rows)


@pytest.mark.skipif(gpu.is_there(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_in_one_line(ladder):
    text, _ = ladder
    assert text.count("\nThe rungs for a GPU need one that CuPy can use.\n") == 1
    assert text.count("GPU") == 1


def test_it_draws_them(ladder):
    text, folder = ladder
    assert text.endswith("The picture is in kernel_ladder.png\n")
    assert [path.name for path in folder.iterdir()] == ["kernel_ladder.png"]
    pixels = matplotlib.image.imread(folder / "kernel_ladder.png")
    assert pixels.shape[0] > 300
    assert pixels.shape[1] > 800
    assert pixels[..., :3].std() > 0.05


def test_it_is_short_and_says_what_it_does():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count("\n") < 90
    assert len(text.splitlines()[0]) <= 60 + 3
    assert "\nThe data are random matrices." in text
