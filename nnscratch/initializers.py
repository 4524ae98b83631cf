"""Initial weights, with Keras's names, defaults and formulas (`keras.initializers` 3.15.1).

    kernel = ns.initializers.HeNormal(seed=1)((64, 32))

Without a seed the numbers come from `ns.random.generator()`, fresh ones at each call. With a seed
an initializer gives the same numbers at each call, as Keras's do. (In Keras an unseeded object
repeats itself too, so that two layers which share it start alike; here they do not.) They are made
on the CPU, the same for every device, and the weight takes them to its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import random
from nnscratch.autograd import Tensor
from nnscratch.autograd.placement import plain
from nnscratch.configuration import Configured
from nnscratch.naming import made, resolve
from nnscratch_kernels.devices import is_on_gpu, on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

TRUNCATION = 2.0
"""Where a truncated normal distribution ends, in standard deviations."""

TRUNCATED_DEVIATION = 0.87962566103423978
"""Standard deviation of the standard normal distribution truncated at ±2."""

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class Initializer(Configured):
    """Base of all initializers: called with a shape and a dtype, it makes an array."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a __call__(self, shape, dtype) method."
        )


# --- constants ------------------------------------------------------------------------------------


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All the same number."""

    def __init__(self, value: float = 0.0) -> None:
        """Fill with `value`."""
        self.value = value

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        return np.full(shape, self.value, dtype)


class Identity(Initializer):
    """The identity matrix times a gain; ones on the diagonal if it is not square."""

    def __init__(self, gain: float = 1.0) -> None:
        """Multiply by `gain`."""
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """A matrix of `shape` and `dtype`.

        Raises:
            ValueError: a shape that is not a matrix's.
        """
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices, got shape {shape}: give two lengths.")
        return np.asarray(self.gain * np.eye(*shape), dtype)


class Given(Initializer):
    """Numbers that the user brought: what `get` makes of an array."""

    def __init__(self, values: Any) -> None:
        """Start from a copy of `values`, on the CPU."""
        self.values = np.array(on_host(plain(values)))

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """The numbers in `dtype`.

        Raises:
            ValueError: a shape other than theirs.
        """
        if tuple(shape) != self.values.shape:
            raise ValueError(
                f"The array given as an initializer has shape {self.values.shape}, the weight has "
                f"shape {tuple(shape)}: the two must be equal."
            )
        return self.values.astype(dtype)


# --- random distributions -------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """Base of the initializers that draw random numbers.

    Attributes:
        seed: fixes the numbers, the same ones at each call; None draws from `ns.random`.
    """

    def __init__(self, seed: int | None = None) -> None:
        """Draw from the global generator, or from a new one with `seed` at each call.

        Raises:
            TypeError: a seed that is no integer.
        """
        if seed is not None and not isinstance(seed, int | np.integer):
            raise TypeError(f"seed is an integer or None, got {seed!r}: give one of these.")
        self.seed = seed

    def generator(self) -> np.random.Generator:
        """The generator to draw from."""
        return random.generator() if self.seed is None else np.random.default_rng(self.seed)


class RandomNormal(RandomInitializer):
    """Normally distributed."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Choose the mean and the standard deviation."""
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        values = self.generator().standard_normal(shape)
        return np.asarray(self.mean + self.stddev * values, dtype)


class TruncatedNormal(RandomInitializer):
    """Normally distributed, what is beyond two standard deviations drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        """Choose the mean and the standard deviation before truncation."""
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        values = truncated_standard_normal(self.generator(), shape)
        return np.asarray(self.mean + self.stddev * values, dtype)


class RandomUniform(RandomInitializer):
    """Uniformly distributed between two bounds."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        """Choose the bounds."""
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        return np.asarray(self.generator().uniform(self.minval, self.maxval, shape), dtype)


class VarianceScaling(RandomInitializer):
    """Mean 0 and variance scale / n, n being the weight's inputs, outputs, or their mean.

    A truncated normal distribution is widened before truncation, so that the variance after it is
    scale / n; a uniform one lies within ±√(3 scale / n).
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        """Choose the variance and the distribution.

        Args:
            scale: the variance times n, positive.
            mode: what n is: "fan_in", "fan_out", or "fan_avg" for the mean of the two.
            distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
            seed: see `RandomInitializer`.
            input_axes: the weight's axes of inputs, if not those that `fans` takes.
            output_axes: the weight's axes of outputs; give both or neither.

        Raises:
            ValueError: a scale that is not positive, another mode or another distribution.
        """
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"scale is a positive number, got {scale}: give one above 0.")
        if mode not in MODES:
            raise ValueError(f"mode is {', '.join(map(repr, MODES))}, got {mode!r}: choose one.")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"distribution is {', '.join(map(repr, DISTRIBUTIONS))}, got {distribution!r}: "
                f"choose one."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`."""
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1, n))
        generator = self.generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3) * deviation
            values = generator.uniform(-limit, limit, shape)
        elif self.distribution == "untruncated_normal":
            values = generator.standard_normal(shape) * deviation
        else:
            widened = deviation / TRUNCATED_DEVIATION
            values = truncated_standard_normal(generator, shape) * widened
        return np.asarray(values, dtype)


class PresetScaling(VarianceScaling):
    """Base of the variance scalings that have a name."""

    preset: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        """The arguments are those of `VarianceScaling`."""
        super().__init__(*self.preset, seed, input_axes, output_axes)


class GlorotUniform(PresetScaling):
    """Uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(PresetScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    preset = (1.0, "fan_avg", "truncated_normal")


class LecunUniform(PresetScaling):
    """Uniform in ±√(3 / fan_in) (LeCun et al. 1998)."""

    preset = (1.0, "fan_in", "uniform")


class LecunNormal(PresetScaling):
    """Truncated normal of variance 1 / fan_in, for selu (Klambauer et al. 2017)."""

    preset = (1.0, "fan_in", "truncated_normal")


class HeUniform(PresetScaling):
    """Uniform in ±√(6 / fan_in), for relu (He et al. 2015)."""

    preset = (2.0, "fan_in", "uniform")


class HeNormal(PresetScaling):
    """Truncated normal of variance 2 / fan_in, for relu (He et al. 2015)."""

    preset = (2.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal columns (rows, if there are more columns), times a gain.

    Q of the QR decomposition of normally distributed numbers, its signs chosen such that every
    orthogonal matrix is equally likely (Saxe et al. 2014). Of more than two axes, the last one
    counts as columns and all others together as rows.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        """Multiply by `gain`."""
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
        """An array of `shape` and `dtype`.

        Raises:
            ValueError: a shape with fewer than two axes.
        """
        if len(shape) < 2:
            raise ValueError(f"Orthogonal makes matrices, got shape {shape}: give two lengths.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self.generator().standard_normal(tall))
        q = q * np.copysign(1, np.diagonal(r))
        return (self.gain * (q.T if rows < columns else q)).reshape(shape).astype(dtype)


def truncated_standard_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Standard normal numbers, those beyond ±2 drawn again until none is; float64."""
    values = np.asarray(generator.standard_normal(shape))
    outside = np.abs(values) > TRUNCATION
    while outside.any():
        values[outside] = generator.standard_normal(np.count_nonzero(outside))
        outside = np.abs(values) > TRUNCATION
    return values


def fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many inputs and outputs a weight of `shape` connects, as Keras counts them.

    The last two axes are inputs and outputs; those before them are a convolution's window. With
    `input_axes` and `output_axes` they are the products of the lengths of these axes.
    """
    if input_axes is not None and output_axes is not None:
        return (
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

INITIALIZERS: dict[str, type[Initializer]] = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "identity_initializer": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "normal": RandomNormal,
    "one": Ones,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "orthogonal_initializer": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "zero": Zeros,
    "zeros": Zeros,
}


def get(identifier: Any) -> Callable[..., Any]:
    """An initializer from its name, itself, any function of `(shape, dtype)`, or an array.

    Args:
        identifier: a name, an object, a class, a function, or an array (or nested lists) that
            holds the numbers themselves.

    Raises:
        ValueError: no initializer has this name; the message lists the near matches.
        TypeError: none of these.
    """
    if isinstance(identifier, str):
        return resolve("initializer", identifier, INITIALIZERS)()
    if isinstance(identifier, np.ndarray | np.generic | list | Tensor) or is_on_gpu(identifier):
        return Given(identifier)
    return made("initializer", identifier)
