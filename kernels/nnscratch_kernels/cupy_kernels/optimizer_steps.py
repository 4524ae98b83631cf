"""The steps of the optimizers on the GPU: each number is read once and written once.

Names, arguments and formulas are those of `numpy_kernels.optimizer_steps`. The kernels work in
place on C-contiguous arrays of one shape that are all of float32 or float64, such as stretches of
flat buffers. With others they work on copies, which are then written back.
"""

from __future__ import annotations

from functools import wraps
from math import sqrt
from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nnscratch_kernels.cupy_kernels.elementwise import can_compute, over_tiles
from nnscratch_kernels.cupy_kernels.launch import cuda_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = Any

_GRADIENTS = 1
"""Place of the argument that no step changes."""


def _in_place(step: Callable[..., None]) -> Callable[..., None]:
    """A step of arrays of any layout and floating-point dtype.

    Raises:
        TypeError: an array that is not on the GPU, or not of floating-point numbers.
        ValueError: arrays of several shapes.
    """

    @wraps(step)
    def checked(values: Array, *arrays: Array | None, **options: Any) -> None:
        given = [values, *arrays]
        there = [array for array in given if array is not None]
        if can_compute(*there) and all(array.flags.c_contiguous for array in there):
            step(*given, **options)
            return
        _check(step.__name__, there)
        dtype = np.result_type(np.float32, *(array.dtype for array in there))
        copies = [None if one is None else cupy.array(one, dtype, order="C") for one in given]
        step(*copies, **options)
        for place, (array, copy) in enumerate(zip(given, copies, strict=True)):
            if array is not None and place != _GRADIENTS:
                array[...] = copy

    return checked


def _check(step: str, arrays: list[Array]) -> None:
    for array in arrays:
        if not isinstance(array, cupy.ndarray) or array.dtype.kind != "f":
            kind = f"{type(array).__module__.split('.')[0]}.{type(array).__name__}"
            raise TypeError(
                f"{step} takes floating-point arrays that are all on the GPU, got a {kind} of "
                f"dtype {array.dtype}: move it there with cupy.asarray, or convert it."
            )
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{step} takes arrays of one shape, got {arrays[0].shape} and {array.shape}."
            )


def _run(
    step: str,
    values: Array,
    gradients: Array,
    factors: tuple[float, float],
    numbers: tuple[float, ...],
    *rest: Any,
) -> None:
    """Launch a kernel.

    Args:
        step: its name.
        values: w, changed.
        gradients: g.
        factors: of the values and of the gradients.
        numbers: the constants of the step, given in the dtype of the arrays.
        rest: flags as np.int32, and slots.
    """
    real = values.dtype.type
    kernel = cuda_kernel("optimizer_steps", step, values.dtype)
    typed = map(real, (*factors, *numbers))
    over_tiles(kernel, values.size, values, gradients, *typed, *rest)


def _optional(slot: Array | None, values: Array) -> tuple[Array, Any]:
    """A slot that may be absent, and whether it is there; a kernel touches no absent one."""
    return (values, np.int32(0)) if slot is None else (slot, np.int32(1))


@_in_place
def sgd_step(
    values: Array,
    gradients: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.sgd_step`. One pass: 3 arrays, 5 with momentum."""
    _run(
        "sgd",
        values,
        gradients,
        (value_factor, gradient_factor),
        (learning_rate, momentum),
        np.int32(bool(nesterov) and momentum_buffer is not None),
        *_optional(momentum_buffer, values),
    )


@_in_place
def rmsprop_step(
    values: Array,
    gradients: Array,
    velocity: Array,
    average_gradient: Array | None,
    momentum_buffer: Array | None,
    *,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.rmsprop_step`. One pass: 5 arrays, 2 more for each further slot."""
    _run(
        "rmsprop",
        values,
        gradients,
        (value_factor, gradient_factor),
        (learning_rate, 1.0 - rho, momentum, epsilon),
        velocity,
        *_optional(average_gradient, values),
        *_optional(momentum_buffer, values),
    )


@_in_place
def adam_step(
    values: Array,
    gradients: Array,
    momentum: Array,
    velocity: Array,
    largest_velocity: Array | None,
    *,
    step: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.adam_step`. One pass: 7 arrays, 9 with AMSGrad."""
    alpha = learning_rate * sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
    _run(
        "adam",
        values,
        gradients,
        (value_factor, gradient_factor),
        (alpha, 1.0 - beta_1, 1.0 - beta_2, epsilon),
        momentum,
        velocity,
        *_optional(largest_velocity, values),
    )


@_in_place
def adagrad_step(
    values: Array,
    gradients: Array,
    accumulator: Array,
    *,
    learning_rate: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.adagrad_step`. One pass: 5 arrays."""
    factors = (value_factor, gradient_factor)
    _run("adagrad", values, gradients, factors, (learning_rate, epsilon), accumulator)


@_in_place
def adadelta_step(
    values: Array,
    gradients: Array,
    accumulated_gradient: Array,
    accumulated_change: Array,
    *,
    learning_rate: float,
    rho: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.adadelta_step`. One pass: 7 arrays."""
    _run(
        "adadelta",
        values,
        gradients,
        (value_factor, gradient_factor),
        (learning_rate, 1.0 - rho, epsilon),
        accumulated_gradient,
        accumulated_change,
    )


@_in_place
def adamax_step(
    values: Array,
    gradients: Array,
    momentum: Array,
    norm: Array,
    *,
    step: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.adamax_step`. One pass: 7 arrays."""
    alpha = learning_rate / (1.0 - beta_1**step)
    _run(
        "adamax",
        values,
        gradients,
        (value_factor, gradient_factor),
        (alpha, 1.0 - beta_1, beta_2, epsilon),
        momentum,
        norm,
    )


@_in_place
def nadam_step(
    values: Array,
    gradients: Array,
    momentum: Array,
    velocity: Array,
    *,
    step: int,
    decay: float,
    next_decay: float,
    decay_product: float,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.nadam_step`. One pass: 7 arrays."""
    of_mean = learning_rate * next_decay / (1.0 - decay_product * next_decay)
    of_gradient = learning_rate * (1.0 - decay) / (1.0 - decay_product)
    correction = 1.0 - beta_2**step
    _run(
        "nadam",
        values,
        gradients,
        (value_factor, gradient_factor),
        (of_mean, of_gradient, 1.0 - beta_1, 1.0 - beta_2, correction, epsilon),
        momentum,
        velocity,
    )


@_in_place
def ftrl_step(
    values: Array,
    gradients: Array,
    accumulator: Array,
    linear: Array,
    *,
    learning_rate: float,
    learning_rate_power: float,
    l1: float,
    l2: float,
    l2_shrinkage: float,
    beta: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.ftrl_step`. One pass: 7 arrays."""
    _run(
        "ftrl",
        values,
        gradients,
        (value_factor, gradient_factor),
        (learning_rate, -learning_rate_power, l1, 2.0 * l2, 2.0 * l2_shrinkage, beta),
        accumulator,
        linear,
    )


@_in_place
def lion_step(
    values: Array,
    gradients: Array,
    momentum: Array,
    *,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    value_factor: float = 1.0,
    gradient_factor: float = 1.0,
) -> None:
    """As `numpy_kernels.lion_step`. One pass: 5 arrays."""
    _run(
        "lion",
        values,
        gradients,
        (value_factor, gradient_factor),
        (learning_rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2),
        momentum,
    )
