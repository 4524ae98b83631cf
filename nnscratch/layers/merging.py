"""Several inputs into one: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.layers.axes import counted_from_front
from nnscratch.layers.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shape = tuple[int | None, ...]


class Merge(Layer):
    """Base of layers that merge a list of inputs: a subclass computes in `merge`.

    Inputs with fewer axes get axes of length 1 behind the batch axis; then lengths of 1 broadcast.
    """

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Merge inputs whose shapes fit."""
        raise NotImplementedError(f"Layer {self.name!r} needs a merge(self, inputs) method.")

    def build(self, input_shape: Any) -> None:
        """Check that the inputs fit together.

        Raises:
            ValueError: one input that is not in a list, or shapes that do not fit.
        """
        self._fitting: tuple[Shape, ...] = ()
        if not _are_shapes(input_shape):
            raise self._no_list(input_shape)
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """A list of arrays to one array.

        Raises:
            ValueError: one input that is not in a list, or shapes that do not fit.
        """
        if not isinstance(inputs, list | tuple):
            raise self._no_list(inputs.shape)
        shapes = tuple(value.shape for value in inputs)
        if shapes != self._fitting:  # looked at once for all batches of these shapes
            self.compute_output_shape(shapes)
            self._fitting = shapes
        return self.merge(self.aligned(inputs))

    def _no_list(self, shape: Any) -> ValueError:
        return ValueError(
            f"Layer {self.name!r} merges a list of inputs, got one of shape {shape}: call it on a "
            f"list such as [a, b]."
        )

    def aligned(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The inputs with equally many axes."""
        most = max(value.ndim for value in inputs)
        if all(value.ndim == most for value in inputs):
            return inputs
        return [np.expand_dims(value, tuple(range(1, 1 + most - value.ndim))) for value in inputs]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that the inputs broadcast to.

        Raises:
            ValueError: they do not.
        """
        most = max(len(shape) for shape in input_shape)
        padded = [(s[0], *(1,) * (most - len(s)), *s[1:]) for s in input_shape]
        lengths = [self._common(column, input_shape) for column in zip(*padded, strict=True)]
        batches = {shape[0] for shape in input_shape if shape[0] is not None}
        if len(batches) > 1:
            raise self.misfit(input_shape)
        return tuple(lengths)

    def _common(self, lengths: tuple[int | None, ...], shapes: Sequence[Shape]) -> int | None:
        """The length that lengths along one axis broadcast to; None if that is not known."""
        known = {n for n in lengths if n not in (1, None)}
        if len(known) > 1:
            raise self.misfit(shapes)
        if None in lengths:
            return None
        return known.pop() if known else 1

    def misfit(self, shapes: Sequence[Shape]) -> ValueError:
        """The error for inputs whose shapes do not fit together."""
        listed = " and ".join(str(tuple(shape)) for shape in shapes)
        return ValueError(
            f"Layer {self.name!r} cannot merge inputs of shapes {listed}: all lengths must be "
            f"equal, or 1 behind the batch axis."
        )


class Add(Merge):
    """The sum of all inputs, as `keras.layers.Add`."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute a + b + …."""
        return reduce(np.add, inputs)


class Multiply(Merge):
    """The product of all inputs, as `keras.layers.Multiply`."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute a · b · …."""
        return reduce(np.multiply, inputs)


class Average(Merge):
    """The mean of all inputs, as `keras.layers.Average`."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute (a + b + …) / n."""
        return self.floating(reduce(np.add, inputs)) / len(inputs)


class Maximum(Merge):
    """The largest of all inputs, as `keras.layers.Maximum`; equal ones share the gradient."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute max(a, b, …)."""
        return reduce(np.maximum, inputs)


class Minimum(Merge):
    """The smallest of all inputs, as `keras.layers.Minimum`; equal ones share the gradient."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute min(a, b, …)."""
        return reduce(np.minimum, inputs)


class Subtract(Merge):
    """The first input minus the second, as `keras.layers.Subtract`."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Compute a - b."""
        return np.subtract(*inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that the two broadcast to.

        Raises:
            ValueError: not two inputs, or they do not broadcast.
        """
        _check_two(self, input_shape)
        return super().compute_output_shape(input_shape)


class Concatenate(Merge):
    """The inputs side by side along an axis, as `keras.layers.Concatenate`."""

    def __init__(self, axis: int = -1, **options: Any) -> None:
        """Declare the layer.

        Args:
            axis: the axis along which the inputs stand side by side.
            options: `name`, `trainable`, `dtype`.
        """
        super().__init__(**options)
        self.axis = axis

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Join a, b, … into one."""
        return np.concatenate(inputs, axis=self.axis)

    def aligned(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The inputs as they are: they have equally many axes."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Lengths add up along the axis; None if one of them is not known.

        Raises:
            ValueError: shapes that differ along another axis.
        """
        first = input_shape[0]
        (axis,) = counted_from_front(self, self.axis, len(first))
        if any(len(shape) != len(first) for shape in input_shape):
            raise self.misfit(input_shape)
        columns = list(zip(*input_shape, strict=True))
        others = columns[:axis] + columns[axis + 1 :]
        if any(len({n for n in column if n is not None}) > 1 for column in others):
            raise self.misfit(input_shape)
        lengths = [None if None in column else column[0] for column in columns]
        lengths[axis] = None if None in columns[axis] else sum(columns[axis])
        return tuple(lengths)

    def misfit(self, shapes: Sequence[Shape]) -> ValueError:
        """The error for inputs whose shapes do not fit together."""
        listed = " and ".join(str(tuple(shape)) for shape in shapes)
        return ValueError(
            f"Layer {self.name!r} cannot put inputs of shapes {listed} side by side along axis "
            f"{self.axis}: along all other axes the lengths must be equal."
        )


class Dot(Merge):
    """Dot products of two inputs, sample by sample, as `keras.layers.Dot`."""

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **options: Any) -> None:
        """Declare the layer.

        Args:
            axes: the axis to sum over, or one for each input; not the batch axis.
            normalize: whether to scale both to length 1 along it first: cosines.
            options: `name`, `trainable`, `dtype`.

        Raises:
            ValueError: not one or two integers.
        """
        super().__init__(**options)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(
                f"Layer {self.name!r} needs one or two integers for axes, got {axes!r}."
            )
        self.axes: tuple[int, int] = (pair[0], pair[1])
        self.normalize = normalize

    def merge(self, inputs: Sequence[Any]) -> Any:
        """Σ a b over the axes, for each pair of what remains of a and b."""
        shape = self.compute_output_shape([value.shape for value in inputs])
        first, second = (
            np.moveaxis(self._unit(value, axis) if self.normalize else value, axis, -1)
            for value, axis in zip(inputs, self.axes, strict=True)
        )
        batch, length = len(first), first.shape[-1]
        rows = np.reshape(first, (batch, math.prod(first.shape[1:-1]), length))
        columns = np.reshape(second, (batch, math.prod(second.shape[1:-1]), length))
        return np.reshape(np.matmul(rows, np.swapaxes(columns, 1, 2)), shape)

    def aligned(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The inputs as they are: they may differ in their number of axes."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The batch axis, what remains of the first, what remains of the second; at least (n, 1).

        Raises:
            ValueError: not two inputs, or different lengths along the axes.
        """
        _check_two(self, input_shape)
        summed, remaining = [], []
        for shape, axis in zip(input_shape, self.axes, strict=True):
            (front,) = counted_from_front(self, axis, len(shape))
            if front == 0:
                raise ValueError(
                    f"Layer {self.name!r} cannot sum over axis 0 of inputs of shape "
                    f"{tuple(shape)}, which is the batch axis: choose another."
                )
            summed.append(shape[front])
            remaining += [n for i, n in enumerate(shape) if i not in (0, front)]
        batches = {shape[0] for shape in input_shape if shape[0] is not None}
        if len(batches) > 1 or len(set(summed) - {None}) > 1:
            raise self.misfit(input_shape)
        batch = batches.pop() if batches else None
        return (batch, *(remaining or [1]))

    def misfit(self, shapes: Sequence[Shape]) -> ValueError:
        """The error for inputs whose shapes do not fit together."""
        first, second = (tuple(shape) for shape in shapes)
        return ValueError(
            f"Layer {self.name!r} sums over axes {self.axes}, got inputs of shapes {first} and "
            f"{second}: along these, and in the batch, the lengths must be equal."
        )

    def _unit(self, value: Any, axis: int) -> Any:
        squares = np.sum(np.square(value), axis=axis, keepdims=True)
        return value / np.sqrt(np.maximum(squares, _LEAST_LENGTH**2))


_LEAST_LENGTH = 1e-7  # Keras's ε: a shorter vector is not stretched to length 1


def add(inputs: Sequence[Any], **options: Any) -> Any:
    """The sum of a list of inputs: `Add(**options)(inputs)`."""
    return Add(**options)(inputs)


def subtract(inputs: Sequence[Any], **options: Any) -> Any:
    """The first of two inputs minus the second: `Subtract(**options)(inputs)`."""
    return Subtract(**options)(inputs)


def multiply(inputs: Sequence[Any], **options: Any) -> Any:
    """The product of a list of inputs: `Multiply(**options)(inputs)`."""
    return Multiply(**options)(inputs)


def average(inputs: Sequence[Any], **options: Any) -> Any:
    """The mean of a list of inputs: `Average(**options)(inputs)`."""
    return Average(**options)(inputs)


def maximum(inputs: Sequence[Any], **options: Any) -> Any:
    """The largest of a list of inputs: `Maximum(**options)(inputs)`."""
    return Maximum(**options)(inputs)


def minimum(inputs: Sequence[Any], **options: Any) -> Any:
    """The smallest of a list of inputs: `Minimum(**options)(inputs)`."""
    return Minimum(**options)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **options: Any) -> Any:
    """A list of inputs side by side: `Concatenate(axis, **options)(inputs)`."""
    return Concatenate(axis, **options)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **options: Any) -> Any:
    """Dot products of two inputs: `Dot(axes, **options)(inputs)`."""
    return Dot(axes, **options)(inputs)


def _are_shapes(shapes: Any) -> bool:
    """Whether this is a list of shapes, not one shape."""
    return len(shapes) > 0 and all(isinstance(shape, tuple | list) for shape in shapes)


def _check_two(layer: Layer, shapes: Sequence[Shape]) -> None:
    if len(shapes) != 2:
        raise ValueError(
            f"Layer {layer.name!r} takes exactly two inputs, got {len(shapes)}: call it on [a, b]."
        )
