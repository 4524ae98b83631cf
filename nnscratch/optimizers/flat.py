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
        places = list(zip(self.slices, [p.shape for p in self.parameters], strict=True))
        self._value_views = [self.values[place].reshape(shape) for place, shape in places]
        self._storages = [Tensor(self.gradients[place].reshape(shape)) for place, shape in places]
        for index in range(len(self.parameters)):
            self._adopt(index)

    def add_slot(self, name: str, value: float = 0.0) -> None:
        """Give the optimizer a buffer of this name, filled with `value`."""
        self.slots[name] = np.full_like(self.values, value)

    def load(self, indices: Sequence[int], gradients: Sequence[Tensor]) -> None:
        """Bring the gradients of the parameters at `indices` into the buffer."""
        for index, gradient in zip(indices, gradients, strict=True):
            if gradient is not self._storages[index]:
                self._storages[index].data[...] = gradient.data
            if self.parameters[index].data is not self._value_views[index]:
                self._adopt(index)  # parameter.data was set, or another optimizer had it meanwhile

    def runs(self, indices: Sequence[int]) -> list[slice]:
        """The stretches of the buffer that the parameters at `indices` cover, joined up."""
        runs: list[slice] = []
        for place in (self.slices[index] for index in sorted(indices)):
            if runs and runs[-1].stop == place.start:
                runs[-1] = slice(runs[-1].start, place.stop)
            else:
                runs.append(place)
        return runs

    def _adopt(self, index: int) -> None:
        parameter, view = self.parameters[index], self._value_views[index]
        if parameter.shape != view.shape:
            raise ValueError(
                f"Parameter {parameter.name!r} had shape {view.shape} when training began and has "
                f"{parameter.shape} now: give it values of its first shape, or make a new layer."
            )
        view[...] = parameter.data
        parameter.data = view
        parameter.grad_storage = self._storages[index]
