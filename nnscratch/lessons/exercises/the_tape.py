"""Lesson 2: contributions that are added, on paper and in a program."""

from __future__ import annotations

from typing import Any

from nnscratch.autograd import grad
from nnscratch.lessons.answers import NotYetError, call, described, judge, number


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of c = b b + b with b = a a."""
    a = 3.0

    def c_of_b(b: Any) -> Any:
        return b * b + b

    b = a * a
    right = grad(lambda a: c_of_b(a * a))(a)
    judge(
        number(answer),
        right,
        [
            (b * a, "Here each contribution has replaced the one before. They must be added."),
            (grad(c_of_b)(b), "This is the gradient with respect to b. It has to go on, to a."),
            (2 * b * 2 * a, "b is used three times: twice in b * b, and once more in + b."),
            ((b + 1) * 2 * a, "b * b uses b twice as well: it sends b two contributions."),
            (grad(c_of_b)(b) * a, "b = a * a uses a twice: it sends two contributions to a."),
            (c_of_b(b), "This is c itself. How steeply does it grow when a grows?"),
        ],
        "b gets b from each side of b * b, and 1 from + b. What b has got goes to a twice, each "
        "time multiplied by a.",
        tolerance=0,
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The contributions to each name, added up."""
    for pairs in (
        [("a", 2.0), ("b", 1.0), ("a", 3.0)],
        [],
        [("c", 1.0), ("b", 2.0), ("b", 2.0), ("b", -3.0), ("a", 0.5)],
    ):
        right: dict[str, float] = {}
        for name, contribution in pairs:
            right[name] = right.get(name, 0.0) + contribution
        given = call(answer, pairs)
        if not isinstance(given, dict):
            raise NotYetError(
                f"The function should give a dictionary; it gives {described(given)}."
            )
        if given == right:
            continue
        if given == dict(pairs):
            raise NotYetError("Each contribution replaces the one before. They must be added.")
        raise NotYetError(f"For {pairs} it should give {right}; it gives {given}.")
