"""The parameters of a model in flat buffers, so that an optimizer is one kernel call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.tensor import wrap
from nnscratch_kernels import aligned
from nnscratch_kernels.devices import device_of, to_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nnscratch.autograd import Parameter, Tensor


class FlatParameters:
    """Values and gradients of parameters of one dtype and device; each parameter is a view.

    Attributes:
        parameters: in the order of the buffer.
        slices: the place of each of them.
        values: shape (total,).
        gradients: shape (total,).
        slots: further buffers of this shape that an optimizer keeps, by name.
        value_views: the part of `values` that is each parameter's data, in its shape.
        storages: the part of `gradients` that is each parameter's `grad_storage`.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        """Move the parameters' numbers into the buffer."""
        self.slots: dict[str, Any] = {}
        self._prepared: Any = None
        self._lay_out(parameters)

    def slot(self, name: str, start: float | None) -> Any:
        """The slot of this name, made if need be: full of `start`, or like the values."""
        if name not in self.slots:
            values = self.values
            self.slots[name] = aligned.full_like(values, values if start is None else start)
        return self.slots[name]

    def slot_views(self, index: int) -> dict[str, Any]:
        """The part of each slot that belongs to a parameter, in its shape."""
        place, shape = self.slices[index], self.value_views[index].shape
        return {name: slot[place].reshape(shape) for name, slot in self.slots.items()}

    @property
    def prepared(self) -> Any:
        """A second buffer for gradients, for those that are scaled or clipped before a step."""
        if self._prepared is None:
            self._prepared = aligned.full_like(self.gradients, 0)
        return self._prepared

    def adopt(self, index: int) -> None:
        """Copy a parameter's numbers into the buffer and make it a view again.

        Raises:
            ValueError: its shape has changed.
        """
        parameter, view = self.parameters[index], self.value_views[index]
        if parameter.shape != view.shape:
            raise ValueError(
                f"Parameter {parameter.name!r} had shape {view.shape} when training began and has "
                f"{parameter.shape} now: give it values of its first shape, or make a new layer."
            )
        view[...] = parameter.data
        parameter.data = view
        parameter.grad_storage = self.storages[index]

    def _lay_out(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = list(parameters)
        sizes = [parameter.size for parameter in self.parameters]
        ends = np.cumsum(sizes).tolist()
        self.slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        values = np.concatenate([p.data.ravel() for p in self.parameters])
        self.values = aligned.full_like(values, values)
        self.gradients = aligned.full_like(values, 0)
        places = list(zip(self.slices, [p.shape for p in self.parameters], strict=True))
        self.value_views: list[Any] = [self.values[place].reshape(shape) for place, shape in places]
        self.storages: list[Tensor] = [
            wrap(self.gradients[place].reshape(shape), None, 0) for place, shape in places
        ]
        for index in range(len(self.parameters)):
            self.adopt(index)

    def __getstate__(self) -> Any:
        """What a copy is made of: copied arrays would no longer be views of copied buffers."""
        return self.parameters, self.slots

    def __setstate__(self, state: Any) -> None:
        """Lay the copied parameters out anew."""
        parameters, self.slots = state
        self._prepared = None
        self._lay_out(parameters)


class Buffers:
    """The flat buffers of one optimizer, one for each dtype and device; more for latecomers.

    Attributes:
        places: the buffer of each parameter, and its index there.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.places: dict[Parameter, tuple[FlatParameters, int]] = {}

    def add(self, parameters: Iterable[Parameter], slots: Mapping[str, float | None]) -> None:
        """Lay out parameters; those known already stay where they are.

        Args:
            parameters: any.
            slots: names of the slots that new ones get, with what `FlatParameters.slot` starts at.
        """
        new: dict[Any, list[Parameter]] = {}
        for parameter in parameters:
            if parameter not in self.places:
                kind = parameter.dtype, device_of(parameter.data)
                new.setdefault(kind, []).append(parameter)
        for group in new.values():
            buffer = FlatParameters(group)
            for name, start in slots.items():
                buffer.slot(name, start)
            for index, parameter in enumerate(group):
                self.places[parameter] = (buffer, index)

    def follow(self, parameters: Iterable[Parameter]) -> None:
        """Lay out anew, with their slots, those parameters that are on another device by now."""
        moved: dict[tuple[FlatParameters, str], list[Parameter]] = {}
        for parameter in parameters:
            if parameter in self.places:
                buffer, _ = self.places[parameter]
                device = device_of(parameter.data)
                if device != device_of(buffer.values):
                    moved.setdefault((buffer, device), []).append(parameter)
        for (buffer, device), group in moved.items():
            old = [self.slot_views(parameter) for parameter in group]
            new = FlatParameters(group)
            for name in buffer.slots:
                new.slot(name, 0.0)
            for index, (parameter, slots) in enumerate(zip(group, old, strict=True)):
                self.places[parameter] = (new, index)
                for name, view in new.slot_views(index).items():
                    view[...] = to_device(slots[name], device)

    def remove(self, parameters: Iterable[Parameter]) -> None:
        """Forget parameters and what their slots hold."""
        for parameter in parameters:
            self.places.pop(parameter, None)

    @property
    def distinct(self) -> list[FlatParameters]:
        """Each buffer once."""
        return list(dict.fromkeys(buffer for buffer, _ in self.places.values()))

    def slot_views(self, parameter: Parameter) -> dict[str, Any]:
        """The slots of a parameter by name, views of its shape; none for one that is not known."""
        if parameter not in self.places:
            return {}
        buffer, index = self.places[parameter]
        return buffer.slot_views(index)
