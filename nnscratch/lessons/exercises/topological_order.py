"""Lesson 3: counting paths, and finding an order."""

from __future__ import annotations

from typing import Any

from nnscratch.lessons.answers import NotYetError, described, judge, number

INPUTS = {"b": "aa", "c": "ba", "d": "bc", "e": "cc", "f": "de"}
"""What each node of the second exercise is made from."""


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """Visits along every path in a chain of 30 doublings."""
    nodes = 30
    visits = 0
    for _ in range(nodes):
        visits = 1 + 2 * visits  # the last node, and all of the shorter chain twice
    judge(
        number(answer),
        visits,
        [
            (nodes, "In topological order it would be that many. Along every path it is more."),
            (visits + 1, "One too many: compare with the list, where 4 nodes need 15 visits."),
            ((visits + 1) // 2, "Look at the list: 1 node needs 1 visit, 2 nodes need 3."),
            (2 * visits + 1, "This is a chain of 31: each doubling makes one node."),
            (2 * nodes, "It does not grow by 2 with each node, it doubles. Look at the list."),
        ],
        "Each node sends two contributions to the one before: that one is visited twice as often.",
        tolerance=0,
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """An order in which every node goes after all that use it."""
    if isinstance(answer, list | tuple):
        answer = "".join(map(str, answer))
    if not isinstance(answer, str):
        raise NotYetError(f"The answer is a string of five letters, got {described(answer)}.")
    order = answer.replace(" ", "").replace(",", "").lower()
    if sorted(order) != sorted(INPUTS):
        raise NotYetError(f"The order should name each of b, c, d, e, f once, got {answer!r}.")
    for place, node in enumerate(order):
        for user in order[place + 1 :]:
            if node in INPUTS[user]:
                raise NotYetError(
                    f"{node} goes before {user}, which still has something to send it."
                )
