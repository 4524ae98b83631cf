"""The directive `lessons-table`: what each lesson says of itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

LESSONS = Path(__file__).parents[2] / "examples" / "lessons"


class LessonsTable(SphinxDirective):
    """Takes no arguments."""

    def run(self) -> list[Node]:
        rows = ["| lesson | what it shows |", "|---|---|"]
        for path in sorted(LESSONS.glob("[0-9]*.py")):
            self.env.note_dependency(str(path))
            text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            rows.append(f"| `{path.stem}` | {text.partition(chr(10))[0]} |")
        return self.parse_text_to_nodes("\n".join(rows))


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("lessons-table", LessonsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
