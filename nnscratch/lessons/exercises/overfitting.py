"""Lesson 11: what dropout passes on, and where early stopping goes back to."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.callbacks import EarlyStopping
from nnscratch.layers import Dropout
from nnscratch.lessons.answers import call, judge, number
from nnscratch.models import Sequential


def check_1(answer: Any, lesson: dict[str, Any]) -> None:
    """What is left of a 3 that passes dropout."""
    output, rate = 3.0, 0.2
    passed = float(np.max(Dropout(rate, seed=0)(np.full((1, 1000), output), training=True)))
    judge(
        number(answer),
        passed,
        [
            (output, "What passes is made larger, to make up for the units that are off."),
            (output * (1 - rate), "The other way: it is made larger, so that the sum stays."),
            (output / rate, "0.2 is the share that is switched off. How much is left on?"),
            (output * (1 + rate), "A share of 0.8 is on. 0.8 times what is 1?"),
            (output * rate, "This is what is switched off on average. What does pass is enlarged."),
            (0.0, "That would be a unit that is switched off. This one passes."),
        ],
        "Of all units 0.8 are on. For the sum to stay the same, each counts 1 / 0.8 times.",
    )


def check_2(answer: Any, lesson: dict[str, Any]) -> None:
    """The best epoch before early stopping stops."""
    for losses, patience in (
        ([5.0, 4.0, 3.0, 3.5, 2.0, 2.5, 2.6, 2.7, 2.8, 1.0], 3),
        ([1.0, 2.0, 3.0, 0.5], 2),
        ([3.0, 2.0, 1.0], 2),
        ([2.0, 2.0, 2.0, 1.0], 3),
        ([4.0, 3.0, 3.5, 3.2, 2.9, 3.0], 3),
    ):
        best, last = _stopped(losses, patience)
        given = number(call(answer, losses, patience))
        judge(
            given,
            best,
            [
                (best - 1, f"One too few for {losses}: the first epoch has the number 1."),
                (
                    np.argmin(losses) + 1,
                    f"For the losses {losses} and patience {patience} training stops after epoch "
                    f"{last}: the later ones are never run.",
                ),
                (
                    np.argmin(losses),
                    f"The first epoch has the number 1; and for the losses {losses} and patience "
                    f"{patience} training stops after epoch {last}.",
                ),
                (last, "This is the epoch after which training stops. Which was the best?"),
            ],
            f"For the losses {losses} and patience {patience} the best one is epoch {best}, got "
            f"{given:g}.",
            tolerance=0,
        )


def _stopped(losses: list[float], patience: int) -> tuple[int, int]:
    """The best epoch, and the last one that is run."""
    stop = EarlyStopping(patience=patience)
    model = Sequential()
    model.stop_training = False
    stop.set_model(model)
    stop.on_train_begin()
    for epoch, loss in enumerate(losses):
        stop.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return stop.best_epoch + 1, epoch + 1
