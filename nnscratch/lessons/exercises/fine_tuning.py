"""Lesson 12: counting what learns, and freezing."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.layers import Dense
from nnscratch.lessons.answers import NotYetError, judge, number, run
from nnscratch.models import Sequential


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """The numbers of the last layer alone."""
    model = _model(64, 64, 32, 2)
    everything = sum(weight.size for weight in model.trainable_weights)
    for layer in model.layers[:2]:
        layer.trainable = False
    kernel, bias = model.trainable_weights
    judge(
        number(answer),
        kernel.size + bias.size,
        [
            (kernel.size, "The kernel is right. The layer has a bias too."),
            (everything, "These are the numbers of all layers. Two of the three are frozen."),
            (everything - kernel.size - bias.size, "These are the ones that do not change."),
            (64 * 2 + 2, "The last layer gets the 32 outputs of the one in the middle."),
        ],
        "Only the last layer learns: a kernel of inputs times units, and a bias for each unit.",
        tolerance=0,
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """All layers frozen but the last few."""
    for count, frozen_before in ((1, False), (2, False), (1, True), (3, True)):
        model = _model(2, 6, 5, 4, 3)
        for layer in model.layers:
            layer.trainable = not frozen_before
        run(answer, model, count)
        given = [layer.trainable for layer in model.layers]
        right = [place >= len(given) - count for place in range(len(given))]
        if given == right:
            continue
        state = "all frozen before" if frozen_before else "all trainable before"
        told = f"With 4 layers, {state}, and count = {count}"
        if all(given) and not frozen_before:
            raise NotYetError(f"{told} nothing has changed: set layer.trainable for each layer.")
        if given == [not trainable for trainable in right]:
            raise NotYetError(f"{told} it is the wrong way round: the last ones should learn.")
        if given[: 4 - count] == right[: 4 - count]:
            raise NotYetError(f"{told} the last layers are still frozen: thaw them as well.")
        place = int(np.argmax(np.not_equal(given, right)))
        should = "trainable" if right[place] else "frozen"
        raise NotYetError(f"{told} the layer model.layers[{place}] should be {should}.")


def _model(inputs: int, *units: int) -> Sequential:
    model = Sequential([Dense(count) for count in units])
    model.build((None, inputs))
    return model
