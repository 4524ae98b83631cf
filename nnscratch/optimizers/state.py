"""The names in an optimizer's saved state, and the checks of one that is to be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.optimizers import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nnscratch.autograd import Parameter

ITERATIONS, LEARNING_RATE = "iterations", "learning_rate"
MULTIPLIER = "learning_rate_multiplier"


class State(NamedTuple):
    """A state that fits.

    Attributes:
        iterations: how often `apply` was called.
        learning_rate: None if a schedule gives it.
        slots: those of each parameter by name; none for one that was not trained.
        multipliers: the learning rate multiplier of each parameter.
    """

    iterations: int
    learning_rate: float | None
    slots: list[dict[str, Any]]
    multipliers: list[float]


def checked(
    state: Mapping[str, Any],
    parameters: Sequence[Parameter],
    expected: Iterable[str],
    optimizer: str,
) -> State:
    """What `Optimizer.get_state` gave, if it was of such an optimizer and such parameters.

    Args:
        state: arrays by name.
        parameters: of the model that the state is for.
        expected: names of the slots that every trained parameter has.
        optimizer: what messages call the optimizer.

    Raises:
        ValueError: names, shapes, kinds or values that do not fit.
    """
    if ITERATIONS not in state:
        raise ValueError(
            f"The state for {optimizer} has no {ITERATIONS!r}: give what get_state returned."
        )
    iterations = options.steps_or_none(ITERATIONS, np.asarray(state[ITERATIONS])[()], least=0)
    learning_rate: float | None = None
    if LEARNING_RATE in state:
        learning_rate = options.not_negative(LEARNING_RATE, np.asarray(state[LEARNING_RATE]))
    wanted = list(expected)
    slots: list[dict[str, Any]] = [{} for _ in parameters]
    multipliers = [1.0 for _ in parameters]
    for name, values in state.items():
        if name in (ITERATIONS, LEARNING_RATE):
            continue
        slot, _, place = name.rpartition("/")
        if slot != MULTIPLIER and slot not in wanted:
            raise ValueError(
                f"The state holds {name!r}, and {optimizer} keeps {wanted or 'nothing'}: give it "
                f"to an optimizer of the kind and with the options of the one that it is from."
            )
        if not place.isdecimal() or int(place) >= len(parameters):
            raise ValueError(
                f"The state holds {name!r}, and the model has {len(parameters)} weights: load it "
                f"into a model of the architecture that it is from."
            )
        if slot == MULTIPLIER:
            multipliers[int(place)] = options.positive(name, np.asarray(values))
        else:
            slots[int(place)][slot] = _fitting(name, values, parameters[int(place)])
    for index, own in enumerate(slots):
        missing = [slot for slot in wanted if slot not in own]
        if own and missing:
            raise ValueError(
                f"The state lacks {missing[0]}/{index}, which {optimizer} keeps: give it to an "
                f"optimizer of the kind and with the options of the one that it is from."
            )
    return State(iterations or 0, learning_rate, slots, multipliers)


def _fitting(name: str, values: Any, parameter: Parameter) -> Any:
    array = np.asarray(values)
    if array.shape != parameter.shape or array.dtype.kind != "f":
        raise ValueError(
            f"The state holds {name!r} of shape {array.shape} and dtype {array.dtype} for the "
            f"weight {parameter.name!r} of shape {parameter.shape}: load it into a model of the "
            f"architecture that it is from."
        )
    return array
