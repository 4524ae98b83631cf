"""Wiring a model before there is data: `Input`, and what a layer gives when called on one."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.naming import unique_name

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnscratch.layers.layer import Layer

_serials = count()


class LayerCall:
    """One call of a layer on symbolic tensors.

    Attributes:
        layer: what was called.
        inputs: on what, symbolic tensors, also nested.
        outputs: what it gave, one symbolic tensor for each output.
        serial: its place among all calls; what it was called on comes from earlier ones.
    """

    def __init__(self, layer: Layer, inputs: Any) -> None:
        """Note a call; the outputs are put in afterwards."""
        self.layer = layer
        self.inputs = inputs
        self.outputs: list[SymbolicTensor] = []
        self.serial = next(_serials)


def are_lengths(shape: Any) -> bool:
    """Whether this is a tuple of lengths of axes: whole numbers from 0 on, None where not known."""
    return isinstance(shape, tuple | list) and all(
        n is None or (isinstance(n, int | np.integer) and n >= 0) for n in shape
    )


class SymbolicTensor:
    """Stands for an input or for the output of a layer, of which only the shape is known yet.

    Attributes:
        shape: its shape, None for the batch axis.
        dtype: what the numbers will be.
        name: the input's name, or that of the layer that will make it.
        call: the call that will make it; None for an input.
    """

    def __init__(
        self,
        shape: tuple[int | None, ...],
        dtype: npt.DTypeLike,
        name: str,
        call: LayerCall | None = None,
    ) -> None:
        """Note a shape and where it comes from.

        Raises:
            TypeError: a shape of something else than whole numbers and None.
        """
        self.shape = tuple(shape)
        if not are_lengths(self.shape):
            raise TypeError(
                f"{name!r} needs a shape of whole numbers and None such as (20,), got "
                f"{self.shape!r:.80}."
            )
        self.dtype = np.dtype(dtype)
        self.name = name
        self.call = call
        if call is not None:
            call.outputs.append(self)

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.shape)

    def __repr__(self) -> str:
        """Show name and shape."""
        return f"<SymbolicTensor {self.name!r} of shape {self.shape}>"

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Any:
        """Refuse: there are no numbers yet."""
        raise TypeError(
            f"{self.name!r} has no numbers yet: give it to layers (Add()([a, b]) for a sum), and "
            f"make a Model of inputs and outputs."
        )


def Input(
    shape: tuple[int | None, ...], dtype: npt.DTypeLike = "float32", name: str | None = None
) -> SymbolicTensor:
    """An input of a model, as `keras.Input`: call layers on it, then `Model(inputs, outputs)`.

    Args:
        shape: shape of one sample, without the batch axis.
        dtype: what the numbers are.
        name: what messages call it, and the key of a dictionary of inputs.
    """
    return SymbolicTensor((None, *shape), dtype, name or unique_name("input"))
