"""Lesson 7: p - y, and a cross-entropy that does not overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.autograd import grad
from nnscratch.lessons.answers import NotYetError, array_of, call, judge, number
from nnscratch.ops import softmax, sparse_softmax_crossentropy


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The gradient p - y of three outputs."""
    z, truth = np.array([2.0, 1.0, 0.0]), 2
    right = grad(lambda z: sparse_softmax_crossentropy(np.array(truth), z))(z)
    p = softmax(z)
    first = grad(lambda z: sparse_softmax_crossentropy(np.array(0), z))(z)
    judge(
        array_of(answer, (3,)),
        right,
        [
            (p, "This is p. The truth has y = 1: take it off there."),
            (-right, "This is y - p: all the signs are wrong."),
            (first, "Here the truth is the first of the three. It is the last."),
        ],
        "p = exp(z) / sum(exp(z)), and 1 is taken off at the truth. Together they are 0.",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The cross-entropy of one row, also of a very sure one."""
    z, truth = np.array([2.0, 1.0, 0.0]), 2
    right = float(sparse_softmax_crossentropy(np.array(truth), z))
    judge(
        number(call(answer, z, truth)),
        right,
        [
            (-right, "The sign is wrong: it is -log(p), which is never negative."),
            (softmax(z)[truth], "This is p of the truth. The loss is -log(p)."),
            (right / np.log(10), "This is the logarithm to base 10: take np.log."),
            (right / 3, "There is one row: nothing to take a mean of."),
        ],
        f"For z = [2, 1, 0] and truth = 2 it should be {right:.6f}.",
        tolerance=1e-6,
    )
    sure = np.array([1000.0, 0.0])
    for truth in (0, 1):
        right = float(sparse_softmax_crossentropy(np.array(truth), sure))
        with np.errstate(all="ignore"):
            given = number(call(answer, sure, truth))
        if np.isnan(given) or (truth == 0 and np.isinf(given)):
            raise NotYetError(
                "For z = [1000, 0] it gives no number, since exp(1000) overflows: take the "
                "largest z off all of them first. That changes no p."
            )
        if np.isinf(given):
            raise NotYetError(
                f"For z = [1000, 0] and truth = 1 it should be {right:g}, got infinity: this p is "
                f"rounded to 0. Do not compute p: take log(sum(exp(z))) - z[truth], with the "
                f"largest z taken off all of them."
            )
        judge(
            given,
            right,
            otherwise=f"For z = [1000, 0] and truth = {truth} it should be {right:g}, got "
            f"{given:g}: nothing must be added to p, nor p be bounded. Take log(sum(exp(z))) - "
            f"z[truth], with the largest z taken off all of them.",
            tolerance=1e-6,
        )
