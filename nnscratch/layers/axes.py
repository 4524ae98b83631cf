"""Which axes of its inputs a layer works along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.layers.layer import Layer


def feature_axes(
    layer: Layer, axis: int | Sequence[int], input_shape: Sequence[int | None]
) -> tuple[int, ...]:
    """The axes that a layer needs weights or statistics for, counted from the front, rising.

    Args:
        layer: named in messages.
        axis: one axis or several, negative ones counted from the end.
        input_shape: shape of the inputs, None for the batch axis and for lengths not known.

    Raises:
        ValueError: an axis that is not there, named twice, or whose length is not known.
    """
    axes = counted_from_front(layer, axis, len(input_shape))
    for one in axes:
        if input_shape[one] is None:
            what = "is the batch axis" if one == 0 else "has no fixed length"
            raise ValueError(
                f"Layer {layer.name!r} cannot work along axis {one} of inputs of shape "
                f"{tuple(input_shape)}, which {what}: choose axes of known length."
            )
    return axes


def counted_from_front(layer: Layer, axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """One axis or several, counted from the front, rising.

    Raises:
        ValueError: an axis that is not there or is named twice.
    """
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -ndim <= one < ndim for one in given):
        raise ValueError(
            f"Layer {layer.name!r} has axis={axis}, which inputs of {ndim} axes do not have: "
            f"choose from {-ndim} to {ndim - 1}."
        )
    axes = tuple(sorted(one % ndim for one in given))
    if len(set(axes)) < len(axes):
        raise ValueError(f"Layer {layer.name!r} has axis={axis}: name each axis once.")
    return axes


def check_lengths(layer: Layer, axes: Sequence[int], shape: Sequence[int]) -> None:
    """Refuse inputs that differ along `axes` from those that the layer was built for.

    Raises:
        ValueError: another number of axes, or another length; both shapes are named.
    """
    built_for: Any = layer.input_shape
    if len(shape) != len(built_for) or any(shape[one] != built_for[one] for one in axes):
        raise ValueError(
            f"Layer {layer.name!r} was built for inputs of shape {built_for}, got an input of "
            f"shape {tuple(shape)}: only the batch axis may differ."
        )
