"""Activation functions as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch import activations, constraints, initializers, regularizers
from nnscratch.layers.arguments import not_negative
from nnscratch.layers.axes import check_lengths, counted_from_front, feature_axes
from nnscratch.layers.shape_preserving import ShapePreserving
from nnscratch.ops.activation_functions import elu, leaky_relu
from nnscratch.ops.special import relu, softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Activation(ShapePreserving):
    """y = activation(x), as `keras.layers.Activation`."""

    def __init__(self, activation: str | Callable[..., Any], **options: Any) -> None:
        """Declare the layer.

        Args:
            activation: a name, or a function of an array.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a name that does not exist.
        """
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape."""
        return self.activation(inputs)


class ReLU(ShapePreserving):
    """Rectifier with a ceiling, a slope below and a threshold, as `keras.layers.ReLU`."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            max_value: the ceiling, not negative; None for none.
            negative_slope: the slope below the threshold, not negative.
            threshold: below it the output is negative_slope · (x - threshold); not negative.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a negative number.
        """
        super().__init__(**options)
        self.max_value = None if max_value is None else not_negative(self, "max_value", max_value)
        self.negative_slope = not_negative(self, "negative_slope", negative_slope)
        self.threshold = not_negative(self, "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape."""
        return relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(ShapePreserving):
    """x above zero, negative_slope · x below, as `keras.layers.LeakyReLU`."""

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        """Declare the layer.

        Args:
            negative_slope: the slope below zero, not negative. Keras's layer has 0.3, its
                activation "leaky_relu" 0.2.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a negative slope.
        """
        super().__init__(**options)
        self.negative_slope = not_negative(self, "negative_slope", negative_slope)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape."""
        return leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(ShapePreserving):
    """x above zero, α (exp(x) - 1) below, as `keras.layers.ELU`."""

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        """Declare the layer.

        Args:
            alpha: α, how far below zero it saturates.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape."""
        return elu(inputs, alpha=self.alpha)


class PReLU(ShapePreserving):
    """x above zero, α x below with a trained α, as `keras.layers.PReLU` (He et al. 2015).

    Attributes:
        alpha: α, of the shape of one sample, with length 1 along the shared axes.
    """

    def __init__(
        self,
        alpha_initializer: str | Callable[..., Any] = "zeros",
        alpha_regularizer: str | Callable[..., Any] | None = None,
        alpha_constraint: str | Callable[..., Any] | None = None,
        shared_axes: int | Sequence[int] | None = None,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            alpha_initializer: how α starts.
            alpha_regularizer: penalty on α.
            alpha_constraint: what α is mapped to after every update.
            shared_axes: axes along which one α serves all, counted from 1.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = () if shared_axes is None else shared_axes

    def build(self, input_shape: Any) -> None:
        """Create α.

        Raises:
            ValueError: shared axes that are not there, or others of unknown length.
        """
        shared = counted_from_front(self, self.shared_axes, len(input_shape))
        own = [axis for axis in range(1, len(input_shape)) if axis not in shared]
        self._own_axes = feature_axes(self, own, input_shape)
        shape = (input_shape[i] if i in own else 1 for i in range(1, len(input_shape)))
        self.alpha = self.add_weight(
            tuple(shape),
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape."""
        check_lengths(self, self._own_axes, inputs.shape)
        inputs = self.floating(inputs)
        return relu(inputs) - self.alpha * relu(-inputs)


class Softmax(ShapePreserving):
    """exp(x) / Σ exp(x) along an axis, as `keras.layers.Softmax`."""

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any) -> None:
        """Declare the layer.

        Args:
            axis: the axis or axes along which the outputs sum to 1.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape.

        Raises:
            ValueError: inputs without such an axis.
        """
        counted_from_front(self, self.axis, inputs.ndim)
        return softmax(self.floating(inputs), axis=self.axis)
