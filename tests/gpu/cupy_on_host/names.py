"""What CuPy has, as `record_names.py` has recorded it."""

from __future__ import annotations

import json
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("cupy_names.json").read_text(encoding="utf-8")
)
KINDS = {
    "**": Parameter.VAR_KEYWORD,
    "*": Parameter.VAR_POSITIONAL,
    "/": Parameter.POSITIONAL_ONLY,
    "@": Parameter.KEYWORD_ONLY,
}


def signature(parameters: str) -> Signature:
    """The signature that stands in the record as `parameters`."""
    return Signature([_parameter(text) for text in parameters.split()])


def _parameter(text: str) -> Parameter:
    mark = next((mark for mark in KINDS if text.startswith(mark)), "")
    name = text.removeprefix(mark)
    return Parameter(
        name.removesuffix("="),
        KINDS.get(mark, Parameter.POSITIONAL_OR_KEYWORD),
        default=None if name.endswith("=") else Parameter.empty,
    )
