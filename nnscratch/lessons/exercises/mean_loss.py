"""Lesson 8: a learning rate for the mean, and a batch in parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import grad
from nnscratch.lessons.answers import array_of, call, judge, number
from nnscratch.ops import mean_softmax_crossentropy


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The rate at which the mean takes the steps of the sum."""
    rate, batch = 0.01, np.ones(32)
    of_sum = grad(lambda w: np.sum(w * batch))(1.0)
    of_mean = grad(lambda w: np.mean(w * batch))(1.0)
    judge(
        number(answer),
        rate * of_sum / of_mean,
        [
            (rate * of_mean / of_sum, "The other way round: the mean's gradients are smaller."),
            (rate, "The steps would be 32 times as short: so are the mean's gradients."),
            (of_sum / of_mean, "By this factor the rates differ. What is the rate?"),
        ],
        "The mean's gradients are 1/32 of the sum's: the rate has to make up for that.",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient of the whole batch from those of its parts."""
    random = np.random.default_rng(8)
    x = random.normal(size=(72, 5))
    y = np.eye(3)[random.integers(3, size=72)]
    w = random.normal(size=(5, 3))

    def gradient(rows: slice) -> Any:
        return grad(lambda w: mean_softmax_crossentropy(y[rows], x[rows] @ w))(w)

    sizes = [32, 32, 8]
    ends = np.cumsum(sizes)
    parts = [gradient(slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    whole = gradient(slice(None))
    judge(
        array_of(call(answer, parts, sizes), whole.shape),
        whole,
        [
            (np.mean(parts, axis=0), "The parts differ in size: a larger one must count for more."),
            (
                np.sum(parts, axis=0),
                "A sum of means is no mean, and a larger part counts for more.",
            ),
            (whole * sum(sizes), "This is the gradient of the sum: divide by the size of all."),
            (whole * sum(sizes) / len(sizes), "Divide by the number of examples, not of parts."),
        ],
        "A part's mean times its size is its sum. Add the sums, and divide by the size of all.",
        tolerance=1e-6,
    )
