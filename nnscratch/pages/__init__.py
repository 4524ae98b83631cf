"""What the pages of `nnscratch.explainer` and `nnscratch.play` share, and how to find their files.

The scripts here are modules. `nnscratch play` serves them as they are; a page that is one file has
to work from a disk, where a browser loads no module, so there they are joined into one scope.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

SUFFIXES = (".html", ".css", ".js")


@cache
def parts(package: str) -> dict[str, str]:
    """The texts of a page's files by name: those of the package's folder `web`, and those of all.

    Args:
        package: such as "nnscratch.play".
    """
    folders = (files("nnscratch.pages"), files(package) / "web")
    return {
        part.name: part.read_text(encoding="utf-8")
        for folder in folders
        for part in folder.iterdir()
        if part.name.endswith(SUFFIXES)
    }


def joined(scripts: list[str]) -> str:
    """One script out of several that import nothing, in one scope of their own."""
    own = "\n".join(re.sub(r"^export ", "", text, flags=re.MULTILINE) for text in scripts)
    return f'"use strict";\n(() => {{\n{own}\n}})();\n'
