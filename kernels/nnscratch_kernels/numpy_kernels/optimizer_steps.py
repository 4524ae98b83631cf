"""The steps of the optimizers: flat arrays of values, gradients and slots, changed in place.

All arrays of one call have shape (n,) and one floating-point dtype; only the gradients stay as
they are. Numbers such as η may be Python's. A running mean is written m ← m + (1 - β)(g - m),
which is β m + (1 - β) g with one multiplication.

Every step begins with w ← w · value_factor, where 1 - λ η is decoupled weight decay (Loshchilov and
Hutter 2019), and uses g · gradient_factor for g, which clips by norm or undoes a loss's scale: both
cost less here than in passes of their own.

On small models the time goes into the number of calls and how they are made, hence the style:
NumPy's functions get their output by position (`out=` takes a quarter longer), and constants come
as arrays of shape () that are made once, which NumPy takes up in half the time of a Python float.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch_kernels.numpy_kernels.blocks import in_blocks

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class _Constants(dict[float, Any]):
    """Numbers as arrays of shape () of one dtype, made when first asked for."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self.dtype = dtype

    def __missing__(self, number: float) -> Any:
        if len(self) >= 64:  # a learning rate that changes at every step must not fill memory
            self.clear()
        made = self[number] = np.asarray(number, self.dtype)
        return made


class _ConstantsByDtype(dict[Any, _Constants]):
    def __missing__(self, dtype: Any) -> _Constants:
        made = self[dtype] = _Constants(dtype)
        return made


_CONSTANTS = _ConstantsByDtype()


@in_blocks
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
    """One step of gradient descent with momentum, as Keras writes it.

    m ← μ m - η g; w ← w + m, or with Nesterov (Sutskever et al. 2013) w ← w + μ m - η g. Without
    momentum w ← w - η g.

    Args:
        values: w.
        gradients: g.
        momentum_buffer: m; None without momentum.
        learning_rate: η.
        momentum: μ in [0, 1].
        nesterov: look ahead along the momentum.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    change = np.multiply(gradients, constants[-learning_rate])
    if momentum_buffer is None:
        values += change
        return
    momentum_buffer *= constants[momentum]
    momentum_buffer += change
    if nesterov:
        values += change
        np.multiply(momentum_buffer, constants[momentum], change)
        values += change
    else:
        values += momentum_buffer


@in_blocks
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
    """One step of RMSprop (Tieleman and Hinton 2012) with Keras's ε, inside the root.

    v ← ρ v + (1 - ρ) g²; Δ = η g / √(v + ε), or centered (Graves 2013) with the mean gradient
    a ← ρ a + (1 - ρ) g, Δ = η g / √(v - a² + ε). w ← w - Δ, with momentum m ← μ m + Δ, w ← w - m.

    Args:
        values: w.
        gradients: g.
        velocity: v.
        average_gradient: a; None unless centered.
        momentum_buffer: m; None without momentum.
        learning_rate: η.
        rho: ρ in [0, 1].
        momentum: μ in [0, 1].
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    change = np.square(gradients)
    change -= velocity
    change *= constants[1.0 - rho]
    velocity += change
    if average_gradient is None:
        np.add(velocity, constants[epsilon], change)
    else:
        np.subtract(gradients, average_gradient, change)
        change *= constants[1.0 - rho]
        average_gradient += change
        np.square(average_gradient, change)
        np.subtract(velocity, change, change)
        change += constants[epsilon]
    np.sqrt(change, change)
    np.divide(gradients, change, change)
    change *= constants[learning_rate]
    if momentum_buffer is not None:
        momentum_buffer *= constants[momentum]
        momentum_buffer += change
        change = momentum_buffer
    values -= change


@in_blocks
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
    """One step of Adam (Kingma and Ba 2015, before section 2.1) with Keras's ε.

    m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; w ← w - α m / (√v + ε) with
    α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ): ε is added before the bias correction. AMSGrad (Reddi et al. 2018)
    divides by the root of the largest v so far.

    Args:
        values: w.
        gradients: g.
        momentum: m.
        velocity: v.
        largest_velocity: the largest v so far; None without AMSGrad.
        step: t, counted from 1.
        learning_rate: η.
        beta_1: β₁ in [0, 1).
        beta_2: β₂ in [0, 1).
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    alpha = learning_rate * sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
    change = np.subtract(gradients, momentum)
    change *= constants[1.0 - beta_1]
    momentum += change
    np.square(gradients, change)
    change -= velocity
    change *= constants[1.0 - beta_2]
    velocity += change
    if largest_velocity is not None:
        np.maximum(largest_velocity, velocity, out=largest_velocity)
        velocity = largest_velocity
    np.sqrt(velocity, change)
    change += constants[epsilon]
    np.divide(momentum, change, change)
    change *= alpha  # another number at each step, so no constant
    values -= change


@in_blocks
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
    """One step of Adagrad (Duchi et al. 2011) with Keras's ε, inside the root.

    n ← n + g²; w ← w - η g / √(n + ε).

    Args:
        values: w.
        gradients: g.
        accumulator: n.
        learning_rate: η.
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    change = np.square(gradients)
    accumulator += change
    np.add(accumulator, constants[epsilon], change)
    np.sqrt(change, change)
    np.divide(gradients, change, change)
    change *= constants[learning_rate]
    values -= change


@in_blocks
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
    """One step of Adadelta (Zeiler 2012), with a learning rate as in Keras.

    n ← ρ n + (1 - ρ) g²; Δ = g √(d + ε) / √(n + ε); d ← ρ d + (1 - ρ) Δ²; w ← w - η Δ.

    Args:
        values: w.
        gradients: g.
        accumulated_gradient: n.
        accumulated_change: d.
        learning_rate: η; 1 in the paper.
        rho: ρ in [0, 1].
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    _move_mean(accumulated_gradient, np.square(gradients), constants[1.0 - rho])
    change = accumulated_change + constants[epsilon]
    change /= accumulated_gradient + constants[epsilon]
    np.sqrt(change, change)
    change *= gradients
    _move_mean(accumulated_change, np.square(change), constants[1.0 - rho])
    change *= constants[learning_rate]
    values -= change


@in_blocks
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
    """One step of Adamax (Kingma and Ba 2015, section 7.1), with Keras's ε.

    m ← β₁ m + (1 - β₁) g; u ← max(β₂ u, |g|); w ← w - η / (1 - β₁ᵗ) · m / (u + ε).

    Args:
        values: w.
        gradients: g.
        momentum: m.
        norm: u.
        step: t, counted from 1.
        learning_rate: η.
        beta_1: β₁ in [0, 1).
        beta_2: β₂ in [0, 1].
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    _move_mean(momentum, gradients.copy(), constants[1.0 - beta_1])
    change = np.abs(gradients)
    norm *= constants[beta_2]
    np.maximum(norm, change, out=norm)
    np.add(norm, constants[epsilon], change)
    np.divide(momentum, change, change)
    change *= learning_rate / (1.0 - beta_1**step)
    values -= change


@in_blocks
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
    """One step of Nadam (Dozat 2015), Adam with Nesterov's look ahead, as Keras writes it.

    m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²;
    m̂ = uₜ₊₁ m / (1 - U uₜ₊₁) + (1 - uₜ) g / (1 - U) with U = u₁ u₂ … uₜ;
    w ← w - η m̂ / (√(v / (1 - β₂ᵗ)) + ε).

    Args:
        values: w.
        gradients: g.
        momentum: m.
        velocity: v.
        step: t, counted from 1.
        decay: uₜ, the momentum's decay at this step.
        next_decay: uₜ₊₁.
        decay_product: U.
        learning_rate: η.
        beta_1: β₁ in [0, 1).
        beta_2: β₂ in [0, 1).
        epsilon: ε.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    _move_mean(momentum, gradients.copy(), constants[1.0 - beta_1])
    _move_mean(velocity, np.square(gradients), constants[1.0 - beta_2])
    change = momentum * (learning_rate * next_decay / (1.0 - decay_product * next_decay))
    change += gradients * (learning_rate * (1.0 - decay) / (1.0 - decay_product))
    root = velocity / (1.0 - beta_2**step)
    np.sqrt(root, root)
    root += constants[epsilon]
    change /= root
    values -= change


@in_blocks
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
    """One step of FTRL-Proximal (McMahan et al. 2013), as Keras writes it.

    n' = n + g²; z ← z + g + 2 λₛ w - (n'ᵖ - nᵖ) / η · w with p = -learning_rate_power;
    w ← (clip(z, -λ₁, λ₁) - z) / ((n'ᵖ + β) / η + 2 λ₂); n ← n'.

    Args:
        values: w.
        gradients: g.
        accumulator: n.
        linear: z.
        learning_rate: η > 0.
        learning_rate_power: -p; -0.5 takes square roots.
        l1: λ₁; weights whose |z| is no larger are exactly 0.
        l2: λ₂, which pulls the weights to 0.
        l2_shrinkage: λₛ, a penalty on the size of the weights that acts through the gradient.
        beta: β.
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    before = accumulator**-learning_rate_power
    accumulator += np.square(gradients)
    after = accumulator**-learning_rate_power
    linear += gradients
    linear += values * (2.0 * l2_shrinkage)
    linear -= (after - before) / learning_rate * values
    np.clip(linear, -l1, l1, values)
    values -= linear
    values /= (after + beta) / learning_rate + 2.0 * l2


@in_blocks
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
    """One step of Lion (Chen et al. 2023): every weight moves by ±η.

    w ← w - η sign(β₁ m + (1 - β₁) g); m ← β₂ m + (1 - β₂) g.

    Args:
        values: w.
        gradients: g.
        momentum: m.
        learning_rate: η.
        beta_1: β₁ in (0, 1].
        beta_2: β₂ in [0, 1].
        value_factor: what the values are multiplied by before the step.
        gradient_factor: what the gradients are multiplied by.
    """
    gradients = _prepared(values, gradients, value_factor, gradient_factor)
    constants = _CONSTANTS[values.dtype]
    # As written, since the sign must not depend on how a sum near 0 is rearranged.
    change = momentum * constants[beta_1]
    change += gradients * constants[1.0 - beta_1]
    np.sign(change, change)
    change *= constants[learning_rate]
    values -= change
    momentum *= constants[beta_2]
    momentum += gradients * constants[1.0 - beta_2]


def _prepared(
    values: Array, gradients: Array, value_factor: float, gradient_factor: float
) -> Array:
    """Shrink the values in place, and give the gradients as the step uses them."""
    if value_factor != 1.0:
        values *= value_factor
    return gradients if gradient_factor == 1.0 else gradients * gradient_factor


def _move_mean(mean: Array, target: Array, rate: Any) -> None:
    """Move `mean` by a part of the way to `target`, which is overwritten."""
    target -= mean
    target *= rate
    mean += target
