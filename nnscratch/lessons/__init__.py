"""The lessons: programs to read from top to bottom, each with two exercises at its end.

`nnscratch lessons` lists, runs and copies them, `nnscratch check` looks at the answers.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple


class Lesson(NamedTuple):
    """One of the bundled programs.

    Attributes:
        number: its place, from 1.
        path: the file, such as 03_topological_order.py.
    """

    number: int
    path: Path

    @property
    def name(self) -> str:
        """Its name without the number, such as topological_order."""
        return self.path.stem.partition("_")[2]

    @property
    def says(self) -> str:
        """What it shows, in a line."""
        text = ast.get_docstring(ast.parse(self.path.read_text("utf-8"))) or ""
        return text.partition("\n")[0]


def lessons() -> list[Lesson]:
    """All lessons: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if folder.is_dir():
            paths = sorted((folder / "lessons").glob("[0-9][0-9]_*.py"))
            return [Lesson(int(path.name[:2]), path) for path in paths]
    return []


def find(name: str) -> Lesson:
    """The lesson of this number or name: "3", "03_topological_order", "topological_order.py".

    Raises:
        LookupError: there is none; the message says which there are.
    """
    known = lessons()
    wanted = name.removesuffix(".py")
    numbers = re.match(r"0*(\d+)(_|$)", wanted)
    for lesson in known:
        if wanted == lesson.name or (numbers and int(numbers[1]) == lesson.number):
            return lesson
    near = get_close_matches(wanted, [lesson.name for lesson in known], n=1)
    meant = f"did you mean {near[0]}?" if near else f"they have the numbers 1 to {len(known)}."
    raise LookupError(f"There is no lesson {name!r}: {meant}")


def list_lessons() -> int:
    """Print what each lesson shows, and how to run them; gives the exit status."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column(justify="right")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for lesson in lessons():
        table.add_row(str(lesson.number), lesson.name, lesson.says)
    Console(highlight=False, markup=False).print(table)
    print(
        "\nRun one:                      nnscratch lessons 1"
        "\nPut it here, to be changed:   nnscratch lessons 1 --copy"
        "\nCheck its two exercises:      nnscratch check 1"
    )
    return 0


def copy_lesson(lesson: Lesson, folder: Path) -> int:
    """Put a copy into a folder, never over a file that is there; gives the exit status."""
    target = folder / lesson.path.name
    try:
        with lesson.path.open("rb") as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy)
    except FileExistsError:
        print(
            f"{target.name} is here already and was left as it is: rename or remove it to get "
            f"the lesson anew.",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"{target.name} cannot be written here: {error.strerror}.", file=sys.stderr)
        return 1
    print(
        f"The lesson is in {target.name}. Run it with: python {target.name}\n"
        f"Answer the two exercises at its end, then: nnscratch check {lesson.number}"
    )
    return 0
