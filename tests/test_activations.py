"""Every activation against Keras: its name, its values, its gradients, also at the extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import torch
from keras.src.activations import ALL_OBJECTS_DICT as KERAS_ACTIVATIONS

import nnscratch as ns

if TYPE_CHECKING:
    pass

# Corners of the pieces, tails, and values whose squares overflow or underflow.
FINITE = np.array(
    [-1e30, -100, -20, -7, -6, -3.5, -3, -2, -1.1, -1, -0.5, -0.3, -1e-5, -1e-40, -0.0]
    + [0.0, 1e-40, 1e-5, 0.3, 0.5, 1, 1.1, 2, 3, 3.5, 6, 7, 20, 100, 1e30]
)
GRID = np.linspace(-8, 8, 301)
ROWS = np.random.default_rng(0).normal(0, 3, (40, 6))

ELEMENTWISE: list[tuple[str, tuple[Any, ...]]] = [
    (name, ())
    for name in sorted(KERAS_ACTIVATIONS)
    if name not in ("glu", "log_softmax", "softmax", "sparsemax", "threshold")
] + [
    ("relu", (0.3,)),
    ("relu", (0.0, 2.0)),
    ("relu", (0.0, None, 0.7)),
    ("relu", (0.0, None, -0.7)),
    ("relu", (0.3, 2.0, 0.7)),
    ("relu", (0.3, 2.0, -0.7)),
    ("leaky_relu", (0.01,)),
    ("leaky_relu", (1.5,)),
    ("elu", (0.3,)),
    ("celu", (2.5,)),
    ("gelu", (True,)),
    ("hard_shrink", (0.8,)),
    ("soft_shrink", (0.8,)),
    ("threshold", (0.8, 2.0)),
    ("squareplus", (0.5,)),
]
ALONG_AXIS: list[tuple[str, tuple[Any, ...]]] = [
    (name, axis)
    for name in ("glu", "log_softmax", "softmax", "sparsemax")
    for axis in ((), (0,), (-1,))
]
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def case_name(value: Any) -> str:
    return value if isinstance(value, str) else "-".join(map(str, value))


def ours_and_keras(name: str, options: Any, x: Any) -> tuple[Any, Any]:
    ours = getattr(ns.activations, name)(x, *options)
    theirs = getattr(keras.activations, name)(torch.from_numpy(x), *options)
    return ours, theirs.numpy()


def gradients(name: str, options: Any, x: Any, weights: Any) -> tuple[Any, Any]:
    """The gradient of Σ weights · activation(x), here and in PyTorch under Keras."""
    tensor = ns.Tensor(x, requires_grad=True)
    (getattr(ns.activations, name)(tensor, *options) * weights).sum().backward()
    leaf = torch.from_numpy(x.copy()).requires_grad_()
    (getattr(keras.activations, name)(leaf, *options) * torch.from_numpy(weights)).sum().backward()
    assert tensor.grad is not None
    assert leaf.grad is not None
    return tensor.grad.data, leaf.grad.numpy()


def assert_close(ours: Any, theirs: Any, dtype: Any) -> None:
    assert ours.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ours, theirs, rtol=16 * eps, atol=8 * eps)


# --- values and gradients -------------------------------------------------------------------------


def smooth_tail(name: str) -> float:
    """What PyTorch's softplus, a straight line from 20 on, leaves out: e^-20."""
    return float(np.exp(-20)) if name == "softplus" else 0.0


@both_dtypes
@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=case_name)
def test_elementwise_values_match_keras(name: str, options: Any, dtype: Any) -> None:
    x = np.concatenate([GRID, FINITE]).astype(dtype)
    if name == "exponential":  # e^100 is not a float32
        x = x[x < 80]
    ours, theirs = ours_and_keras(name, options, x)
    if name == "squareplus" and dtype == np.float32:  # its x² overflows in Keras, and not here
        np.testing.assert_array_equal(theirs[np.abs(x) == np.float32(1e30)], [np.inf, np.inf])
        ours, theirs = ours[np.abs(x) < 1e30], theirs[np.abs(x) < 1e30]
    assert_close(ours - 0, theirs, dtype) if not smooth_tail(name) else np.testing.assert_allclose(
        ours, theirs, rtol=1e-6, atol=smooth_tail(name)
    )


@both_dtypes
@pytest.mark.parametrize(("name", "options"), ALONG_AXIS, ids=case_name)
def test_values_along_an_axis_match_keras(name: str, options: Any, dtype: Any) -> None:
    x = ROWS.astype(dtype)
    assert_close(*ours_and_keras(name, options, x), dtype)
    assert_close(
        *gradients(name, options, x, np.cos(np.arange(len(x)))[:, None].astype(dtype)), dtype
    )
