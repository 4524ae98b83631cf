"""Lesson 10: eight layers that shrink, and weights that keep the size."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.lessons.answers import NotYetError, array_of, call, judge, number


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """What eight layers make of the size 1."""
    inputs, deviation, layers = 100, 0.05, 8
    factor = deviation * np.sqrt(inputs)
    judge(
        number(answer),
        factor**layers,
        [
            (factor, "This is one layer. There are eight, one after the other."),
            (factor * layers, "One after the other the factors multiply, they are not added."),
            ((deviation * inputs) ** layers, "The factor is s * sqrt(n), not s * n."),
        ],
        "One layer changes the size by s * sqrt(n) = 0.5. And eight of them, one after the other?",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """Weights with the standard deviation sqrt(2 / inputs)."""
    for inputs, units in ((50, 900), (800, 60)):
        random = np.random.default_rng(10)
        weights = array_of(call(answer, inputs, units, random), (inputs, units))
        deviation, right = weights.std(), np.sqrt(2 / inputs)
        if np.ptp(weights) == 0:
            raise NotYetError("All weights are the same, so all units would stay alike: draw them.")
        if abs(weights.mean()) > 0.1 * deviation:
            raise NotYetError(f"The mean of the weights should be 0, got {weights.mean():.3f}.")
        judge(
            deviation,
            right,
            [
                (1.0, f"{inputs} products are added up: with deviation 1 their sum is too large."),
                (
                    right / np.sqrt(2),
                    "This would do without relu. Half of its units are off: make up for that too.",
                ),
                (right**2, "The square root is missing: this is 2 / inputs."),
                (np.sqrt(2 / units), "It is the number of inputs that counts, not of units."),
                (np.sqrt(2 / (inputs + units)), "Only the inputs count here, not the units."),
            ],
            f"For {inputs} inputs the deviation should be {right:.3f}, got {deviation:.3f}. "
            f"See the comment above `starts`.",
            tolerance=0.04,  # a sample of 45,000
        )
