"""The reference kernels: arrays in, arrays out, plain NumPy. What they compute is the truth.

A kernel knows nothing of tensors or layers. Those that update in place say so by their name
(`..._step`) and in their docstring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def dense(x: Array, kernel: Array, bias: Array, activation: str = "linear") -> Array:
    """Affine map of the last axis with its activation: y = φ(x W + b).

    Args:
        x: inputs, shape (..., inputs).
        kernel: W, shape (inputs, units).
        bias: b, shape (units,).
        activation: φ, "linear" or "relu".

    Returns:
        Shape (..., units); 2 · rows · inputs · units + rows · units operations, and as many again
        as there are outputs for "relu".
    """
    y: Array = np.dot(x, kernel) if x.ndim == 2 else np.matmul(x, kernel)
    y += bias
    if activation == "relu":
        np.maximum(y, 0, out=y)
    return y


def binary_crossentropy_from_logits(target: Array, logits: Array) -> Array:
    """Elementwise binary cross-entropy of sigmoid(z), without overflow for any z.

    -t ln σ(z) - (1 - t) ln(1 - σ(z)) = max(z, 0) - t z + ln(1 + e^-|z|), the form that TensorFlow's
    `sigmoid_cross_entropy_with_logits` documents.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.

    Returns:
        The loss of each element, same shape.
    """
    loss: Array = np.log1p(np.exp(-np.abs(logits)))
    loss += np.maximum(logits, 0)
    loss -= target * logits
    return loss


def mean_binary_crossentropy_from_logits(target: Array, logits: Array) -> Any:
    """(1/N) Σ of `binary_crossentropy_from_logits` over all N elements; a number."""
    loss = binary_crossentropy_from_logits(target, logits)
    return np.add.reduce(loss, axis=None) / loss.size


def sgd_step(
    values: Array,
    gradients: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
) -> None:
    """One step of gradient descent with momentum, in place, as Keras writes it.

    m ← μ m - η g; w ← w + m, or with Nesterov w ← w + μ m - η g. Without momentum w ← w - η g.

    Args:
        values: w, shape (n,), changed in place.
        gradients: g, shape (n,).
        momentum_buffer: m, shape (n,), changed in place; None without momentum.
        learning_rate: η.
        momentum: μ in [0, 1).
        nesterov: look ahead along the momentum.
    """
    change = gradients * (-learning_rate)
    if momentum_buffer is None:
        values += change
        return
    momentum_buffer *= momentum
    momentum_buffer += change
    if nesterov:
        change += momentum * momentum_buffer
        values += change
    else:
        values += momentum_buffer


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
) -> None:
    """One step of RMSprop (Tieleman and Hinton 2012), in place, with Keras's ε inside the root.

    v ← ρ v + (1 - ρ) g²; Δ = η g / √(v + ε), or centered (Graves 2013) with the mean gradient
    a ← ρ a + (1 - ρ) g, Δ = η g / √(v - a² + ε). w ← w - Δ, with momentum m ← μ m + Δ, w ← w - m.

    Args:
        values: w, shape (n,), changed in place.
        gradients: g, shape (n,).
        velocity: v, shape (n,), changed in place.
        average_gradient: a, shape (n,), changed in place; None unless centered.
        momentum_buffer: m, shape (n,), changed in place; None without momentum.
        learning_rate: η.
        rho: ρ in [0, 1).
        momentum: μ in [0, 1).
        epsilon: ε > 0.
    """
    change = np.square(gradients)
    change *= 1.0 - rho
    velocity *= rho
    velocity += change
    if average_gradient is None:
        np.add(velocity, epsilon, out=change)
    else:
        average_gradient *= rho
        average_gradient += (1.0 - rho) * gradients
        np.subtract(velocity, np.square(average_gradient), out=change)
        change += epsilon
    np.sqrt(change, out=change)
    np.divide(gradients, change, out=change)
    change *= learning_rate
    if momentum_buffer is not None:
        momentum_buffer *= momentum
        momentum_buffer += change
        change = momentum_buffer
    values -= change


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
) -> None:
    """One step of Adam (Kingma and Ba 2015, before section 2.1), in place, with Keras's ε.

    m ← m + (1 - β₁)(g - m); v ← v + (1 - β₂)(g² - v); w ← w - α m / (√v + ε) with
    α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ): ε is added before the bias correction. AMSGrad (Reddi et al. 2018)
    divides by the root of the largest v so far.

    Args:
        values: w, shape (n,), changed in place.
        gradients: g, shape (n,).
        momentum: m, shape (n,), changed in place.
        velocity: v, shape (n,), changed in place.
        largest_velocity: the largest v so far, shape (n,), changed in place; None without AMSGrad.
        step: t, counted from 1.
        learning_rate: η.
        beta_1: β₁ in [0, 1).
        beta_2: β₂ in [0, 1).
        epsilon: ε > 0.
    """
    alpha = learning_rate * float(np.sqrt(1.0 - beta_2**step)) / (1.0 - beta_1**step)
    change = gradients - momentum
    change *= 1.0 - beta_1
    momentum += change
    np.square(gradients, out=change)
    change -= velocity
    change *= 1.0 - beta_2
    velocity += change
    if largest_velocity is not None:
        np.maximum(largest_velocity, velocity, out=largest_velocity)
        velocity = largest_velocity
    np.sqrt(velocity, out=change)
    change += epsilon
    np.divide(momentum, change, out=change)
    change *= alpha
    values -= change
