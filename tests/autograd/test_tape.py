"""The tape: long chains, deep diamonds, many uses; each rule runs once, and nothing recurses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import nnscratch as ns
from nnscratch.autograd import OPS, Op

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaf(values: Any) -> ns.Tensor:
    return ns.Tensor(values, requires_grad=True)


class CountedMean:
    """The op (a + b) / 2 that counts how often its gradient rule runs."""

    def __init__(self) -> None:
        self.calls = 0
        self.op = Op(
            "counted_mean",
            lambda a, b: 0.5 * (a + b),
            vjps=(self.rule, self.rule),
            formula="y = (a + b) / 2",
            samples=None,
            torch=None,
            numpy=[],
        )

    def rule(self, g: Any, y: Any, a: Any, b: Any) -> Any:
        self.calls += 1
        return 0.5 * g


@pytest.fixture
def counted_mean() -> Iterator[CountedMean]:
    counted = CountedMean()
    yield counted
    del OPS["counted_mean"]


def test_a_diamond_of_depth_10_000_runs_each_rule_once(counted_mean):
    depth = 10_000
    a = y = leaf([3.0])
    for _ in range(depth):
        left, right = counted_mean.op(y, y), counted_mean.op(y, y)
        y = counted_mean.op(left, right)
    y.backward()
    assert a.grad.tolist() == [1.0]
    assert counted_mean.calls == 2 * 3 * depth


def test_a_diamond_of_depth_10_000_in_a_transform(counted_mean):
    def diamond(y: Any) -> Any:
        for _ in range(10_000):
            y = counted_mean.op(y, y)
        return y

    assert ns.grad(diamond)(3.0) == 1.0
    assert counted_mean.calls == 2 * 10_000


def test_an_inner_gradient_runs_only_the_rules_below_it(counted_mean):
    def unrolled(x: Any) -> Any:
        for _ in range(50):
            x = x - 0.1 * ns.grad(lambda y: counted_mean.op(y, y))(x)
        return x

    ns.grad(unrolled)(1.0)
    assert counted_mean.calls == 2 * 50


def test_a_chain_of_100_000_nodes():
    length = 100_000
    a = y = leaf(1.0)
    for _ in range(length):
        y = y + 1.0
    y.backward()
    assert y.item() == length + 1
    assert a.grad.item() == 1.0


def test_a_chain_of_100_000_nodes_is_dropped_without_backward():
    a = y = leaf(1.0)
    for _ in range(100_000):
        y = y * a
    del y
    for _ in range(100_000):
        a = a * 1.0


def test_a_chain_of_100_000_nodes_in_a_transform_and_twice():
    def chain(x: Any) -> Any:
        y = x
        for _ in range(100_000):
            y = y + x
        return y * y

    assert ns.grad(chain)(1.0) == 2 * 100_001.0**2
    a = leaf(1.0)
    chain(a).backward(create_graph=True)
    a.grad, first = None, a.grad
    first.backward()
    assert a.grad.item() == 2 * 100_001.0**2


def test_a_sum_of_10_000_uses():
    a = leaf(2.0)
    sum(a * float(k) for k in range(10_000)).backward()
    assert a.grad.item() == sum(range(10_000))
