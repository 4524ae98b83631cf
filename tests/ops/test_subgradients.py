"""Gradients at corners, at ties and at the edges of domains are PyTorch's, without a stray NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import nnscratch as ns

if TYPE_CHECKING:
    from collections.abc import Callable

inf, nan = np.inf, np.nan


def gradients(function: Callable[..., Any], *arrays: Any) -> list[Any]:
    tensors = [ns.Tensor(np.array(array, dtype=float), requires_grad=True) for array in arrays]
    function(*tensors).sum().backward()
    return [np.zeros(t.shape) if t.grad is None else t.grad.data for t in tensors]


def torch_gradients(function: Callable[..., Any], *arrays: Any) -> list[Any]:
    tensors = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]
    found = torch.autograd.grad(function(*tensors).sum(), tensors, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors, strict=True)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of 0⁻¹ and of log(-2)
@pytest.mark.parametrize(
    ("function", "torch_function", "arrays"),
    [
        (np.absolute, torch.abs, [[0.0, -0.0, inf]]),
        (np.sign, torch.sign, [[0.0, 1.0]]),
        (ns.ops.relu, torch.relu, [[0.0, -0.0, inf]]),
        (np.sqrt, torch.sqrt, [[0.0, 1.0]]),
        (np.sinc, torch.sinc, [[0.0]]),
        (np.nan_to_num, torch.nan_to_num, [[nan, inf, -inf, 1.0]]),
        (np.maximum, torch.maximum, [[0.0, 1.0, nan, 1.0, -0.0], [0.0, nan, 1.0, 2.0, 0.0]]),
        (np.minimum, torch.minimum, [[0.0, 1.0, nan, 1.0, -0.0], [0.0, nan, 1.0, 2.0, 0.0]]),
        (np.fmax, torch.fmax, [[0.0, 1.0, nan, 1.0, nan], [0.0, nan, 1.0, 2.0, nan]]),
        (np.fmin, torch.fmin, [[0.0, 1.0, nan, 1.0, nan], [0.0, nan, 1.0, 2.0, nan]]),
        (
            np.clip,
            torch.clamp,
            [
                [0.0, 1.0, 2.0, nan, -1.0, 5.0, -5.0, 5.0],
                [0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 3.0, 3.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0],
            ],
        ),
        (np.copysign, torch.copysign, [[0.0, -0.0, 1.0, 1.0], [1.0, -1.0, -0.0, 0.0]]),
        (np.arctan2, torch.arctan2, [[0.0, 1.0], [0.0, 0.0]]),
        (np.mod, torch.remainder, [[1.0, 6.0, -1.5], [1.0, 3.0, 1.0]]),
        (np.power, torch.pow, [[0.0, 0.0, 0.0, -2.0, 0.0, 2.0], [0.0, 1.0, 2.0, 2.0, -1.0, 0.0]]),
        (lambda x: x**2, lambda x: x**2, [[0.0, -1.5]]),
        (lambda x: x**1, lambda x: x**1, [[0.0, -1.5]]),
        (lambda x: x**0, lambda x: x**0, [[0.0, -1.5]]),
        (lambda x: 0.0**x, lambda x: 0.0**x, [[0.0, 1.5]]),
        (lambda x: np.logaddexp(x, 0), lambda x: torch.logaddexp(x, 0 * x), [[-1e4, 0.0, 1e4]]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_corner_matches_pytorch(
    function: Callable[..., Any], torch_function: Callable[..., Any], arrays: list[Any]
) -> None:
    expected = torch_gradients(torch_function, *arrays)
    for ours, theirs in zip(gradients(function, *arrays), expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(ours), theirs, equal_nan=True)


def test_gradient_is_zero_where_pytorch_gives_nan() -> None:
    np.testing.assert_array_equal(gradients(np.hypot, [0.0], [0.0]), [[0.0], [0.0]])
    np.testing.assert_array_equal(gradients(np.logaddexp, [-inf], [-inf]), [[0.0], [0.0]])
    np.testing.assert_array_equal(gradients(np.logaddexp2, [-inf], [-inf]), [[0.0], [0.0]])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4.0, np.array(0.0), np.array(3.0)])
def test_higher_derivatives_of_a_power_at_zero(exponent: Any) -> None:
    derivative: Any = lambda x: x**exponent  # noqa: E731 (differentiated again and again)
    for order in range(1, 5):
        derivative = ns.grad(derivative)
        # PyTorch gives NaN here; the n-th derivative of xⁿ is n!, all others are 0 at 0.
        expected = math.factorial(order) if order == exponent else 0
        assert float(derivative(0.0)) == expected


def test_scalar_exponent_keeps_float32() -> None:
    x = ns.Tensor(np.array([1.0, 2.0], dtype=np.float32), requires_grad=True)
    for y in (x**2, x**0.5, x**-1, 2.0**x):
        x.zero_grad()
        y.sum().backward()
        assert y.dtype == np.float32
        assert x.grad is not None
        assert x.grad.dtype == np.float32


def test_clip_refuses_a_bound_given_twice() -> None:
    with pytest.raises(TypeError, match="same bound twice"):
        ns.ops.clip(np.zeros(3), 0.0, 1.0, min=0.5)
