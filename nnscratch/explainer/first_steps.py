"""The first training of a program that was not written to be recorded, cut short."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from nnscratch.explainer.run import Run, record
from nnscratch.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TRAINS = ("fit", "train_on_batch")


class _EnoughSeen(BaseException):
    """Ends the program, past whatever it does about exceptions."""


def first_steps(program: Callable[[], object], steps: int) -> Run:
    """Run a program until the first model that it trains has taken some steps.

    Args:
        program: what to run.
        steps: how many; fewer if the first call of `fit` ends before.

    Returns:
        What was recorded.

    Raises:
        RuntimeError: the program came to its end without training a model.
    """
    runs: list[Run] = []
    with _recording_first_call(runs, steps), suppress(_EnoughSeen):
        program()
    if not runs:
        raise RuntimeError(
            "The program trained no model: it called neither fit nor train_on_batch of one."
        )
    return runs[0]


@contextmanager
def _recording_first_call(runs: list[Run], steps: int) -> Iterator[None]:
    """Have the first call of `fit` or `train_on_batch` recorded, and the program end with it."""
    plain = {name: getattr(Trainer, name) for name in _TRAINS}

    def watched(train: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(train)
        def call(model: Any, *args: Any, **kwargs: Any) -> Any:
            with record(model, steps) as run:
                runs.append(run)
                _stop_after(model, run)
                train(model, *args, **kwargs)
            raise _EnoughSeen

        return call

    for name, train in plain.items():
        setattr(Trainer, name, watched(train))
    try:
        yield
    finally:
        for name, train in plain.items():
            setattr(Trainer, name, train)


def _stop_after(model: Any, run: Run) -> None:
    """Have the model's step end the program when everything has been recorded."""
    step = model.train_step

    def last_step(data: Any) -> Any:
        logs = step(data)
        if len(run.losses) >= run.steps:
            raise _EnoughSeen
        return logs

    object.__setattr__(model, "train_step", last_step)
