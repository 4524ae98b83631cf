"""Lesson 4: over which axes to sum, and a sum in a program."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import grad
from nnscratch.lessons.answers import NotYetError, array_of, call, described, judge


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The axes along which w was repeated."""
    x, w = (8, 1, 5), (3, 1)
    y = np.broadcast_shapes(x, w)
    given = (answer,) if isinstance(answer, int) and not isinstance(answer, bool) else answer
    try:
        axes = {range(len(y))[axis] for axis in given}
    except (TypeError, IndexError):
        raise NotYetError(f"The answer is a tuple of axes of y, got {described(answer)}.") from None
    if axes == _repeated(w, y):
        return
    if axes == _repeated(x, y):
        raise NotYetError("This is the axis along which x was repeated. The question is about w.")
    if axes < _repeated(w, y):
        raise NotYetError(
            "Not all: w was repeated along the axis that it does not have, and along the one where "
            "its length is 1."
        )
    raise NotYetError(
        "Line the shapes up from the right: (8, 1, 5) above (3, 1). Where is w repeated?"
    )


def _repeated(shape: tuple[int, ...], result: tuple[int, ...]) -> set[int]:
    padded = (1,) * (len(result) - len(shape)) + shape
    return {axis for axis, length in enumerate(padded) if length != result[axis]}


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of n in x / n."""
    random = np.random.default_rng(4)
    for rows, columns in ((4, 3), (2, 5)):
        x, g = random.normal(size=(2, rows, columns))
        n = random.uniform(1, 2, size=(rows, 1))
        right = grad(lambda n, x, g: np.sum(x / n * g))(n, x, g)
        given = array_of(call(answer, x, n, g))
        shape = given.shape
        if shape == (rows, columns):
            raise NotYetError(
                f"n has the shape ({rows}, 1), and {shape} came back: each number of n was used "
                f"in {columns} columns, so what they send it must be summed."
            )
        if shape in ((columns,), (1, columns)):
            raise NotYetError(
                f"This is a sum over the rows, of shape {shape}. Each number of n was used in the "
                f"columns of one row: sum over those, axis=1."
            )
        if shape == (rows,):
            raise NotYetError(
                f"n has the shape ({rows}, 1), and ({rows},) came back: sum with keepdims=True."
            )
        judge(
            array_of(given, (rows, 1)),
            right,
            [
                (-right, "Only the sign is wrong: when n grows, x / n gets smaller."),
                (
                    (g / n).sum(axis=1, keepdims=True),
                    "g / n is what x receives. The slope of x / n towards n is -x / n².",
                ),
                (-(g * x / n).sum(axis=1, keepdims=True), "It should be n², not n."),
                (-(x / n**2).sum(axis=1, keepdims=True), "The gradient g of y is missing."),
            ],
            "The slope of x / n towards n is -x / n². Times g, summed over the columns.",
            tolerance=1e-6,
        )
