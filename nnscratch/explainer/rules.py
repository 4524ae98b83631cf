"""The source text of an op's gradient rule, and the line of the user's program that called it."""

from __future__ import annotations

import ast
import linecache
import textwrap
from functools import cache
from inspect import getsource, getsourcefile, unwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.autograd.anomaly import Origin
    from nnscratch.autograd.op import Op


def rule_source(op: Op) -> str:
    """The rules of an op as they stand in `nnscratch.ops`, one for each argument."""
    names = op.names or ("a", "b", "c")
    lines = []
    for place, rule in enumerate(op.vjps):
        if rule is None:
            continue
        text = _source(rule)
        whose = "all arguments" if op.joint or op.variadic else names[place % len(names)]
        lines.append(f"# gradient of {whose}\n{text}")
    return "\n\n".join(dict.fromkeys(lines))


def line_of(origin: Origin) -> str:
    """The text of a line of the user's program; empty where there is no file to read."""
    return linecache.getline(origin.filename, origin.line).strip()


def _source(rule: Callable[..., Any]) -> str:
    """A function's definition, or of a lambda just the lambda."""
    plain = unwrap(rule)
    try:
        if plain.__name__ != "<lambda>":
            return textwrap.dedent(getsource(plain)).strip()
        return _lambda_source(plain)
    except (OSError, TypeError):  # made by another function, or no source file
        return f"{getattr(plain, '__name__', plain)}(…)"


def _lambda_source(function: Callable[..., Any]) -> str:
    file = getsourcefile(function)
    if file is None:
        raise OSError("no source file")
    text, lambdas = _lambdas(file)
    places = {
        (line, column)
        for line, _, column, _ in function.__code__.co_positions()
        if line is not None and column is not None
    }
    for found in lambdas:  # inner ones first
        body = found.body
        if found.lineno == function.__code__.co_firstlineno and any(
            (body.lineno, body.col_offset) <= place < (body.end_lineno, body.end_col_offset)
            for place in places
            if place[0] >= body.lineno
        ):
            segment = ast.get_source_segment(text, found) or ""
            return " ".join(segment.split())
    raise OSError("the lambda is not where it was")


@cache
def _lambdas(file: str) -> tuple[str, list[ast.Lambda]]:
    text = Path(file).read_text(encoding="utf-8")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda)]
    return text, found[::-1]
