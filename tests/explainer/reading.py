"""What a page shows, read back from it."""

from __future__ import annotations

import base64
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from playwright.sync_api import Locator, Page

    from nnscratch.explainer.recording import Entry, Recording

    Open = Callable[..., AbstractContextManager[Page]]


def choose(page: Page, entry: Entry) -> None:
    """Select a node as a click does, also where it is out of sight."""
    page.locator(f"#entry-{entry.index}").dispatch_event("click")


def settle(page: Page) -> None:
    """Let the browser work off input that it takes in frame by frame, as that of a wheel."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def go_to(page: Page, position: int) -> None:
    page.get_by_role("slider", name="Step", exact=True).fill(str(position))


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def named(recording: Recording, label: str) -> Entry:
    return next(entry for entry in recording.entries if entry.label == label)


def of_op(recording: Recording, op: str) -> Entry:
    return next(entry for entry in recording.entries if entry.op == op)


def number(text: str) -> float:
    return float(text.strip().replace("−", "-").replace("∞", "inf"))


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def matrix(page: Page, label: str) -> Locator:
    return page.get_by_role("figure").and_(page.locator(f'[data-label="{label}"]')).first


def readout(figure: Locator) -> tuple[str, float]:
    place, _, text = figure.locator(".readout").inner_text().partition(" = ")
    return place, number(text)


FUNCTIONS: dict[str, Any] = {
    "abs": abs,
    "arccos": np.arccos,
    "arcosh": np.arccosh,
    "arcsin": np.arcsin,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "arsinh": np.arcsinh,
    "artanh": np.arctanh,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "erf": math.erf,
    "exp": np.exp,
    "floor": np.floor,
    "inf": np.float64(np.inf),
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "max": lambda *numbers: np.max(numbers),
    "min": lambda *numbers: np.min(numbers),
    "nan": np.float64(np.nan),
    "round": np.round,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
    "trunc": np.trunc,
    "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "π": math.pi,
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "__builtins__": {},
}

SIGNS = {"−": "-", "·": "*", "²": "**2", "^": "**", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}


def evaluated(text: str) -> float:
    """What a written-out computation comes to."""
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    text = re.sub(r"\|(.*?)\|", r"abs(\1)", text)
    for root, name in (("√", "sqrt"), ("∛", "cbrt")):
        text = re.sub(rf"{root}(π|[\d.]+(?:e-?\d+)?)", rf"{name}(\1)", text)
        text = text.replace(f"{root}(", f"{name}(")
    with np.errstate(all="ignore"):
        return float(eval(text, FUNCTIONS))


def both_sides(equation: str) -> tuple[float, float]:
    """The computation that an equation writes out, and the result that it names."""
    left, _, right = equation.rpartition(" = ")
    return evaluated(left), number(right)


def numbers_of(array: dict[str, Any]) -> Any:
    """The numbers of an array in a document, one after another."""
    return np.frombuffer(base64.b64decode(array["data"]), "<f4")
