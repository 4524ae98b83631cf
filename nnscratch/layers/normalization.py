"""Normalization in a network: over the batch, over each sample, to length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import constraints, initializers, regularizers
from nnscratch.layers.arguments import number
from nnscratch.layers.axes import check_lengths, counted_from_front, feature_axes
from nnscratch.layers.shape_preserving import ShapePreserving
from nnscratch.ops.arguments import numbers
from nnscratch.ops.normalization import batch_normalization, layer_normalization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscratch.autograd import Parameter


class ScaledNormalization(ShapePreserving):
    """Base of normalizations with a trained scale γ and a trained center β.

    Attributes:
        gamma: γ; None without `scale`.
        beta: β; None without `center`.
    """

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: str | Callable[..., Any],
        gamma_initializer: str | Callable[..., Any],
        beta_regularizer: str | Callable[..., Any] | None,
        gamma_regularizer: str | Callable[..., Any] | None,
        beta_constraint: str | Callable[..., Any] | None,
        gamma_constraint: str | Callable[..., Any] | None,
        **options: Any,
    ) -> None:
        """Take what both kinds have in common; see the subclasses.

        Raises:
            ValueError: an epsilon that is not positive, or a name that does not exist.
        """
        super().__init__(**options)
        self.epsilon = number(self, "epsilon", epsilon, lambda n: n > 0, "a positive number")
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Parameter | None = None
        self.beta: Parameter | None = None

    def add_gamma_and_beta(self, shape: tuple[int, ...], scale: bool, center: bool) -> None:
        """Create γ and β of `shape`, as far as they are wanted."""
        if scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )


class BatchNormalization(ScaledNormalization):
    """y = γ (x - μ) / √(v + ε) + β for each channel, as `keras.layers.BatchNormalization`.

    In training, μ and v are mean and variance over the batch, and the moving statistics follow:
    moving ← momentum · moving + (1 - momentum) · current, with the variance divided by n.
    Otherwise μ and v are the moving statistics. A frozen layer (`trainable = False`) uses them
    and keeps them also in training, so that fine-tuning does not disturb it (Ioffe and Szegedy
    2015).

    Attributes:
        gamma: γ, shape (channels,); None without `scale`.
        beta: β, shape (channels,); None without `center`.
        moving_mean: shape (channels,), not trained.
        moving_variance: shape (channels,), not trained.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Callable[..., Any] = "zeros",
        gamma_initializer: str | Callable[..., Any] = "ones",
        moving_mean_initializer: str | Callable[..., Any] = "zeros",
        moving_variance_initializer: str | Callable[..., Any] = "ones",
        beta_regularizer: str | Callable[..., Any] | None = None,
        gamma_regularizer: str | Callable[..., Any] | None = None,
        beta_constraint: str | Callable[..., Any] | None = None,
        gamma_constraint: str | Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            axis: the axis of the channels, each of which has its own statistics.
            momentum: how much of the moving statistics a batch leaves, in [0, 1].
            epsilon: ε > 0.
            center: whether to add β.
            scale: whether to multiply by γ.
            beta_initializer: how β starts.
            gamma_initializer: how γ starts.
            moving_mean_initializer: how the moving mean starts.
            moving_variance_initializer: how the moving variance starts.
            beta_regularizer: penalty on β.
            gamma_regularizer: penalty on γ.
            beta_constraint: what β is mapped to after every update.
            gamma_constraint: what γ is mapped to after every update.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: an epsilon or a momentum out of range, or a name that does not exist.
        """
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        wanted = "a number from 0 to 1"
        self.momentum = number(self, "momentum", momentum, lambda n: 0 <= n <= 1, wanted)
        self.axis = axis
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        """Create γ, β and the moving statistics for the channels of `input_shape`.

        Raises:
            ValueError: an axis that is not there, or is the batch axis.
        """
        (self._channel_axis,) = feature_axes(self, self.axis, input_shape)
        shape = (input_shape[self._channel_axis],)
        self._broadcasts = self._channel_axis == len(input_shape) - 1
        self.add_gamma_and_beta(shape, self.scale, self.center)
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Any shape to the same shape.

        Raises:
            ValueError: another number of channels than the layer was built for.
        """
        check_lengths(self, (self._channel_axis,), inputs.shape)
        inputs = self.floating(inputs)
        if training and self.trainable:
            outputs, mean, variance = batch_normalization(
                inputs, self.gamma, self.beta, self._channel_axis, self.epsilon
            )
            self._follow(self.moving_mean, numbers(mean))
            self._follow(self.moving_variance, numbers(variance))
            return outputs
        scale: Any = 1 / np.sqrt(self.moving_variance.data + self.epsilon)
        if self.gamma is not None:
            scale = self.gamma * scale
        outputs = (inputs - self._along(self.moving_mean.data)) * self._along(scale)
        return outputs if self.beta is None else outputs + self._along(self.beta)

    def _follow(self, moving: Parameter, current: Any) -> None:
        moving.assign(self.momentum * moving.data + (1 - self.momentum) * current)

    def _along(self, values: Any) -> Any:
        """Values of the channels, in a shape that broadcasts to the inputs."""
        if self._broadcasts:
            return values
        return np.reshape(values, (-1,) + (1,) * (len(self.input_shape) - self._channel_axis - 1))


class LayerNormalization(ScaledNormalization):
    """y = γ (x - μ) / √(v + ε) + β for each sample, as `keras.layers.LayerNormalization`.

    μ and v are mean and variance of the sample over `axis` (Ba et al. 2016); training or not makes
    no difference.

    Attributes:
        gamma: γ, of the lengths of `axis`; None without `scale`.
        beta: β, of the lengths of `axis`; None without `center`.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Callable[..., Any] = "zeros",
        gamma_initializer: str | Callable[..., Any] = "ones",
        beta_regularizer: str | Callable[..., Any] | None = None,
        gamma_regularizer: str | Callable[..., Any] | None = None,
        beta_constraint: str | Callable[..., Any] | None = None,
        gamma_constraint: str | Callable[..., Any] | None = None,
        *,
        rms_scaling: bool = False,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            axis: the axis or axes over which a sample is normalized.
            epsilon: ε > 0.
            center: whether to add β.
            scale: whether to multiply by γ.
            beta_initializer: how β starts.
            gamma_initializer: how γ starts.
            beta_regularizer: penalty on β.
            gamma_regularizer: penalty on γ.
            beta_constraint: what β is mapped to after every update.
            gamma_constraint: what γ is mapped to after every update.
            rms_scaling: γ x / √(v + ε) instead, for models that Keras trained so; Keras keeps the
                name, although v is the variance and not the mean square.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: an epsilon that is not positive, or a name that does not exist.
        """
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        self.axis = axis
        self.rms_scaling = rms_scaling

    def build(self, input_shape: Any) -> None:
        """Create γ and β for the lengths of `axis` in `input_shape`.

        Raises:
            ValueError: axes that are not there, or among them the batch axis.
        """
        self._axes = feature_axes(self, self.axis, input_shape)
        lengths = tuple(input_shape[axis] for axis in self._axes)
        along = tuple(n if i in self._axes else 1 for i, n in enumerate(input_shape))
        self._along = along[self._axes[0] :]
        self.add_gamma_and_beta(
            lengths, self.scale or self.rms_scaling, self.center and not self.rms_scaling
        )

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape.

        Raises:
            ValueError: other lengths than the layer was built for.
        """
        check_lengths(self, self._axes, inputs.shape)
        inputs = self.floating(inputs)
        gamma, beta = (
            w if w is None or w.shape == self._along else np.reshape(w, self._along)
            for w in (self.gamma, self.beta)
        )
        if self.rms_scaling:
            variance = np.var(inputs, axis=self._axes, keepdims=True)
            return inputs / np.sqrt(variance + self.epsilon) * gamma
        return layer_normalization(inputs, gamma, beta, self._axes, self.epsilon)


class UnitNormalization(ShapePreserving):
    """Each sample scaled to length 1 along `axis`, as `keras.layers.UnitNormalization`."""

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any) -> None:
        """Declare the layer.

        Args:
            axis: the axis or axes along which Σ x² becomes 1; zeros stay zero.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.
        """
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Any shape to the same shape.

        Raises:
            ValueError: inputs without such an axis.
        """
        axes = counted_from_front(self, self.axis, inputs.ndim)
        inputs = self.floating(inputs)
        squares = np.sum(np.square(inputs), axis=axes, keepdims=True)
        return inputs / np.sqrt(np.maximum(squares, self._least_square))

    @property
    def _least_square(self) -> float:
        """Keras's least length 1e-12, squared, where the dtype can hold that."""
        return max(1e-24, float(np.finfo(self.dtype).tiny))
