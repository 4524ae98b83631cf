"""Judging an answer: what the exercises of all lessons ask of it, and the hints that they share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGITS = 0.005
"""How far a number given to three digits may be from the right one, relatively."""

NEARLY = 0.05
"""How far a number may be to be called rounded too much."""


class NotYetError(Exception):
    """The answer is not right; the message is a hint."""


def judge(
    given: Any,
    right: Any,
    wrong: Sequence[tuple[Any, str]] = (),
    otherwise: str = "",
    tolerance: float = DIGITS,
) -> None:
    """Compare an answer with the right one and with the likely mistakes.

    Args:
        given: numbers, of any shape.
        right: what they should be.
        wrong: likely wrong results, each with the hint for who has it.
        otherwise: the hint for all others.
        tolerance: relative, of each number; 0 for numbers that are counted.

    Raises:
        NotYetError: they are not right; the message is a hint.
    """
    if same(given, right, tolerance):
        return
    for result, hint in wrong:
        if same(given, result, tolerance):
            raise NotYetError(hint)
    if tolerance == DIGITS and same(given, right, NEARLY):
        raise NotYetError("Nearly: give more digits.")
    raise NotYetError(otherwise)


def same(given: Any, expected: Any, tolerance: float) -> bool:
    """Whether two arrays have the same shape and about the same numbers."""
    given, expected = np.asarray(given), np.asarray(expected)
    return given.shape == expected.shape and bool(
        np.allclose(given, expected, rtol=tolerance, atol=1e-9 if tolerance else 0)
    )


def number(answer: Any) -> float:
    """The answer as a number.

    Raises:
        NotYetError: it is something else.
    """
    array = array_of(answer, wanted="a number")
    if array.size != 1:
        raise NotYetError(f"The answer is one number, got {array.size} of them.")
    return float(array.reshape(()))


def array_of(
    answer: Any, shape: tuple[int, ...] | None = None, wanted: str = "an array of numbers"
) -> Any:
    """The answer as an array.

    Args:
        answer: a tensor, an array, nested lists of numbers, or a number.
        shape: what its shape should be; None for any.
        wanted: what the answer should be, in words.

    Raises:
        NotYetError: it is something else.
    """
    try:
        array = np.asarray(answer.data if isinstance(answer, Tensor) else answer)
    except (ValueError, TypeError):  # rows that differ in length
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise NotYetError(f"The answer is {wanted}, got {described(answer)}.")
    if shape is not None and array.shape != shape:
        raise NotYetError(f"The answer should have the shape {shape}, got {array.shape}.")
    return array.astype(np.float64)


def call(answer: Any, *arguments: Any) -> Any:
    """What the function that was given as answer makes of copies of these arguments.

    Raises:
        NotYetError: it is no function, or it raises, or it gives None.
    """
    result = run(answer, *arguments)
    if result is None:
        raise NotYetError("The function gives None: it should end with `return ...`.")
    return result


def run(answer: Any, *arguments: Any) -> Any:
    """As `call`, for a function that need not return anything.

    Raises:
        NotYetError: it is no function, or it raises.
    """
    if not callable(answer):
        raise NotYetError(f"The answer is a function, `def ...`, got {described(answer)}.")
    try:
        return answer(*(_copied(argument) for argument in arguments))
    except (Exception, SystemExit) as error:
        raise NotYetError(f"The function stopped with {type(error).__name__}: {error}") from error


def described(answer: Any) -> str:
    """An answer in a few words, for messages."""
    text = repr(answer)
    article = "an" if type(answer).__name__[0] in "aeiou" else "a"
    shown = f" ({text})" if len(text) <= 40 and "\n" not in text else ""
    return f"{article} {type(answer).__name__}{shown}"


def _copied(argument: Any) -> Any:
    """A copy, so that a function that changes what it gets spoils nothing; models are shared."""
    return copy.deepcopy(argument) if isinstance(argument, np.ndarray | list | dict) else argument
