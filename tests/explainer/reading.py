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
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "max": max,
    "min": min,
    "abs": abs,
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "leaky_relu": lambda x: max(x, 0.2 * x),
    "__builtins__": {},
}


def evaluated(text: str) -> float:
    """What a written-out computation comes to."""
    plain = text.replace("−", "-").replace("·", "*").replace("²", "**2").replace("^", "**")
    plain = re.sub(r"\|(.*?)\|", r"abs(\1)", plain)
    plain = plain.replace("√(", "sqrt(")
    plain = re.sub(r"√([\d.]+(?:e-?\d+)?)", r"sqrt(\1)", plain)
    return float(eval(plain, FUNCTIONS))


def both_sides(equation: str) -> tuple[float, float]:
    """The computation that an equation writes out, and the result that it names."""
    left, _, right = equation.rpartition(" = ")
    return evaluated(left), number(right)


def numbers_of(array: dict[str, Any]) -> Any:
    """The numbers of an array in a document, one after another."""
    return np.frombuffer(base64.b64decode(array["data"]), "<f4")
