"""`nnscratch check`: whether the exercises of a lesson are solved, with a hint where not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from nnscratch.lessons import Lesson, find

EXERCISES = (1, 2)

SECONDS_FOR_LESSON = 120.0
"""They take a few; on a slow machine that compiles kernels for the first time, more."""

SECONDS_FOR_EXERCISE = 10.0

OUT_OF_TIME = 1
"""The exit status of a process that `faulthandler` ends when its time is over."""


class Verdict(NamedTuple):
    """What became of one exercise.

    Attributes:
        exercise: 1 or 2.
        state: "right", "not yet" or "not answered".
        hint: what to think of next, where it is not right.
    """

    exercise: int
    state: str
    hint: str = ""


class LessonStoppedError(Exception):
    """The program did not reach its end; the message says why."""


def check_lesson(name: str, folder: Path) -> int:
    """Print for both exercises of a lesson whether they are right.

    Args:
        name: a lesson's number or name, or a file.
        folder: where the user's copies are; the bundled lesson is run if there is none.

    Returns:
        The exit status: 0 if both are right, 1 if not, 2 if there is no such lesson or file.
    """
    try:
        lesson, path = _chosen(name, folder)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    own = path != lesson.path
    print(f"Lesson {lesson.number}, {'your' if own else 'the bundled'} {path.name}\n")
    try:
        found = verdicts(path, lesson)
    except LessonStoppedError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    _print_verdicts(found)
    print()
    if all(verdict.state == "right" for verdict in found):
        print("Both are right.")
        return 0
    if own:
        print(f"Change the answers at the end of {path.name}, and check again.")
    else:
        print(f"To answer them, get a copy: nnscratch lessons {lesson.number} --copy")
    return 1


def verdicts(
    path: Path,
    lesson: Lesson,
    seconds_for_lesson: float = SECONDS_FOR_LESSON,
    seconds_for_exercise: float = SECONDS_FOR_EXERCISE,
) -> list[Verdict]:
    """Run a copy of a lesson in a process of its own, and judge its answers.

    Whatever it writes with a relative path goes into a folder that is thrown away.

    Raises:
        LessonStoppedError: the program did not reach its end.
    """
    found: list[Verdict] = []
    while len(found) < len(EXERCISES):  # once more if an exercise has ended the process
        limits = (seconds_for_lesson, seconds_for_exercise)
        events, status = _run_child(path, lesson, limits, EXERCISES[len(found) :])
        last = events[-1] if events else {}
        if "stopped" in last:
            raise LessonStoppedError(_why_stopped(path, last))
        if not last:
            raise LessonStoppedError(f"Python could not be started anew to run {path.name}.")
        if last.get("starts") == "lesson":
            raise LessonStoppedError(f"{path.name} {_why_ended(status, seconds_for_lesson)}")
        found += [
            Verdict(event["exercise"], event["state"], event["hint"])
            for event in events
            if "exercise" in event
        ]
        if "starts" in last:
            why = f"It {_why_ended(status, seconds_for_exercise)}"
            found.append(Verdict(last["starts"], "not yet", why))
    return found


def _why_ended(status: int, seconds: float) -> str:
    """What to say of a program or a function that has not come to its end."""
    if status == OUT_OF_TIME:
        return f"took longer than {seconds:g} seconds: is there a loop without end?"
    return f"ended the process that ran it (exit status {status})."


def _chosen(name: str, folder: Path) -> tuple[Lesson, Path]:
    """The lesson, and the file to run."""
    path = folder / name
    if name.endswith(".py"):
        lesson = find(path.name)
        if path.is_file():
            return lesson, path
        if path.name != name:
            raise LookupError(f"There is no file {name!r}.")
    else:
        lesson = find(name)
    own = folder / lesson.path.name
    return lesson, own if own.is_file() else lesson.path


def _run_child(
    path: Path, lesson: Lesson, limits: tuple[float, float], exercises: tuple[int, ...]
) -> tuple[list[dict[str, Any]], int]:
    """What the child told, and its exit status."""
    with tempfile.TemporaryDirectory(prefix="nnscratch-") as scratch:
        told = Path(scratch) / "told.jsonl"
        told.touch()
        folder = Path(scratch) / "folder"
        folder.mkdir()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "nnscratch.lessons.child"),
                *(str(path.resolve()), lesson.name, str(told)),
                *map(str, limits),
                ",".join(map(str, exercises)),
            ],
            cwd=folder,
            # Nobody sees what it prints: no terminal's alphabet shall stop it.
            env=os.environ | {"PYTHONPATH": _import_path(), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        lines = told.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines], done.returncode


def _import_path() -> str:
    """What this process imports from, so that the child finds the same nnscratch."""
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)


def _why_stopped(path: Path, event: dict[str, Any]) -> str:
    package = event["missing"]
    if package and not package.startswith("nnscratch"):
        return f"{path.name} needs the package {package!r}: pip install 'nnscratch[data,plot]'."
    return f"{path.name} stopped before its exercises could be checked: {event['stopped']}"


def _print_verdicts(found: list[Verdict]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"right": "bold green", "not yet": "bold yellow", "not answered": "dim"}
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for verdict in found:
        state = Text(verdict.state, styles[verdict.state])
        table.add_row(f"Exercise {verdict.exercise}", state, verdict.hint)
    Console(highlight=False, markup=False).print(table)
