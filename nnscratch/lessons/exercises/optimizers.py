"""Lesson 9: the steps of momentum and of Adam."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import Parameter, Tensor
from nnscratch.lessons.answers import NotYetError, array_of, described, judge, number
from nnscratch.optimizers import SGD, Adam, Optimizer


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """How long steps with momentum get."""
    rate, kept = 0.03, 0.9
    right = _last_step(SGD(rate, momentum=kept), gradient=1.0, steps=500)
    judge(
        abs(number(answer)),
        right,
        [
            (rate, "This is the first step. The second one still has 0.9 of it, and so on."),
            (_last_step(SGD(rate, momentum=kept), 1.0, 2), "This is the second step. Go on."),
            (right * kept, "This is the part that is kept. The gradient pushes once more."),
            (1.0, "This is the gradient. The learning rate counts as well."),
            (right / rate, "With a learning rate of 1 it would be. Here it is 0.03."),
        ],
        "When the steps grow no more, a step m is 0.9 * m + 0.03. Which m is that?",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The first steps of SGD and of Adam when the gradient is small."""
    gradient = 0.01
    if not isinstance(answer, tuple | list | np.ndarray):
        raise NotYetError(f"The answer is two numbers, (sgd, adam), got {described(answer)}.")
    sgd, adam = np.abs(array_of(answer, (2,)))
    rate = 0.2
    judge(
        sgd,
        _last_step(SGD(0.1), gradient),
        [
            (gradient, "The first number: a step of sgd is the learning rate times the gradient."),
            (0.1, "The first number: this is the learning rate. It is multiplied by the gradient."),
            (rate, "The first number is the step of sgd, the second one that of adam."),
        ],
        "The first number: look into `sgd` once more. The gradient is 0.01.",
    )
    judge(
        adam,
        _last_step(Adam(rate), gradient),
        [
            (
                rate * 0.1 / np.sqrt(0.001),
                "The second number: m and v start at 0, so at t = 1 `larger` is not 1.",
            ),
            (
                rate * gradient,
                "The second number: adam divides by the root of v, which is about as large as the "
                "gradient. Put t = 1 and g = 0.01 into `adam`.",
            ),
        ],
        "The second number: call `adam` with g = 0.01, t = 1, m = 0 and v = 0.",
    )


def _last_step(optimizer: Optimizer, gradient: float, steps: int = 1) -> float:
    """How far the optimizer moves a weight in the last of some steps with the same gradient."""
    weight = Parameter(np.zeros(1))
    for _ in range(steps):
        before = weight.data.copy()
        optimizer.apply_gradients([(Tensor(np.full(1, gradient)), weight)])
    return float(np.abs(weight.data - before)[0])
