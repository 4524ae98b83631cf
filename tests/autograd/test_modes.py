"""no_grad, enable_grad and detach: for a block, for a function, for one thread."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import nnscratch as ns


def leaf(values: Any) -> ns.Tensor:
    return ns.Tensor(values, requires_grad=True)


def test_no_grad_as_context_and_decorator():
    a = leaf([1.0, 2.0])
    with ns.no_grad():
        b = a * 2
        with ns.enable_grad():
            c = a * 2
        d = a * 2
    assert [t.requires_grad for t in (b, c, d, a * 2)] == [False, True, False, True]
    assert b.is_leaf

    @ns.no_grad()
    def without(t: Any) -> Any:
        return t * 2

    @ns.enable_grad()
    def recorded(t: Any) -> Any:
        return t * 2

    assert not without(a).requires_grad
    assert not without(a).requires_grad
    with ns.no_grad():
        assert recorded(a).requires_grad
    with pytest.raises(KeyError), ns.no_grad():
        raise KeyError
    assert (a * 2).requires_grad


def test_backward_works_under_no_grad():
    a = leaf(3.0)
    loss = a * a * a
    with ns.no_grad():
        loss.backward(create_graph=True)
    a.grad, first = None, a.grad
    first.backward()
    assert a.grad.item() == 6 * 3.0


def test_each_thread_has_its_own_mode():
    a = leaf([1.0, 2.0])
    both_are_inside = threading.Barrier(2)
    recorded: dict[str, list[bool]] = {"off": [], "on": []}

    def off() -> None:
        with ns.no_grad():
            both_are_inside.wait()
            recorded["off"] += [(a * 2).requires_grad for _ in range(100)]
            both_are_inside.wait()
        recorded["off"].append((a * 2).requires_grad)

    def on() -> None:
        both_are_inside.wait()
        recorded["on"] += [(a * 2).requires_grad for _ in range(100)]
        both_are_inside.wait()

    threads = [threading.Thread(target=off), threading.Thread(target=on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded == {"off": [False] * 100 + [True], "on": [True] * 100}


def test_threads_differentiate_at_the_same_time():
    gradients: dict[int, Any] = {}

    def differentiate(number: int) -> None:
        a = leaf(float(number))
        y = a
        for _ in range(200):
            y = y + a * a
        y.backward()
        gradients[number] = a.grad.item()

    threads = [threading.Thread(target=differentiate, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gradients == {n: 1 + 400.0 * n for n in range(8)}


def test_no_gradient_flows_through_detach():
    a = leaf([1.0, 2.0])
    (a * a.detach()).sum().backward()
    assert a.grad.tolist() == [1.0, 2.0]
