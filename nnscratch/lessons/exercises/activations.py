"""Lesson 6: slopes in a row, and counting dead units."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import elementwise_grad
from nnscratch.lessons.answers import NotYetError, call, judge, number
from nnscratch.ops import sigmoid


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """Five slopes of sigmoid, each where it is steepest."""
    layers = 5
    steepest = elementwise_grad(sigmoid)(np.linspace(-1, 1, 201)).max()
    judge(
        number(answer),
        steepest**layers,
        [
            (steepest, "This is one layer. The gradient passes five of them."),
            (steepest * layers, "Slopes along a path multiply, they are not added."),
            (0.5**layers, "0.5 is the height of sigmoid at 0. Its slope is in the list above."),
            (1.0, "So it is with tanh. What is the slope of sigmoid at 0?"),
        ],
        "Find the steepest slope of sigmoid in the list above; five of them multiply.",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The number of units that are 0 for every row."""
    random = np.random.default_rng(6)
    x = random.normal(size=(20, 3))
    w = random.normal(size=(3, 8))
    b = np.array([0.0, -30.0, 0.5, -30.0, -30.0, 0.2, -1.0, 30.0])
    z = x @ w + b
    right = int(np.all(z <= 0, axis=0).sum())
    given = call(answer, x, w, b)
    if np.ndim(given) > 0:
        raise NotYetError("The function should give one number: how many units are dead.")
    judge(
        number(given),
        right,
        [
            (int(np.any(z <= 0, axis=0).sum()), "A unit is dead only if it is 0 for every row."),
            (len(b) - right, "These are the units that are alive."),
            (int((z <= 0).sum()), "These are all outputs that are 0. How many units are always 0?"),
            (int(np.all(z <= 0, axis=1).sum()), "These are rows. The units are the columns."),
        ],
        f"For a layer with {right} dead units out of {len(b)} it gives {given}.",
        tolerance=0,
    )
    x, b = np.abs(x), np.zeros(len(b))  # a layer whose units die of their weights alone
    w[:, 5:] = -np.abs(w[:, 5:])
    right = int(np.all(x @ w <= 0, axis=0).sum())
    given = number(call(answer, x, w, b))
    judge(
        given,
        right,
        otherwise=f"Where b is 0 and weights are negative, {right} of {len(b)} units are dead, got "
        f"{given:g}: x and w count as well.",
        tolerance=0,
    )
    w[:, 0] = 0.0  # z is exactly 0 for each row
    judge(
        number(call(answer, x, w, b)),
        right + 1,
        otherwise="Where z is exactly 0, relu gives 0 as well: such a unit counts too.",
        tolerance=0,
    )
