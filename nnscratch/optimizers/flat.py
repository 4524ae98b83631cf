"""The parameters of a model in one flat buffer, so that an optimizer is one kernel call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.autograd import Parameter


class FlatParameters:
    """Values and gradients of parameters of one dtype, end to end; each parameter is a view.

    Attributes:
        parameters: in the order of the buffer.
        values: shape (total,).
        gradients: shape (total,).
        slots: further buffers of this shape that an optimizer keeps, by name.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        """Move the parameters' numbers into the buffer."""
        self.parameters = list(parameters)
        sizes = [parameter.size for parameter in self.parameters]
        ends = np.cumsum(sizes).tolist()
        self.slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self.values = np.concatenate([p.data.ravel() for p in self.parameters])
        self.gradients = np.zeros_like(self.values)
        self.slots: dict[str, Any] = {}
        for parameter, place in zip(self.parameters, self.slices, strict=True):
            parameter.grad_storage = Tensor(self.gradients[place].reshape(parameter.shape))
            self._adopt(parameter, place)

    def add_slot(self, name: str, value: float = 0.0) -> None:
        """Give the optimizer a buffer of this name, filled with `value`."""
        self.slots[name] = np.full_like(self.values, value)

    def load(self, indices: Sequence[int], gradients: Sequence[Tensor]) -> None:
        """Bring the gradients of the parameters at `indices` into the buffer."""
        for index, gradient in zip(indices, gradients, strict=True):
            parameter = self.parameters[index]
            if parameter.data.base is not self.values:  # somebody set parameter.data
                self._adopt(parameter, self.slices[index])
            if gradient is not parameter.grad_storage:
                self.gradients[self.slices[index]] = gradient.data.ravel()

    def runs(self, indices: Sequence[int]) -> list[slice]:
        """The stretches of the buffer that the parameters at `indices` cover, joined up."""
        runs: list[slice] = []
        for place in (self.slices[index] for index in sorted(indices)):
            if runs and runs[-1].stop == place.start:
                runs[-1] = slice(runs[-1].start, place.stop)
            else:
                runs.append(place)
        return runs

    def _adopt(self, parameter: Parameter, place: slice) -> None:
        self.values[place] = parameter.data.ravel()
        parameter.data = self.values[place].reshape(parameter.shape)
