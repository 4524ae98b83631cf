"""The directives `lessons-table` and `lesson`: what a lesson says, its program, what it gives."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

LESSONS = Path(__file__).parents[2] / "examples" / "lessons"
PAGES = "lesson_pages"
"""The folder, inside the built docs, with the pages and films that the lessons write."""


class LessonsTable(SphinxDirective):
    """Takes no arguments."""

    def run(self) -> list[Node]:
        rows = ["| | lesson | what it shows |", "|---|---|---|"]
        for path in sorted(LESSONS.glob("[0-9]*.py")):
            self.env.note_dependency(str(path))
            number, _, name = path.stem.partition("_")
            link = f"[{name.replace('_', ' ')}](lessons/{path.stem}.md)"
            rows.append(f"| {int(number)} | {link} | {docstring(path)[0]} |")
        return self.parse_text_to_nodes("\n".join(rows))


class LessonPage(SphinxDirective):
    """Takes the file's name without its ending."""

    required_arguments = 1

    def run(self) -> list[Node]:
        path = LESSONS / f"{self.arguments[0]}.py"
        self.env.note_dependency(str(path))
        number = int(path.stem[:2])
        says, about = docstring(path)
        text = f"**{says}** {about}\n\n```sh\nnnscratch lessons {number} --copy\n```\n"
        program = nodes.literal_block(path.read_text("utf-8"), path.read_text("utf-8"))
        program["language"] = "python"
        made = [*self.parse_text_to_nodes(text), program]
        if self.env.app.builder.format == "html":
            made += self.outcome(path)
        return made

    def outcome(self, path: Path) -> list[Node]:
        """What the program has printed, and links to what it has written."""
        folder = Path(self.env.app.outdir) / PAGES
        printed = (folder / f"{path.stem}.txt").read_text("utf-8")
        output = nodes.literal_block(printed, printed)
        output["language"] = "text"
        links = [f'<a href="../{PAGES}/{path.stem}.html">Its page, step by step</a>']
        film = folder / f"{path.stem}.gif"
        if film.exists():
            links.append(f'<img src="../{PAGES}/{film.name}" alt="The film that it draws.">')
        return [
            *self.parse_text_to_nodes("It prints:"),
            output,
            nodes.raw("", "".join(f"<p>{link}</p>" for link in links), format="html"),
        ]


def run_lessons(app: Any) -> None:
    """Run the lessons, two at a time, where the pages will be; not those that are there already."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / PAGES
    folder.mkdir(parents=True, exist_ok=True)

    def run(path: Path) -> None:
        told = folder / f"{path.stem}.txt"
        if told.exists() and told.stat().st_mtime > path.stat().st_mtime:
            return
        command = [sys.executable, str(path)]
        environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
        told.write_bytes(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, sorted(LESSONS.glob("[0-9]*.py"))))


def docstring(path: Path) -> tuple[str, str]:
    """The first line of what a lesson says of itself, and the rest."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    first, _, rest = text.partition("\n")
    return first, rest.strip()


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", run_lessons)
    app.add_directive("lessons-table", LessonsTable)
    app.add_directive("lesson", LessonPage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
