"""Docstrings as they are written: plain text with `code` and indented examples, no reST signs."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.util.inspect import stringify_signature

_CODE = re.compile(r"(`+[^`]*`+)")
_SIGNS = re.compile(r"[|*]|_(?!\w)")
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep signs that mean something to reST from meaning it; indented paragraphs are code."""
    result: list[str] = []
    in_sections = in_code = False
    for line in lines:
        if line.startswith("Create new instance of"):  # what Python writes for a named tuple
            continue
        in_sections = in_sections or bool(_SECTION.match(line))
        indented = line.startswith("    ") and not in_sections
        if indented and not in_code and (not result or not result[-1]):
            result += ["::", ""]
            in_code = True
        elif line and not indented:
            in_code = False
        result.append(line if in_code else _escaped(line))
    lines[:] = result


def rejoined(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Undo that napoleon takes what stands before a property's first colon for its type."""
    split = [line for line in lines if line.startswith(":type: ")]
    if what == "property" and split:
        lines[0] = f"{split[0].removeprefix(':type: ')}: {lines[0]}"
        lines.remove(split[0])


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    return "".join(
        part if part.startswith("`") else _SIGNS.sub(lambda sign: "\\" + sign[0], part)
        for part in parts
    )


def of_constructor(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: Any, returns: Any
) -> tuple[str, Any] | None:
    """The arguments of a class: those of `__init__`, where `__new__` only notes what it gets."""
    if what not in ("class", "exception") or not inspect.isfunction(obj.__init__):
        return None
    own = inspect.signature(obj.__init__)
    arguments = own.replace(parameters=list(own.parameters.values())[1:])
    return stringify_signature(arguments, show_annotation=False), returns


def is_noise(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which stand among the attributes already."""
    return True if (inspect.getdoc(obj) or "").startswith("Alias for field number") else None


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-skip-member", is_noise)
    app.connect("autodoc-process-signature", of_constructor)
    app.connect("autodoc-process-docstring", plain, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", rejoined, priority=600)  # after it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
