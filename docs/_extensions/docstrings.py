"""Docstrings as they are written: plain text with `code` and indented examples, no reST signs."""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"(`+[^`]*`+)")
_SIGNS = re.compile(r"[|*]|_(?!\w)")
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep signs that mean something to reST from meaning it; indented paragraphs are code."""
    result: list[str] = []
    in_sections = in_code = False
    for line in lines:
        in_sections = in_sections or bool(_SECTION.match(line))
        indented = line.startswith("    ") and not in_sections
        if indented and not in_code and (not result or not result[-1]):
            result += ["::", ""]
            in_code = True
        elif line and not indented:
            in_code = False
        result.append(line if in_code else _escaped(line))
    lines[:] = result


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    return "".join(
        part if part.startswith("`") else _SIGNS.sub(lambda sign: "\\" + sign[0], part)
        for part in parts
    )


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", plain, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
