"""How one step goes over the flat buffers, worked out once for each choice of parameters."""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch_kernels.devices import device_of, is_on_gpu, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.autograd import Parameter
    from nnscratch.optimizers.flat import FlatParameters

_data_of = attrgetter("data")


class Treatment(NamedTuple):
    """What an optimizer does differently from parameter to parameter.

    Attributes:
        multiplier: of the learning rate.
        decays: whether weight decay applies.
    """

    multiplier: float = 1.0
    decays: bool = True


class Stretch(NamedTuple):
    """Neighbours in a buffer that are treated alike.

    Attributes:
        buffer: where they are.
        place: from where to where.
        treatment: how they are treated.
    """

    buffer: FlatParameters
    place: slice
    treatment: Treatment


class Block(NamedTuple):
    """What one call of an update works on: a stretch.

    Attributes:
        values: shape (n,), changed in place.
        gradients: shape (n,).
        slots: what the optimizer keeps, each of shape (n,), by name.
        multiplier: of the learning rate.
        decays: whether weight decay applies.
    """

    values: Any
    gradients: Any
    slots: dict[str, Any]
    multiplier: float
    decays: bool


class Plan:
    """The way of one step over the buffers, for one list of parameters.

    Attributes:
        parameters: those that the step changes.
        stretches: where they are.
        blocks: what the updates are called with.
        prepared_blocks: the same, with the buffers' prepared gradients.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        places: dict[Parameter, tuple[FlatParameters, int]],
        treatments: Sequence[Treatment],
    ) -> None:
        """Join neighbours into stretches.

        Args:
            parameters: those that the step changes.
            places: the buffer of each, and its index there.
            treatments: one for each of the parameters.
        """
        self.parameters = list(parameters)
        self._places = [places[parameter] for parameter in self.parameters]
        self._storages = [buffer.storages[index] for buffer, index in self._places]
        self._views = [buffer.value_views[index] for buffer, index in self._places]
        self.stretches = _joined(self._places, treatments)
        self.blocks = [_block(stretch, stretch.buffer.gradients) for stretch in self.stretches]

    @cached_property
    def prepared_blocks(self) -> list[Block]:
        """The blocks, with the buffers' prepared gradients."""
        return [_block(stretch, stretch.buffer.prepared) for stretch in self.stretches]

    @property
    def prepared_gradients(self) -> list[Any]:
        """The prepared gradient of each parameter, flat, in the order of the parameters."""
        return [buffer.prepared[buffer.slices[index]] for buffer, index in self._places]

    def fits(self, gradients: Sequence[Any], parameters: Sequence[Parameter]) -> bool:
        """Whether it was made for these parameters, and all numbers are in the buffers already."""
        return (
            len(parameters) == len(gradients) == len(self.parameters)
            and all(map(is_, parameters, self.parameters))
            and all(map(is_, gradients, self._storages))
            and all(map(is_, map(_data_of, self.parameters), self._views))
        )

    def is_left(self) -> bool:
        """Whether some parameter has moved to another device than its buffer's."""
        return any(
            parameter.data is not view and device_of(parameter.data) != device_of(view)
            for parameter, view in zip(self.parameters, self._views, strict=True)
        )

    def load(self, gradients: Sequence[Any]) -> None:
        """Bring gradients, one for each parameter, and values set meanwhile into the buffers.

        Raises:
            ValueError: a gradient of another shape than its parameter's.
        """
        self._adopt()
        self._copy(gradients)

    def _copy(self, gradients: Sequence[Any]) -> None:
        arrays = [g.data if isinstance(g, Tensor) else _as_array(g) for g in gradients]
        for array, parameter in zip(arrays, self.parameters, strict=True):
            if array.shape != parameter.shape:
                raise ValueError(
                    f"Parameter {parameter.name!r} has shape {parameter.shape} and got a gradient "
                    f"of shape {array.shape}: give gradients in the order of the parameters."
                )
        for array, storage in zip(arrays, self._storages, strict=True):
            own = storage.data
            if array is not own:
                own[...] = array if type(array) is type(own) else to_device(array, device_of(own))

    def _adopt(self) -> None:
        """Take in parameters whose `data` was set, or that another optimizer had meanwhile."""
        places = zip(self.parameters, self._views, self._places, strict=True)
        for parameter, view, (buffer, index) in places:
            if parameter.data is not view:
                buffer.adopt(index)


def _as_array(gradient: Any) -> Any:
    return gradient if is_on_gpu(gradient) else np.asarray(gradient)


def _joined(
    places: Sequence[tuple[FlatParameters, int]], treatments: Sequence[Treatment]
) -> list[Stretch]:
    """The stretches that cover these places, each as long as neighbours are treated alike."""
    by_buffer: dict[int, list[Stretch]] = {}
    for (buffer, index), treatment in zip(places, treatments, strict=True):
        part = Stretch(buffer, buffer.slices[index], treatment)
        by_buffer.setdefault(id(buffer), []).append(part)
    stretches: list[Stretch] = []
    for parts in by_buffer.values():
        last: Stretch | None = None
        for part in sorted(parts, key=lambda part: part.place.start):
            if last and last.treatment == part.treatment and last.place.stop == part.place.start:
                stretches.pop()
                part = part._replace(place=slice(last.place.start, part.place.stop))
            stretches.append(part)
            last = part
    return stretches


def _block(stretch: Stretch, gradients: Any) -> Block:
    """The views of a stretch, with `gradients` from a buffer like the stretch's."""
    buffer, place, treatment = stretch
    slots = {name: slot[place] for name, slot in buffer.slots.items()}
    return Block(buffer.values[place], gradients[place], slots, *treatment)
