"""The autograd core: recording, walking back, higher orders, and a large matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import nnscratch as ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    MakeLeaf = Callable[[Any], Any]


def torch_leaf(values: Any) -> torch.Tensor:
    """A PyTorch tensor that requires a gradient."""
    return torch.tensor(values, requires_grad=True)


def nnscratch_leaf(values: Any) -> ns.Tensor:
    """A tensor that requires a gradient."""
    return ns.tensor(values, requires_grad=True)


contestants = pytest.mark.parametrize(
    "leaf", [nnscratch_leaf, torch_leaf], ids=["nnscratch", "pytorch"]
)


@contestants
@pytest.mark.benchmark(group="record one product of two vectors of 8")
def test_record(benchmark: BenchmarkFixture, leaf: MakeLeaf) -> None:
    a, b = leaf(np.arange(8.0)), leaf(np.ones(8))
    product = benchmark(lambda: a * b)
    assert product.requires_grad


@contestants
@pytest.mark.benchmark(group="backward through a chain of 1000 sums")
def test_backward_of_chain(benchmark: BenchmarkFixture, leaf: MakeLeaf) -> None:
    start = leaf(np.ones(8))
    end = leaf(np.float64(0.0))

    def chain() -> tuple[tuple[Any], dict[str, Any]]:
        start.grad = None
        total = start
        for _ in range(1000):
            total = total + end
        return (total.sum(),), {}

    benchmark.pedantic(lambda total: total.backward(), setup=chain, rounds=50, warmup_rounds=5)
    assert start.grad.sum().item() == 8


def third_derivative_by_nnscratch(x: float) -> float:
    """As a user of nnscratch writes it."""
    derivative: float = ns.grad(ns.grad(ns.grad(np.tanh)))(x)
    return derivative


def third_derivative_by_pytorch(x: float) -> float:
    """As a user of PyTorch writes it."""
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    derivative = torch.tanh(point)
    for _ in range(2):
        (derivative,) = torch.autograd.grad(derivative, point, create_graph=True)
    return torch.autograd.grad(derivative, point)[0].item()


@pytest.mark.parametrize(
    "third_derivative",
    [third_derivative_by_nnscratch, third_derivative_by_pytorch],
    ids=["nnscratch", "pytorch"],
)
@pytest.mark.benchmark(group="third derivative of tanh")
def test_third_derivative(
    benchmark: BenchmarkFixture, third_derivative: Callable[[float], float]
) -> None:
    t = np.tanh(0.3)
    assert benchmark(third_derivative, 0.3) == pytest.approx(-2 * (1 - t**2) * (1 - 3 * t**2))


@contestants
@pytest.mark.benchmark(group="matrix product 128×784×512 float32, forward and backward")
def test_matmul(benchmark: BenchmarkFixture, leaf: MakeLeaf) -> None:
    generator = np.random.default_rng(0)
    a = leaf(generator.random((128, 784), dtype=np.float32))
    b = leaf(generator.random((784, 512), dtype=np.float32))

    def forward_and_backward() -> None:
        a.grad = b.grad = None
        (a @ b).sum().backward()

    benchmark(forward_and_backward)
    assert a.grad.shape == (128, 784)
