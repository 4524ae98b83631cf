"""The steps of the optimizers in one pass over memory: each number is read once and written once.

The loops are in `optimizer_loops`. They do the operations of NumPy's twins in the twins' order, so
a step has the same bits whether NumPy or Numba takes it, however the buffers are cut. Arrays that
are not flat, contiguous and all of float32 or float64 go to the twin.
"""

from __future__ import annotations

from functools import wraps
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numba_kernels import optimizer_loops as loops
from nnscratch_kernels.numba_kernels.layout import COMPILED_DTYPES
from nnscratch_kernels.numpy_kernels import optimizer_steps as reference
from nnscratch_kernels.threads import run_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_GRAIN = 1 << 19  # elements; 80 µs of a step from the caches, 260 µs from memory


_FEW = 1 << 12  # elements of which NumPy takes plain steps, two operations, in less time


def _for_flat_arrays(step: Callable[..., None]) -> Callable[..., None]:
    """Send what the loops cannot take to the twin in `numpy_kernels`."""
    twin: Callable[..., None] = getattr(reference, step.__name__)

    @wraps(step)
    def checked(values: Array, *arrays: Array | None, **options: Any) -> None:
        (step if _are_flat(values, *arrays) else twin)(values, *arrays, **options)

    return checked


def _are_flat(values: Array, *arrays: Array | None) -> bool:
    """Whether the loops can take these: one axis, one length, one dtype that is compiled."""
    dtype, size = values.dtype, values.size
    if dtype not in COMPILED_DTYPES:
        return False
    for array in (values, *arrays):  # a generator would take twice as long
        if array is not None and not (
            array.ndim == 1
            and array.size == size
            and array.dtype == dtype
            and array.flags.c_contiguous
        ):
            return False
    return True


def _numbers(dtype: np.dtype[Any], *numbers: float) -> tuple[Any, ...]:
    """Numbers in the dtype of the arrays, so that nothing is computed in a wider one."""
    kind = float if dtype.char == "d" else dtype.type  # Python's are made in half the time
    return tuple(map(kind, numbers))


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
    """As `numpy_kernels.sgd_step`; 3 passes over arrays, 5 with momentum."""
    is_short = momentum_buffer is None and values.size < _FEW
    if is_short or not _are_flat(values, gradients, momentum_buffer):
        reference.sgd_step(
            values,
            gradients,
            momentum_buffer,
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            value_factor=value_factor,
            gradient_factor=gradient_factor,
        )
        return
    numbers = _numbers(values.dtype, value_factor, gradient_factor, -learning_rate, momentum)
    arrays = (values, gradients, momentum_buffer)
    run_in_parts(loops.sgd, values.size, _GRAIN, *arrays, numbers, bool(nesterov))


@_for_flat_arrays
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
    """As `numpy_kernels.rmsprop_step`; 5 passes over arrays, 2 more for each further slot."""
    numbers = _numbers(
        values.dtype, value_factor, gradient_factor, learning_rate, 1.0 - rho, momentum, epsilon
    )
    arrays = (values, gradients, velocity, average_gradient, momentum_buffer)
    run_in_parts(loops.rmsprop, values.size, _GRAIN, *arrays, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.adam_step`; 7 passes over arrays, 9 with AMSGrad."""
    alpha = learning_rate * sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
    numbers = _numbers(
        values.dtype, value_factor, gradient_factor, alpha, 1.0 - beta_1, 1.0 - beta_2, epsilon
    )
    arrays = (values, gradients, momentum, velocity, largest_velocity)
    run_in_parts(loops.adam, values.size, _GRAIN, *arrays, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.adagrad_step`; 5 passes over arrays."""
    numbers = _numbers(values.dtype, value_factor, gradient_factor, learning_rate, epsilon)
    run_in_parts(loops.adagrad, values.size, _GRAIN, values, gradients, accumulator, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.adadelta_step`; 7 passes over arrays."""
    numbers = _numbers(
        values.dtype, value_factor, gradient_factor, learning_rate, 1.0 - rho, epsilon
    )
    arrays = (values, gradients, accumulated_gradient, accumulated_change)
    run_in_parts(loops.adadelta, values.size, _GRAIN, *arrays, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.adamax_step`; 7 passes over arrays."""
    alpha = learning_rate / (1.0 - beta_1**step)
    numbers = _numbers(
        values.dtype, value_factor, gradient_factor, alpha, 1.0 - beta_1, beta_2, epsilon
    )
    run_in_parts(loops.adamax, values.size, _GRAIN, values, gradients, momentum, norm, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.nadam_step`; 7 passes over arrays."""
    of_mean = learning_rate * next_decay / (1.0 - decay_product * next_decay)
    of_gradient = learning_rate * (1.0 - decay) / (1.0 - decay_product)
    shares = (1.0 - beta_1, 1.0 - beta_2)
    correction = 1.0 - beta_2**step
    factors = (value_factor, gradient_factor, of_mean, of_gradient)
    numbers = _numbers(values.dtype, *factors, *shares, correction, epsilon)
    run_in_parts(loops.nadam, values.size, _GRAIN, values, gradients, momentum, velocity, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.ftrl_step`; 7 passes over arrays."""
    if learning_rate_power != -0.5:  # other powers take NumPy less time than a loop
        reference.ftrl_step(
            values,
            gradients,
            accumulator,
            linear,
            learning_rate=learning_rate,
            learning_rate_power=learning_rate_power,
            l1=l1,
            l2=l2,
            l2_shrinkage=l2_shrinkage,
            beta=beta,
            value_factor=value_factor,
            gradient_factor=gradient_factor,
        )
        return
    factors = (value_factor, gradient_factor, learning_rate)
    numbers = _numbers(values.dtype, *factors, l1, 2.0 * l2, 2.0 * l2_shrinkage, beta)
    run_in_parts(loops.ftrl, values.size, _GRAIN, values, gradients, accumulator, linear, numbers)


@_for_flat_arrays
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
    """As `numpy_kernels.lion_step`; 5 passes over arrays."""
    factors = (value_factor, gradient_factor, learning_rate)
    numbers = _numbers(values.dtype, *factors, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2)
    run_in_parts(loops.lion, values.size, _GRAIN, values, gradients, momentum, numbers)
