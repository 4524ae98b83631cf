"""Memory: what the tape holds is let go as soon as it is not needed, without the collector."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.autograd.tape import Node
from nnscratch.layers import Dense
from nnscratch.training import Callback

if TYPE_CHECKING:
    from collections.abc import Iterator

X = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing but reference counts frees memory during the test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def live(kind: type) -> int:
    return sum(type(thing) is kind for thing in gc.get_objects())


def live_nodes() -> int:
    return live(Node)


# Python keeps some thousand freed tuples for later; they are there after so many steps.
WARM_UP = 3_000


class Watch(Callback):
    """Notes the traced bytes and the live nodes at the end of each epoch."""

    def __init__(self) -> None:
        self.bytes: list[int] = []
        self.nodes: list[int] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.nodes.append(live_nodes())
        self.bytes.append(tracemalloc.get_traced_memory()[0])


@pytest.mark.usefixtures("no_collector", "traced")
def test_memory_is_flat_over_10_000_steps_of_fit():
    generator = np.random.default_rng(0)
    x, y = generator.random((4000, 20)), generator.integers(2, size=(4000, 1))
    model = ns.Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    watch = Watch()
    steps_an_epoch = 4000 // 4
    warm_up, epochs = WARM_UP // steps_an_epoch, 10_000 // steps_an_epoch
    model.fit(x, y, batch_size=4, epochs=warm_up + epochs, verbose=0, callbacks=[watch])
    assert model.optimizer.iterations == WARM_UP + 10_000
    # What grows is the history, and this watch: some numbers an epoch, less than a byte a step.
    assert watch.bytes[-1] - watch.bytes[warm_up - 1] < 10_000
    assert set(watch.nodes) == {watch.nodes[0]}
    assert watch.nodes[0] < 20


@pytest.mark.usefixtures("no_collector", "traced")
def test_memory_is_flat_over_10_000_steps_by_hand():
    w, b = ns.Parameter(np.full((3, 2), 0.1)), ns.Parameter(np.zeros(2))
    data = np.arange(12.0).reshape(4, 3) / 12

    def step() -> None:
        loss = ((np.tanh(data @ w + b) - 0.5) ** 2).mean()
        loss.backward()
        for parameter in (w, b):
            parameter.data -= 0.1 * parameter.grad
            parameter.zero_grad()

    for _ in range(WARM_UP):
        step()
    before, nodes = tracemalloc.get_traced_memory()[0], live_nodes()
    for _ in range(10_000):
        step()
    assert live_nodes() == nodes
    assert tracemalloc.get_traced_memory()[0] - before < 5_000


@pytest.mark.usefixtures("no_collector")
def test_transforms_keep_nothing():
    def step(x: Any) -> Any:
        gradient = ns.grad(lambda x: np.sum(np.tanh(x) ** 2))(x)
        ns.hvp(lambda x: np.sum(np.tanh(x) ** 2), x, gradient)
        ns.jvp(np.sin, (x,), (x,))
        return x - 0.01 * gradient

    for start in (X, ns.Tensor(X)):
        x = step(step(start))
        nodes, tensors = live_nodes(), live(ns.Tensor)
        for _ in range(300):
            x = step(x)
        assert live_nodes() == nodes
        assert live(ns.Tensor) == tensors


def recorded_program() -> tuple[ns.Tensor, ns.Tensor, list[weakref.ref[Any]]]:
    """A leaf, a loss made from it, and weak references to every intermediate and its node."""
    leaf = ns.Tensor(X, requires_grad=True)
    first = np.exp(leaf)
    second = first * leaf
    parts = np.linalg.eigh(np.outer(second, second))
    chosen = parts[1][0, 1:] * parts[0][1:]
    loss = np.concatenate([chosen, second]).sum()
    return leaf, loss, [weakref.ref(t) for t in (first, second, *parts, chosen)]


@pytest.mark.usefixtures("no_collector")
def test_the_tape_is_freed_by_backward():
    leaf, loss, intermediates = recorded_program()
    assert all(reference() is not None for reference in intermediates[:2])
    nodes = live_nodes()
    loss.backward()
    assert all(reference() is None for reference in intermediates)
    assert live_nodes() < nodes
    assert loss.node is not None
    assert loss.node.arrays == []
    assert leaf.grad is not None


@pytest.mark.usefixtures("no_collector")
def test_large_arrays_are_freed_by_backward_while_the_loss_lives():
    class Counted(np.ndarray):
        """An array that can be referred to weakly."""

    array = np.ones(10).view(Counted)
    reference = weakref.ref(array)
    leaf = ns.Tensor(np.ones(10), requires_grad=True)
    loss = (leaf * array).sum()
    del array
    assert reference() is not None
    loss.backward()
    assert reference() is None
    assert loss.item() == 10.0


@pytest.mark.usefixtures("no_collector")
def test_retain_graph_keeps_the_tape():
    leaf, loss, intermediates = recorded_program()
    loss.backward(retain_graph=True)
    assert all(reference() is not None for reference in intermediates[:2])
    del loss
    assert all(reference() is None for reference in intermediates)
    assert leaf.grad is not None


@pytest.mark.usefixtures("no_collector")
def test_a_tape_without_backward_dies_with_its_result():
    before = live_nodes()
    leaf, loss, intermediates = recorded_program()
    references = [*intermediates, weakref.ref(leaf), weakref.ref(loss)]
    del leaf, loss
    assert all(reference() is None for reference in references)
    assert live_nodes() == before


@pytest.mark.usefixtures("no_collector")
def test_gradients_and_transforms_make_no_reference_cycles():
    before = live_nodes()
    leaf, loss, _ = recorded_program()
    loss.backward()
    leaf.retain_grad()
    dead = [weakref.ref(leaf), weakref.ref(leaf.grad), weakref.ref(loss)]
    del leaf, loss
    assert [reference() for reference in dead] == [None] * 3

    x = ns.Tensor(X, requires_grad=True)
    value, pullback = ns.vjp(lambda x: np.sin(x) * x, x)
    (gradient,) = pullback(X)
    results = [
        x, value, gradient, ns.grad(lambda x: np.sum(x**3))(x), ns.jvp(np.sin, (x,), (X,))[1],
        ns.hessian(lambda x: np.sum(x**3))(x), ns.jacobian(np.sin)(x), np.exp(x).retain_grad(),
    ]  # fmt: skip
    dead = [weakref.ref(result) for result in results]
    del x, value, pullback, gradient, results
    assert [reference() for reference in dead] == [None] * len(dead)
    assert live_nodes() == before


@pytest.mark.usefixtures("no_collector")
def test_zero_grad_breaks_the_cycle_of_a_gradient_on_the_tape():
    before = live_nodes()
    leaf = ns.Tensor(X, requires_grad=True)
    np.sum(leaf**3).backward(create_graph=True)
    leaf.zero_grad()
    reference = weakref.ref(leaf)
    del leaf
    assert reference() is None
    assert live_nodes() == before


@pytest.mark.usefixtures("no_collector")
def test_nothing_is_recorded_where_no_gradient_can_be_asked_for():
    before = live_nodes()
    leaf = ns.Tensor(X, requires_grad=True)
    with ns.no_grad():
        results = [np.exp(leaf), leaf @ leaf]
    results += [ns.Tensor(X) * 2, leaf > 1, np.argmax(leaf), leaf.detach() + 1]
    assert [result.node for result in results] == [None] * len(results)
    assert live_nodes() == before
