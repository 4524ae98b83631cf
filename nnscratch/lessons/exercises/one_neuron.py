"""Lesson 1: a gradient through one neuron, and an engine that learns exp."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import grad
from nnscratch.lessons.answers import NotYetError, call, described, judge, number


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of tanh(w x + b) with respect to x."""
    w, x, b = 2.0, 0.75, -1.0

    def neuron(w: Any, x: Any, b: Any) -> Any:
        return np.tanh(w * x + b)

    for_w, for_x, slope = (grad(neuron, argument)(w, x, b) for argument in (0, 1, 2))
    z, y = w * x + b, neuron(w, x, b)
    judge(
        number(answer),
        for_x,
        [
            (slope, "This is the slope of tanh. On its way on to x it is multiplied once more."),
            (w, "This is the slope of w * x + b. The tanh after it has a slope too."),
            (for_w, "This is the gradient with respect to w, not x."),
            (y, "This is y itself. How steeply does it grow when x grows?"),
            ((1 - z**2) * w, "The slope of tanh is 1 - y * y, with y = tanh(z) and not with z."),
            (-for_x, "The size is right, but not the sign: y grows when x grows."),
        ],
        "Slopes along the path multiply: tanh has the slope 1 - y * y, w * x + b has the slope w.",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The exponential function of a Value."""
    Value = lesson["Value"]
    z = 0.7
    value = Value(z)
    try:
        result = call(answer, value)
    except NotYetError as error:
        if "callable exp method" in str(error):  # what NumPy says when it is given the Value
            raise NotYetError("np.exp takes a number: that of the value, value.data.") from None
        raise
    if not isinstance(result, Value):
        raise NotYetError(
            f"The function should give a Value, with parents and slopes as in tanh(); it gives "
            f"{described(result)}."
        )
    judge(result.data, np.exp(z), otherwise=f"The data of exp({z}) should be {np.exp(z):.6f}.")
    _check_links(result, value)
    result.backward()
    judge(
        value.grad,
        np.exp(z),
        [
            (0.0, "The slope is 0. exp is nowhere flat: it is as steep as it is high."),
            (1.0, "The result has a slope of 1 towards the value. It is as steep as it is high."),
            (z, "The slope is the value itself. exp is as steep as it is high, not as z."),
        ],
        f"The gradient of exp at {z} should be {np.exp(z):.6f}, got {value.grad:.6f}.",
    )
    again = Value(z)
    (call(answer, again * again) + again).backward()
    right = grad(lambda z: np.exp(z * z) + z)(z)
    judge(again.grad, right, otherwise="It is right for exp(z), but not inside exp(z * z) + z.")


def _check_links(result: Any, value: Any) -> None:
    """Refuse a Value that `backward` cannot walk through.

    Raises:
        NotYetError: parents and slopes are no tuples of one length, or the value is no parent.
    """
    links = (result.parents, result.slopes)
    if not all(isinstance(link, tuple | list) for link in links):
        raise NotYetError(
            "parents and slopes are tuples, also with one element: write (value,) with a comma."
        )
    if len(result.parents) != len(result.slopes):
        raise NotYetError(
            f"There is one slope for each parent, got {len(result.slopes)} for "
            f"{len(result.parents)}."
        )
    if value not in result.parents:
        raise NotYetError("No gradient arrives: the value must be among the parents of the result.")
