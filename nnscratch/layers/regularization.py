"""What keeps a network from learning its data by heart: noise in training, penalties on outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import random
from nnscratch.autograd import Tensor
from nnscratch.layers.arguments import number
from nnscratch.layers.shape_preserving import ShapePreserving
from nnscratch.ops.arguments import numbers
from nnscratch.ops.regularization import dropout, seeded_dropout
from nnscratch.regularizers import L1L2
from nnscratch_kernels.devices import device_of, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 1 << 14
"""From so many elements on, dropout's mask is made of a seed where it is used, and not kept.

Fewer are drawn by NumPy's generator and copied to where the inputs are: on the CPU that takes less
time than the hundred calls of NumPy that make the first random number of a seed.
"""


class RandomLayer(ShapePreserving):
    """Base of layers that draw random numbers in training and do nothing otherwise.

    Attributes:
        seed_generator: the layer's own generator, made from its seed; None if it has no seed and
            draws from `nnscratch.random.generator()`, as everything else does.
    """

    def __init__(self, seed: int | None, **options: Any) -> None:
        """Make the layer's own generator if there is a seed.

        Raises:
            ValueError: a seed that is not an integer from 0 up.
        """
        super().__init__(**options)
        if seed is not None:
            wanted = "an integer from 0 up"
            seed = int(number(self, "seed", seed, lambda n: n >= 0 and n.is_integer(), wanted))
        self.seed = seed
        self.seed_generator = None if seed is None else np.random.default_rng(seed)

    def generator(self) -> np.random.Generator:
        """Where the layer's random numbers come from."""
        return random.generator() if self.seed_generator is None else self.seed_generator

    def normal(self, inputs: Any, mean: float, stddev: float) -> Any:
        """Normally distributed numbers, one for each input and where those are.

        They have the layer's dtype, and are the same ones on every device.
        """
        drawn = np.result_type(self.dtype, np.float32)  # NumPy draws no float16
        noise = self.generator().standard_normal(inputs.shape, dtype=drawn.type)
        noise *= stddev
        noise += mean
        return like(noise.astype(self.dtype, copy=False), inputs)


class Dropout(RandomLayer):
    """In training, sets inputs to zero at random and scales the others by 1 / (1 - rate).

    As `keras.layers.Dropout` (inverted dropout; Srivastava et al. 2014). Otherwise it gives its
    inputs.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            rate: share of the inputs that are set to zero, in [0, 1].
            noise_shape: shape in which the zeros are drawn, None for the inputs' own length; a
                length of 1 drops whole lines: `(None, 1, None)` the same features at every step.
            seed: for random numbers of the layer's own; None for the global generator.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a rate outside [0, 1], or lengths that are not positive integers.
        """
        super().__init__(seed, **options)
        self.rate = number(self, "rate", rate, lambda n: 0 <= n <= 1, "a number from 0 to 1")
        self.noise_shape = None
        if noise_shape is not None:
            self.noise_shape = tuple(
                None if n is None else self.positive_integer("noise_shape", n) for n in noise_shape
            )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Any shape to the same shape.

        Raises:
            ValueError: a noise_shape that does not fit the inputs.
        """
        if not training or self.rate == 0:
            return inputs
        inputs, shape = self.floating(inputs), self._shape_of_noise(inputs.shape)
        if math.prod(shape) < MANY:
            kept = self.generator().random(shape, dtype=np.float32) >= self.rate
            return dropout(inputs, like(kept, inputs), self.rate)
        seed = int(self.generator().integers(1 << 63))
        if shape == inputs.shape:
            return seeded_dropout(inputs, self.rate, seed)
        return inputs * seeded_dropout(np.ones_like(numbers(inputs), shape=shape), self.rate, seed)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.noise_shape is None:
            return shape
        own = self.noise_shape
        if len(own) != len(shape) or any(
            n not in (None, 1, length) for n, length in zip(own, shape, strict=True)
        ):
            raise ValueError(
                f"Layer {self.name!r} has noise_shape={own}, which does not fit inputs of shape "
                f"{shape}: give for each axis 1, its length, or None."
            )
        return tuple(length if n is None else n for n, length in zip(own, shape, strict=True))


class GaussianDropout(RandomLayer):
    """In training, multiplies by normal noise of mean 1 and variance rate / (1 - rate).

    As `keras.layers.GaussianDropout`: the noise has the mean and the variance of dropout's
    (Srivastava et al. 2014, section 10). Otherwise it gives its inputs.
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        """Declare the layer.

        Args:
            rate: the dropout rate that it stands for, in [0, 1).
            seed: for random numbers of the layer's own; None for the global generator.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a rate outside [0, 1).
        """
        super().__init__(seed, **options)
        self.rate = number(self, "rate", rate, lambda n: 0 <= n < 1, "a number from 0 to below 1")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Any shape to the same shape."""
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return self.floating(inputs) * self.normal(inputs, 1.0, stddev)


class GaussianNoise(RandomLayer):
    """In training, adds normal noise of mean 0, as `keras.layers.GaussianNoise`.

    Otherwise it gives its inputs.
    """

    def __init__(self, stddev: float, seed: int | None = None, **options: Any) -> None:
        """Declare the layer.

        Args:
            stddev: standard deviation of the noise, not negative.
            seed: for random numbers of the layer's own; None for the global generator.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a standard deviation that is negative or not finite.
        """
        super().__init__(seed, **options)
        wanted = "a finite number from 0 up"
        self.stddev = number(self, "stddev", stddev, lambda n: 0 <= n < math.inf, wanted)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Any shape to the same shape."""
        if not training or self.stddev == 0:
            return inputs
        return self.floating(inputs) + self.normal(inputs, 0.0, self.stddev)


class ActivityRegularization(ShapePreserving):
    """Gives its inputs, and adds a penalty on them to the loss.

    As `keras.layers.ActivityRegularization`: (l1 Σ |x| + l2 Σ x²) / batch size.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Any) -> None:
        """Declare the layer.

        Args:
            l1: factor of the absolute values, not negative.
            l2: factor of the squares, not negative.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: a factor that is negative or not finite.
        """
        super().__init__(**options)
        self.regularizer = L1L2(l1, l2)

    def call(self, inputs: Any) -> Any:
        """The inputs themselves."""
        self.add_loss(self.regularizer(inputs) / len(inputs))
        return inputs


def like(drawn: Any, inputs: Any) -> Any:
    """What was drawn on the host, as an array where the inputs are."""
    values = inputs.data if isinstance(inputs, Tensor) else inputs
    return drawn if type(values) is np.ndarray else to_device(drawn, device_of(values))
