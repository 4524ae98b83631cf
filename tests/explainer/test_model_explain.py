"""`model.explain(x, y)`: the page of a compiled model, which stays as it is."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import nnscratch as ns

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(6, 4)), np.eye(3)[RANDOM.integers(3, size=6)]


def document_of(explanation: Any) -> dict[str, Any]:
    text = explanation.path.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="recorded">(.*?)</script>', text)
    return json.loads(found)


def classifier() -> ns.Sequential:
    model = ns.Sequential(
        [
            ns.layers.Dense(5, "relu", input_shape=(4,), kernel_regularizer="l2", name="hidden"),
            ns.layers.BatchNormalization(name="norm"),
            ns.layers.Dropout(0.5),
            ns.layers.Dense(3, "softmax", name="head"),
        ],
        name="flowers",
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def test_the_loss_is_that_of_evaluate(tmp_path):
    model = classifier()
    document = document_of(model.explain(X, Y, tmp_path / "page.html"))
    loss, _ = model.evaluate(X, Y, verbose=0)
    shown = document["entries"][document["loss"]]["value"]
    assert shown["max"] == pytest.approx(loss, rel=1e-6)
    assert document["title"] == "Backpropagation in flowers"
    assert {layer["name"]: layer["kind"] for layer in document["layers"]} == {
        "hidden": "Dense",
        "norm": "BatchNormalization",
        "head": "Dense",
    }
    labels = [entry["label"] for entry in document["entries"]]
    assert {"x", "y"} <= set(labels)
    assert document["entries"][document["forward"][0]]["origin"]["file"] == "test_model_explain.py"


def test_gradients_are_those_of_the_loss(tmp_path):
    model = classifier()
    document = document_of(model.explain(X, Y, tmp_path / "page.html", title="mine"))
    assert document["title"] == "mine"
    loss = model.compute_loss(X, Y, model(X))
    loss.backward()
    norms = [
        e["gradient"]["norm"]
        for e in document["entries"]
        if e["kind"] == "parameter" and e["gradient"]
    ]
    expected = [np.linalg.norm(w.grad.numpy()) for w in model.trainable_weights]
    np.testing.assert_allclose(sorted(norms), sorted(expected), rtol=1e-5)


def test_the_model_stays_as_it_is(tmp_path):
    model = classifier()
    before, state = model.get_weights(), model.optimizer.get_state(model.weights)
    ns.random.seed(3)
    expected = ns.random.normal(3) if hasattr(ns.random, "normal") else None
    ns.random.seed(3)
    model.explain(X, Y, tmp_path / "page.html")
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert all(weight.grad is None for weight in model.weights)
    for name, value in model.optimizer.get_state(model.weights).items():
        np.testing.assert_array_equal(value, state[name])
    if expected is not None:
        np.testing.assert_array_equal(ns.random.normal(3), expected)


def test_all_frozen_is_shown_too(tmp_path):
    model = classifier()
    model.trainable = False
    document = document_of(model.explain(X, Y, tmp_path / "page.html"))
    assert document["forward"]
    assert not any(weight.trainable for weight in model.weights)


def test_several_inputs(tmp_path):
    left, right = ns.layers.Input((2,)), ns.layers.Input((3,))
    joined = ns.layers.Add()([ns.layers.Dense(2)(left), ns.layers.Dense(2)(right)])
    model = ns.Model([left, right], ns.layers.Dense(1)(joined))
    model.compile("sgd", "mse")
    arrays = [RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(4, 3))]
    document = document_of(model.explain(arrays, np.ones((4, 1)), tmp_path / "page.html"))
    assert {"x0", "x1", "y"} <= {entry["label"] for entry in document["entries"]}


def test_what_is_wrong_is_said(tmp_path):
    model = ns.Sequential([ns.layers.Dense(3, input_shape=(4,))])
    with pytest.raises(RuntimeError, match="is not compiled"):
        model.explain(X, Y, tmp_path / "page.html")
    with pytest.raises(ValueError, match="shape"):
        classifier().explain(X[:, :2], Y, tmp_path / "page.html")
    with pytest.raises(OSError, match="give another path"):
        classifier().explain(X, Y, tmp_path / "no folder" / "page.html")
    assert list(tmp_path.iterdir()) == []
