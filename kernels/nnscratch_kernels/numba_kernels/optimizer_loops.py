"""What `optimizer_steps` runs: one loop for each optimizer, over elements `first` to `last`.

Each operation is rounded as it stands, and NaN stays NaN. Nothing would be won by approximating
roots and quotients: from the caches a step of Adam takes a quarter of the time that it takes from
memory. In `numbers` come the factors of values and of gradients, then the constants of the twin's
formula, all of the arrays' dtype.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from nnscratch_kernels.numba_kernels.compilation import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_in_order = compiled(fastmath=())


@compiled(fastmath=(), inline=True)
def _maximum(a: Any, b: Any) -> Any:
    """The larger number; NaN if one of them is NaN, as `np.maximum`."""
    return a if a >= b or a != a else b


@_in_order
def sgd(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    momentum_buffer: Array | None,
    numbers: tuple[Any, ...],
    nesterov: bool,
) -> None:
    """Gradient descent; `numbers` goes on with -η and the momentum."""
    value_factor, gradient_factor, rate, momentum = numbers
    w, g = values[first:last], gradients[first:last]
    if momentum_buffer is None:
        for i in range(w.size):
            w[i] = w[i] * value_factor + g[i] * gradient_factor * rate
    else:
        m = momentum_buffer[first:last]
        for i in range(w.size):
            change = g[i] * gradient_factor * rate
            m[i] = m[i] * momentum + change
            if nesterov:
                w[i] = w[i] * value_factor + change + m[i] * momentum
            else:
                w[i] = w[i] * value_factor + m[i]


@_in_order
def rmsprop(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    velocity: Array,
    average_gradient: Array | None,
    momentum_buffer: Array | None,
    numbers: tuple[Any, ...],
) -> None:
    """RMSprop; `numbers` goes on with η, 1 - ρ, the momentum and ε."""
    value_factor, gradient_factor, rate, share, momentum, epsilon = numbers
    w, g, v = values[first:last], gradients[first:last], velocity[first:last]
    a = v if average_gradient is None else average_gradient[first:last]
    m = v if momentum_buffer is None else momentum_buffer[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        spread = v[i] + (gradient * gradient - v[i]) * share
        v[i] = spread
        if average_gradient is not None:
            average = a[i] + (gradient - a[i]) * share
            a[i] = average
            spread = spread - average * average
        change = gradient / sqrt(spread + epsilon) * rate
        if momentum_buffer is not None:
            change = m[i] * momentum + change
            m[i] = change
        w[i] = w[i] * value_factor - change


@_in_order
def adam(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    momentum: Array,
    velocity: Array,
    largest_velocity: Array | None,
    numbers: tuple[Any, ...],
) -> None:
    """Adam; `numbers` goes on with α, 1 - β₁, 1 - β₂ and ε."""
    value_factor, gradient_factor, alpha, share_1, share_2, epsilon = numbers
    w, g = values[first:last], gradients[first:last]
    m, v = momentum[first:last], velocity[first:last]
    largest = v if largest_velocity is None else largest_velocity[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        mean = m[i] + (gradient - m[i]) * share_1
        spread = v[i] + (gradient * gradient - v[i]) * share_2
        m[i], v[i] = mean, spread
        if largest_velocity is not None:
            spread = _maximum(largest[i], spread)
            largest[i] = spread
        w[i] = w[i] * value_factor - mean / (sqrt(spread) + epsilon) * alpha


@_in_order
def adagrad(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    accumulator: Array,
    numbers: tuple[Any, ...],
) -> None:
    """Adagrad; `numbers` goes on with η and ε."""
    value_factor, gradient_factor, rate, epsilon = numbers
    w, g, n = values[first:last], gradients[first:last], accumulator[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        total = n[i] + gradient * gradient
        n[i] = total
        w[i] = w[i] * value_factor - gradient / sqrt(total + epsilon) * rate


@_in_order
def adadelta(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    accumulated_gradient: Array,
    accumulated_change: Array,
    numbers: tuple[Any, ...],
) -> None:
    """Adadelta; `numbers` goes on with η, 1 - ρ and ε."""
    value_factor, gradient_factor, rate, share, epsilon = numbers
    w, g = values[first:last], gradients[first:last]
    n, d = accumulated_gradient[first:last], accumulated_change[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        spread = n[i] + (gradient * gradient - n[i]) * share
        change = sqrt((d[i] + epsilon) / (spread + epsilon)) * gradient
        n[i], d[i] = spread, d[i] + (change * change - d[i]) * share
        w[i] = w[i] * value_factor - change * rate


@_in_order
def adamax(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    momentum: Array,
    norm: Array,
    numbers: tuple[Any, ...],
) -> None:
    """Adamax; `numbers` goes on with η / (1 - β₁ᵗ), 1 - β₁, β₂ and ε."""
    value_factor, gradient_factor, alpha, share_1, beta_2, epsilon = numbers
    w, g, m, u = values[first:last], gradients[first:last], momentum[first:last], norm[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        mean = m[i] + (gradient - m[i]) * share_1
        largest = _maximum(u[i] * beta_2, abs(gradient))
        m[i], u[i] = mean, largest
        w[i] = w[i] * value_factor - mean / (largest + epsilon) * alpha


@_in_order
def nadam(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    momentum: Array,
    velocity: Array,
    numbers: tuple[Any, ...],
) -> None:
    """Nadam; `numbers` goes on with what m and g count in η m̂, 1 - β₁, 1 - β₂, 1 - β₂ᵗ and ε."""
    value_factor, gradient_factor, of_mean, of_gradient, share_1, share_2, correction, epsilon = (
        numbers
    )
    w, g = values[first:last], gradients[first:last]
    m, v = momentum[first:last], velocity[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        mean = m[i] + (gradient - m[i]) * share_1
        spread = v[i] + (gradient * gradient - v[i]) * share_2
        m[i], v[i] = mean, spread
        change = mean * of_mean + gradient * of_gradient
        w[i] = w[i] * value_factor - change / (sqrt(spread / correction) + epsilon)


@_in_order
def ftrl(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    accumulator: Array,
    linear: Array,
    numbers: tuple[Any, ...],
) -> None:
    """FTRL-Proximal with p = 1/2; `numbers` goes on with η, λ₁, 2 λ₂, 2 λₛ and β."""
    value_factor, gradient_factor, rate, l1, twice_l2, twice_shrinkage, beta = numbers
    w, g = values[first:last], gradients[first:last]
    n, z = accumulator[first:last], linear[first:last]
    for i in range(w.size):
        gradient, value = g[i] * gradient_factor, w[i] * value_factor
        total = n[i] + gradient * gradient
        root = sqrt(total)
        pull = z[i] + gradient + value * twice_shrinkage - (root - sqrt(n[i])) / rate * value
        n[i], z[i] = total, pull
        clipped = -l1 if pull < -l1 else (l1 if pull > l1 else pull)
        w[i] = (clipped - pull) / ((root + beta) / rate + twice_l2)


@_in_order
def lion(
    first: int,
    last: int,
    values: Array,
    gradients: Array,
    momentum: Array,
    numbers: tuple[Any, ...],
) -> None:
    """Lion; `numbers` goes on with η, β₁, 1 - β₁, β₂ and 1 - β₂."""
    value_factor, gradient_factor, rate, beta_1, share_1, beta_2, share_2 = numbers
    w, g, m = values[first:last], gradients[first:last], momentum[first:last]
    for i in range(w.size):
        gradient = g[i] * gradient_factor
        direction = m[i] * beta_1 + gradient * share_1
        change = rate if direction > 0 else (-rate if direction < 0 else direction * rate)
        w[i] = w[i] * value_factor - change
        m[i] = m[i] * beta_2 + gradient * share_2
