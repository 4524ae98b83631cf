"""Optimizer: turns gradients into updates, over flat buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.optimizers.flat import FlatParameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnscratch.autograd import Parameter, Tensor


class Optimizer:
    """Base of all optimizers: a subclass names its slots and gives `update`.

    Attributes:
        learning_rate: η; may be set at any time.
        iterations: how many steps were taken.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: Any) -> None:
        """Start at step 0.

        Raises:
            ValueError: a learning rate that is not a positive number.
        """
        if not isinstance(learning_rate, int | float | np.number) or not learning_rate > 0:
            raise ValueError(f"learning_rate must be a positive number, got {learning_rate!r}.")
        self.learning_rate: Any = learning_rate
        self.iterations = 0
        self._buffers: list[FlatParameters] = []
        self._places: dict[int, tuple[FlatParameters, int]] = {}
        self._plans: dict[tuple[int, ...], list[_Plan]] = {}

    def update(self, values: Any, gradients: Any, slots: dict[str, Any]) -> None:
        """Change `values`, shape (n,), in place by one step for `gradients`; `slots` persist."""
        raise NotImplementedError(f"{type(self).__name__} needs an update method.")

    def build(self, parameters: Iterable[Parameter]) -> None:
        """Lay parameters out in flat buffers, one a dtype; those known already stay as they are."""
        new: dict[Any, list[Parameter]] = {}
        for parameter in parameters:
            if id(parameter) not in self._places:
                new.setdefault(parameter.dtype, []).append(parameter)
        for group in new.values():
            buffer = FlatParameters(group)
            for name in self.slot_names:
                buffer.add_slot(name)
            self._buffers.append(buffer)
            for index, parameter in enumerate(group):
                self._places[id(parameter)] = (buffer, index)

    def apply(self, gradients: Sequence[Tensor | None], parameters: Sequence[Parameter]) -> None:
        """Take one step.

        Args:
            gradients: one for each parameter, None where it did not take part.
            parameters: those to change; others keep their values and their slots.
        """
        if any(gradient is None for gradient in gradients):
            pairs = [(g, p) for g, p in zip(gradients, parameters, strict=True) if g is not None]
            gradients, parameters = [g for g, _ in pairs], [p for _, p in pairs]
        key = tuple(map(id, parameters))
        plans = self._plans.get(key)
        if plans is None:
            plans = self._plans[key] = self._plan(parameters)
        self.iterations += 1
        for plan in plans:
            plan.buffer.load(plan.indices, [gradients[i] for i in plan.positions])  # type: ignore[misc] # no None left
            for run in plan.runs:
                self.update(*run)

    def _plan(self, parameters: Sequence[Parameter]) -> list[_Plan]:
        """For each flat buffer: which gradients go where, and the stretches to update."""
        self.build(parameters)
        plans = []
        for buffer in self._buffers:
            positions = [i for i, p in enumerate(parameters) if self._places[id(p)][0] is buffer]
            indices = [self._places[id(parameters[i])][1] for i in positions]
            runs = [
                (
                    buffer.values[run],
                    buffer.gradients[run],
                    {name: slot[run] for name, slot in buffer.slots.items()},
                )
                for run in buffer.runs(indices)
            ]
            plans.append(_Plan(buffer, indices, positions, runs))
        return plans


class _Plan(NamedTuple):
    """How one step goes over one buffer for one choice of parameters.

    Attributes:
        buffer: the flat buffer.
        indices: the parameters' places in the buffer.
        positions: the same parameters' places in the caller's list.
        runs: values, gradients and slots of each contiguous stretch to update.
    """

    buffer: FlatParameters
    indices: list[int]
    positions: list[int]
    runs: list[tuple[Any, Any, dict[str, Any]]]
