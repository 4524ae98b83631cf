"""Every lesson is a short program that runs, shows what it claims, and writes its page."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from nnscratch.lessons import lessons
from nnscratch_kernels.numba_kernels.compilation import COMPILING
from tests.examples import lesson_claims
from tests.examples.lesson_programs import ALL, FOLDER, each_lesson


def test_these_are_all_lessons():
    assert lessons() == ALL
    assert sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".py") == [
        lesson.path.name for lesson in ALL
    ]


@each_lesson
def test_a_lesson_is_short_and_ends_with_two_open_exercises(lesson):
    text = lesson.path.read_text("utf-8")
    assert text.count("\n") < 100
    assert len(lesson.says) <= 51, "one line of `nnscratch lessons` on 80 columns"
    assert lesson.says.endswith(".")
    *_, first, second = ast.parse(text).body
    for number, node in enumerate((first, second), start=1):
        assert ast.unparse(node) == f"answer_{number} = None"
        comment = text.splitlines()[: node.lineno - 1]
        while not comment[-1].startswith(f"# Exercise {number}. "):
            assert comment.pop().startswith("# ")


@each_lesson
def test_it_shows_what_it_claims_and_writes_its_page(lesson, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(lesson.path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.replace(f"{COMPILING}\n", "", 1) == ""
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert not re.search(r" $", done.stdout, flags=re.MULTILINE)
    getattr(lesson_claims, lesson.name)(lesson_claims.Printed(done.stdout))
    page = tmp_path / f"{lesson.path.stem}.html"
    assert page.name in done.stdout
    text = page.read_text("utf-8")
    assert f"<title>Lesson {lesson.number}: " in text
    films = list(tmp_path.glob("*.gif"))
    assert set(tmp_path.iterdir()) == {page, *films}
    assert [film.name for film in films] == ["09_optimizers.gif"] * (lesson.number == 9)
    for film in films:
        assert_it_moves(film)


def assert_it_moves(path: Path) -> None:
    """The film shows the race, and nothing but the racers moves."""
    with Image.open(path) as film:
        assert film.n_frames > 40
        assert film.info["loop"] == 0  # for ever
        frames = []
        for place in (0, film.n_frames // 2, film.n_frames - 1):
            film.seek(place)
            frames.append(np.asarray(film.convert("RGB"), dtype=float))
    assert frames[0].shape == (400, 700, 3)
    for one, other in pairwise(frames):
        changed = np.abs(one - other).max(axis=-1) > 60
        assert 0.001 < changed.mean() < 0.2  # the paths and the clock, not the valley
    assert path.stat().st_size < 1_000_000
