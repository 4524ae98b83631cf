"""The table for a terminal: who sends what to whom, in the order of the walk."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nnscratch as ns


def network_loss() -> tuple[ns.Tensor, ns.Sequential]:
    random = np.random.default_rng(0)
    model = ns.Sequential(
        [
            ns.layers.Dense(7, "relu", input_shape=(4,), name="hidden"),
            ns.layers.Dense(3, "softmax", name="head"),
        ]
    )
    loss = ns.losses.CategoricalCrossentropy()(
        np.eye(3)[random.integers(3, size=6)], model(random.normal(size=(6, 4)))
    )
    return loss, model


def rows(text: str) -> list[str]:
    """The first line of each step."""
    return re.findall(r"^ *\d+  (\w+) .*$", text, flags=re.MULTILINE)


def test_steps_stand_in_the_order_of_the_walk():
    a = ns.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    b = a + a
    c = np.exp(b)
    loss = np.sum(c * b)
    text = ns.explain_text(loss, 80)
    assert rows(text) == ["loss", "multiply_1", "c", "b"]
    assert "in 4 steps" in text


def test_numbers_are_the_tapes():
    loss, model = network_loss()
    text = ns.explain_text(loss, 80)
    loss.backward()
    for layer in model.layers:
        for weight in layer.weights:
            name, gradient = f"{layer.name}_{weight.name}", weight.grad.numpy()
            norm = f"{np.linalg.norm(gradient.astype(np.float64)):.4g}"
            assert f"→ {name} {gradient.shape} {norm}" in text
            ends = rf"{gradient.min():.4g} +{gradient.max():.4g}"
            assert re.search(
                rf"^{name} +{re.escape(str(gradient.shape))} +{norm} +{ends}$", text, re.MULTILINE
            )


def test_sums_and_broadcasting_are_told():
    b = ns.Tensor(np.ones(2), requires_grad=True)
    text = ns.explain_text(np.sum((np.ones((3, 2)) * b) * b), 80)
    assert "summed up from (3, 2)" in text
    assert "all 2 shares in sum" in text


def test_formulas_are_those_of_the_program():
    loss, _ = network_loss()
    lines = " ".join(ns.explain_text(loss, 120).split())
    for line in re.findall(r"^    (d_\w+ = .*)$", ns.backward_source(loss), flags=re.MULTILINE):
        assert line == "d_loss = np.ones_like(loss)" or line in lines


@pytest.mark.parametrize("width", [60, 80, 133])
def test_it_fits_the_terminal(width):
    loss, model = network_loss()
    model.layers[0].name = "a layer with quite a long name that goes on and on"
    assert max(map(len, ns.explain_text(loss, width).splitlines())) <= width
    assert max(map(len, ns.explain_text(loss, width).splitlines())) > width - 15


def test_the_width_is_the_terminals(monkeypatch):
    loss, _ = network_loss()
    monkeypatch.setenv("COLUMNS", "97")
    assert ns.explain_text(loss) == ns.explain_text(loss, 97)
    assert ns.explain_text(loss) != ns.explain_text(loss, 60)


def test_frozen_leaves_are_named():
    _, model = network_loss()
    model.layers[1].trainable = False
    loss = np.mean(np.square(model(np.ones((2, 4)))))
    text = ns.explain_text(loss, 80)
    assert re.search(r"^head_kernel +\(7, 3\) +none: it is frozen$", text, re.MULTILINE)


def test_names_cannot_move_the_cursor():
    layer = ns.layers.Dense(2, name="red\x1b[31m\nname")
    layer.build((None, 3))
    layer.kernel.name = "\x1b]0;title\x07"
    text = ns.explain_text(layer(np.ones((2, 3))).sum(), 80)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_an_op_without_numpy_text_still_has_its_row():
    from nnscratch.autograd import OPS, Op

    own = Op("my_own_op", lambda x: 2 * x, vjps=[lambda g, y, x: 2 * g], formula="2x", samples=None,
             torch=None, numpy=[])  # fmt: skip
    x = ns.Tensor(np.ones(2), requires_grad=True)
    try:
        text = ns.explain_text(np.sum(own(x)), 80)
    finally:
        del OPS["my_own_op"]
    assert "→ x (2,) 2.828" in text


def test_of_a_long_tape_the_end_is_shown():
    x = ns.Tensor(np.ones(2), requires_grad=True)
    y = x
    for _ in range(1000):
        y = np.sin(y)
    text = ns.explain_text(y.sum(), 80)
    assert len(rows(text)) == 400
    assert "601 ops farther from the loss are left out" in " ".join(text.split())
