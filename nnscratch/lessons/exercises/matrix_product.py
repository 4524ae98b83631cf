"""Lesson 5: the gradient of a product, on paper and in a program."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import grad
from nnscratch.lessons.answers import NotYetError, array_of, call, judge


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of w for the sum of x @ w."""
    x, w = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])

    def loss(w: Any, x: Any) -> Any:
        return np.sum(x @ w)

    right = grad(loss)(w, x)
    for_x = grad(loss, 1)(w, x)
    given = array_of(answer)
    if np.array_equal(given.ravel(), for_x.ravel()):
        raise NotYetError("This is the gradient of x. The question is about w.")
    judge(
        array_of(given, w.shape),
        right,
        [
            (right.T, "Nearly: rows and columns are exchanged. w[k, j] is multiplied by x[k]."),
            (w, "This is w itself. What is each of its numbers multiplied by?"),
        ],
        "The sum sends 1 to each number of y. w[k, j] receives it multiplied by x[0, k].",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of w for y = x @ w.T."""
    random = np.random.default_rng(5)
    for rows, inputs, units in ((5, 3, 2), (1, 2, 4)):
        x, g = random.normal(size=(rows, inputs)), random.normal(size=(rows, units))
        w = random.normal(size=(units, inputs))
        right = grad(lambda w, x, g: np.sum(x @ w.T * g))(w, x, g)
        given = array_of(call(answer, x, w, g))
        shape = given.shape
        if shape == (inputs, units):
            raise NotYetError(
                f"w has the shape {w.shape} here, (units, inputs), and {shape} came back: it is "
                f"transposed."
            )
        if shape == (rows, inputs):
            raise NotYetError("What came back has the shape of x. The question is about w.")
        judge(
            array_of(given, w.shape),
            right,
            otherwise="The shape is right. w[j, k] gets x[i, k] * g[i, j], added up over all i.",
            tolerance=1e-6,
        )
