"""Gradients of the binary elementwise ops against PyTorch, for random shapes that broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, mutually_broadcastable_shapes

import nnscratch as ns
from nnscratch.autograd import OPS, Op

BINARY_OPS = [
    op
    for op in OPS.values()
    if isinstance(op, Op)
    and op.arity == 2
    and len(op.vjps) == 2
    and not any(vjp is None for vjp in op.vjps)
    and (op.name == "power" or (isinstance(op.forward, np.ufunc) and op.forward.signature is None))
]


def on_torch(op: Any, *tensors: Any) -> Any:
    return op.torch(torch, *tensors) if callable(op.torch) else getattr(torch, op.torch)(*tensors)


def test_binary_ops_are_found() -> None:
    assert {"add", "divide", "power", "maximum", "hypot"} <= {op.name for op in BINARY_OPS}


@pytest.mark.parametrize("op", BINARY_OPS, ids=lambda op: op.name)
@settings(max_examples=25, deadline=None)
@given(
    shapes=mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=4, max_side=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradients_have_the_shape_of_what_was_broadcast(
    op: Any, shapes: BroadcastableShapes, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    arrays = [np.asarray(generator.uniform(0.5, 2.0, shape)) for shape in shapes.input_shapes]
    cotangent = np.asarray(generator.uniform(0.5, 1.5, shapes.result_shape))

    tensors = [ns.Tensor(array, requires_grad=True) for array in arrays]
    result = op(*tensors)
    result.backward(cotangent)

    references = [torch.from_numpy(array).requires_grad_() for array in arrays]
    expected = on_torch(op, *references)
    torch.testing.assert_close(torch.from_numpy(result.data), expected.detach())
    gradients: Any = [None, None]
    if expected.requires_grad:
        gradients = torch.autograd.grad(
            expected, references, torch.from_numpy(cotangent), allow_unused=True
        )
    for tensor, reference, gradient in zip(tensors, references, gradients, strict=True):
        filled = torch.zeros_like(reference) if gradient is None else gradient
        assert tensor.grad is not None
        torch.testing.assert_close(torch.from_numpy(tensor.grad.data), filled)


@pytest.mark.parametrize("op", BINARY_OPS, ids=lambda op: op.name)
@pytest.mark.parametrize("position", [0, 1])
def test_a_list_is_taken_as_an_array(op: Any, position: int) -> None:
    def gradient(other: Any) -> Any:
        x = ns.Tensor([[1.2], [0.7]], requires_grad=True)
        operands = (x, other) if position == 0 else (other, x)
        op(*operands).sum().backward()
        assert x.grad is not None
        return x.grad.data

    np.testing.assert_array_equal(gradient([0.5, 2.5]), gradient(np.array([0.5, 2.5])))
