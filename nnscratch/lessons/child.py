"""The process that runs a lesson and its checkers, so that whatever they do ends here.

It is started by `nnscratch.lessons.check` in a folder that will be thrown away, and tells how far
it came in a file: a line of JSON for each event. Time that runs out ends the process.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import nnscratch as ns
from nnscratch.explainer.page import Explanation
from nnscratch.lessons.answers import NotYetError


def main() -> None:
    """Run a lesson, then check its exercises one after the other.

    The arguments are the file, the name of the module with the right answers, the file to write
    to, the seconds for the lesson and for each exercise, and the numbers of the exercises.
    """
    path, name, told, *seconds, exercises = sys.argv[1:]
    for_lesson, for_exercise = map(float, seconds)
    with open(told, "a", encoding="utf-8", buffering=1) as file, open(os.devnull, "w") as nowhere:

        def tell(**event: Any) -> None:
            print(json.dumps(event), file=file)

        faulthandler.dump_traceback_later(for_lesson, exit=True, file=nowhere)
        tell(starts="lesson")
        try:
            lesson = run_lesson(Path(path))
        except (Exception, SystemExit) as error:
            tell(stopped=stopped(error, path), missing=missing_package(error))
            return
        for exercise in map(int, exercises.split(",")):
            faulthandler.dump_traceback_later(for_exercise, exit=True, file=nowhere)
            tell(starts=exercise)
            state, hint = verdict(name, exercise, lesson)
            tell(exercise=exercise, state=state, hint=hint)
        faulthandler.cancel_dump_traceback_later()


def run_lesson(path: Path) -> dict[str, Any]:
    """Run the program without writing its page, and give all that it has defined."""
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    ns.explain = lambda loss, path="backprop.html", title=None: Explanation(Path(path), "")
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    return names


def verdict(name: str, exercise: int, lesson: dict[str, Any]) -> tuple[str, str]:
    """What to say of one answer: "right", "not yet" or "not answered", and a hint."""
    answer = lesson.get(f"answer_{exercise}")
    if answer is None:
        return "not answered", ""
    module = import_module(f"nnscratch.lessons.exercises.{name}")
    try:
        getattr(module, f"check_{exercise}")(answer, lesson)
    except NotYetError as hint:
        return "not yet", str(hint)
    except Exception as error:
        return "not yet", f"This answer cannot be checked: {type(error).__name__}: {error}"
    return "right", ""


def stopped(error: BaseException, path: str) -> str:
    """Say why the program itself came to an end."""
    lines = [line for file, line, *_ in traceback.extract_tb(error.__traceback__) if file == path]
    if isinstance(error, SyntaxError) and error.filename == path and error.lineno is not None:
        lines = [error.lineno]
    where = f" in line {lines[-1]}" if lines else ""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}{where}{': ' if message else ''}{message}"


def missing_package(error: BaseException) -> str | None:
    """The package without which the program cannot run, if that is what stopped it."""
    return error.name if isinstance(error, ModuleNotFoundError) else None


if __name__ == "__main__":
    main()
