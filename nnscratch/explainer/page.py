"""One HTML file out of a document and the parts in `web/`: it works offline, from a file."""

from __future__ import annotations

import base64
import html
import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnscratch.pages import joined, parts

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRIPTS = ("vendor/dagre/dagre.min.js",)
"""What runs before our own scripts."""

TITLE = "Backpropagation, step by step"
"""What a page is called that nobody gave a title."""

INLINE_HEIGHT = 760
"""Pixels of a page inside a notebook."""

WITHOUT_FRAME = (
    "A page of nnscratch stands here. To see it, run this cell or trust this notebook "
    "(in JupyterLab: Trust Notebook in the command palette)."
)
"""What is left where frames are taken out, as notebooks do that come from someone else."""


class Explanation:
    """A page that was written.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, text: str) -> None:
        """Keep where it is, and the page itself for notebooks."""
        self.path = path
        self._text = text

    def __repr__(self) -> str:
        """Say where the page is and how to see it."""
        return f"<Explanation in {self.path}: open it in a browser>"

    def _repr_html_(self) -> str:
        """The page inside a notebook."""
        return framed(self._text)


def framed(text: str) -> str:
    """A page for a notebook: in a frame of its own, that cannot reach the notebook.

    Args:
        text: the page. Only what would end the attribute is escaped, since a notebook keeps it all.
    """
    escaped = text.replace("&", "&amp;").replace("'", "&#39;")
    return (
        f"<iframe srcdoc='{escaped}' "
        f'sandbox="allow-scripts allow-downloads" allow="clipboard-write" '
        f'title="nnscratch explains" width="100%" height="{INLINE_HEIGHT}" style="border:0">'
        f"{WITHOUT_FRAME}</iframe>"
    )


def write_page(document: dict[str, Any], path: str | Path) -> Explanation:
    """Write a document's page.

    Args:
        document: what `nnscratch.explainer.document` made.
        path: the file, which is replaced if it is there.

    Raises:
        OSError: the file cannot be written; the message says what to do.
    """
    target = Path(path)
    text = page(document)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            error.errno, f"{reason}: explain cannot write there, give another path", str(target)
        ) from None
    return Explanation(target, text)


def page(document: dict[str, Any]) -> str:
    """The page as text."""
    texts = parts("nnscratch.explainer")
    style = texts["base.css"] + texts["style.css"]
    scripts = _script_texts()
    filled = {
        "{{policy}}": _policy(style, scripts),
        "{{title}}": html.escape(document["title"]),
        "{{style}}": style,
        "{{document}}": embedded(document),
        "{{scripts}}": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    pieces = [texts["page.html"]]
    # Each mark stands once, and what replaced it is not looked at.
    for mark, part in filled.items():
        last = pieces.pop()
        before, _, after = last.partition(mark)
        pieces += [before, part, after]
    return "".join(pieces)


def embedded(document: Any) -> str:
    """JSON that can stand inside a script element: no tag and no comment can end it."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def own_scripts() -> list[str]:
    """The names of our own scripts, in the order in which they are joined: main.js runs last."""
    names = (name for name in parts("nnscratch.explainer") if name.endswith(".js"))
    return sorted(names, key=lambda name: (name == "main.js", name))


@cache
def _script_texts() -> list[str]:
    """What runs: the layout library, then all of our own files in one scope."""
    web = files("nnscratch.explainer") / "web"
    others = [web.joinpath(*name.split("/")).read_text(encoding="utf-8") for name in SCRIPTS]
    own = [parts("nnscratch.explainer")[name] for name in own_scripts()]
    return [*others, joined(own)]


def _policy(style: str, scripts: Iterable[str]) -> str:
    """A policy under which the browser loads nothing, and runs nothing but these very texts."""
    hashes = " ".join(_hash(text) for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; "
        f"img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
