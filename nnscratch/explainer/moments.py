"""What one training step did to each parameter, and the numbers from which the update follows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.configuration import class_name
from nnscratch.optimizers.state import ITERATIONS, MULTIPLIER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nnscratch.autograd import Parameter
    from nnscratch.models import Model
    from nnscratch.optimizers import Optimizer


@dataclass(frozen=True)
class Moment:
    """One parameter in one step; arrays of its shape.

    Attributes:
        value: before the step, on the host like the others; None if it was not there yet.
        gradient: of the loss; None if it was frozen.
        update: what the step added to the value.
        slots: what the optimizer keeps, after the step, by name.
        before: the same before the step.
        multiplier: of the learning rate.
        decays: whether weight decay applies.
        clipped_norm: the norm that the optimizer clips by, of this gradient or of all together;
            None if it clips by no norm, or had no gradient.
    """

    value: Any = None
    gradient: Any = None
    update: Any = None
    slots: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    multiplier: float = 1.0
    decays: bool = True
    clipped_norm: float | None = None


@dataclass(frozen=True)
class Clock:
    """Where the optimizer stood before a step.

    Attributes:
        optimizer: its class, constants, schedule, and what its slots start with.
        rate: the learning rate.
        iterations: how many updates it had made.
        calls: how many steps it had taken; with accumulated gradients more than updates.
    """

    optimizer: dict[str, Any]
    rate: float
    iterations: int
    calls: int


class Before:
    """A model's weights and its optimizer before a step."""

    def __init__(self, model: Model) -> None:
        """Copy what the step will change."""
        self.values: dict[Parameter, Any] = {}
        self.clock: Clock | None = None
        self.slots: dict[Parameter, dict[str, Any]] = {}
        self.see_values(model)
        optimizer = model.optimizer
        if optimizer is not None:
            state = optimizer.get_state(model.weights)
            self.clock = Clock(
                _described(optimizer),
                optimizer.learning_rate,
                optimizer.iterations,
                int(state[ITERATIONS]),
            )
            self.slots = _slots(state, model.weights)

    def see_values(self, model: Model) -> None:
        """Copy the values of weights that are not known yet: the first step may build a model."""
        for weight in model.weights:
            if weight not in self.values:
                self.values[weight] = weight.numpy().copy()


def moments(model: Model, before: Before, first: bool) -> dict[Parameter, Moment]:
    """What a step did to each parameter, and to those that it made.

    Args:
        model: after the step.
        before: the same before it.
        first: whether it is the optimizer's first step here: what it kept before is noted then,
            since later it is what it kept after the step before.
    """
    weights, optimizer = model.weights, model.optimizer
    if optimizer is None:
        return {weight: _moment(weight, before, _gradient(weight, 1.0)) for weight in weights}
    slots = _slots(optimizer.get_state(weights), weights)
    treatments = optimizer.treatments(weights)
    gradients = {w: _gradient(w, optimizer.loss_scale_factor or 1.0) for w in weights}
    norms = _clipped_norms(optimizer, gradients, before)
    return {
        weight: _moment(
            weight,
            before,
            gradients[weight],
            slots=slots[weight],
            before=before.slots.get(weight, {}) if first else {},
            multiplier=treatment.multiplier,
            decays=treatment.decays,
            clipped_norm=norms.get(weight),
        )
        for weight, treatment in zip(weights, treatments, strict=True)
    }


def _described(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's class, constants, schedule, and what its slots start with."""
    settings = {
        name: value
        for name, value in vars(optimizer).items()
        if not name.startswith("_") and isinstance(value, bool | int | float)
    }
    return {
        "class_name": class_name(type(optimizer)),
        "settings": settings,
        "schedule": _schedule(optimizer),
        "starts": {"gradient_accumulator": 0.0, **optimizer.slots},
    }


def _schedule(optimizer: Optimizer) -> dict[str, Any] | None:
    """The configuration of its learning rate's schedule; None of a number or a function."""
    try:
        rate = optimizer.get_config()["learning_rate"]
    except TypeError:  # a function, or a schedule of the user's, that JSON cannot hold
        return None
    return rate if isinstance(rate, dict) and "config" in rate else None


def _moment(weight: Parameter, start: Before, gradient: Any, **more: Any) -> Moment:
    value = start.values[weight]
    return Moment(value, gradient, weight.numpy() - value, **more)


def _gradient(weight: Parameter, scale: float) -> Any:
    """The gradient of the loss itself; None where there is none."""
    return None if weight.grad is None else weight.grad.numpy() / weight.dtype.type(scale)


def _slots(
    state: Mapping[str, Any], weights: Sequence[Parameter]
) -> dict[Parameter, dict[str, Any]]:
    """What an optimizer keeps for each weight, out of its whole state."""
    slots: dict[Parameter, dict[str, Any]] = {weight: {} for weight in weights}
    for name, kept in state.items():
        slot, _, place = name.rpartition("/")
        if place.isdecimal() and slot != MULTIPLIER:
            slots[weights[int(place)]][slot] = np.array(kept)
    return slots


def _clipped_norms(
    optimizer: Optimizer, gradients: Mapping[Parameter, Any], before: Before
) -> dict[Parameter, float]:
    """The norms by which an optimizer clips these gradients, in a step in which it does."""
    if optimizer.clipnorm is None and optimizer.global_clipnorm is None:
        return {}
    prepared = {weight: g for weight, g in gradients.items() if g is not None}
    every = optimizer.gradient_accumulation_steps
    if every:
        calls = 0 if before.clock is None else before.clock.calls
        if (calls + 1) % every:
            return {}
        for weight, gradient in prepared.items():
            earlier = before.slots.get(weight, {}).get("gradient_accumulator", 0.0)
            prepared[weight] = (earlier + gradient) / every
    norms = {w: math.sqrt(np.sum(np.square(g, dtype=np.float64))) for w, g in prepared.items()}
    if optimizer.clipnorm is not None:
        return norms
    return dict.fromkeys(norms, math.hypot(*norms.values()))
