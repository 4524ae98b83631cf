"""The third argument of compile: factors of the losses, not metrics."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense, Input


def model_of(module: Any = ns) -> Any:
    inputs = module.layers.Input((3,))
    outputs = [module.layers.Dense(1, name=name)(inputs) for name in ("first", "second")]
    return module.Model(inputs, outputs)


@pytest.mark.parametrize(
    "weights", [["accuracy"], "accuracy", {"dense": "mae"}, [ns.metrics.Precision()], [True], b"1"]
)
@pytest.mark.parametrize("loss", ["mse", None])
def test_metrics_in_their_place_are_told_at_once(weights, loss):
    model = ns.Sequential([Input((3,)), Dense(1, name="dense")])
    with pytest.raises(
        TypeError, match=r"third argument of compile, .* write metrics=\[\.\.\.\]\.$"
    ):
        model.compile("adam", loss, weights)
    assert model.optimizer is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"loss_weights has 1 entries for 2 outputs \(first, second\)"),
        (
            {"third": 1.0},
            "loss_weights names the output 'third', but the outputs are first, second",
        ),
        ([1.0, np.nan], "loss_weights has nan among .*: give finite numbers"),
        (float("inf"), "loss_weights has inf among .*: give finite numbers"),
    ],
)
def test_other_weights_that_do_not_fit(weights, message):
    model = model_of()
    with pytest.raises(ValueError, match=message):
        model.compile("adam", "mse", weights)
    assert model.optimizer is None


@pytest.mark.parametrize(
    "weights",
    [[2.0, 0.5], (np.float32(2), 1), {"second": 3.0, "first": 0.5}, {"second": 3, "first": 0.5}],
)
def test_weights_as_keras_takes_them(weights):
    x = np.random.default_rng(0).normal(size=(8, 3))
    losses = []
    ours, theirs = model_of(), model_of(keras)
    theirs.set_weights(ours.get_weights())
    for model in (ours, theirs):
        names = ["first", "second"]
        loss = dict.fromkeys(names, "mse") if isinstance(weights, dict) else ["mse", "mse"]
        model.compile("sgd", loss, weights)
        losses.append(model.evaluate(x, [x[:, :1], x[:, 1:2]], verbose=0))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_wrong_compile_leaves_the_one_before():
    model = ns.Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", "mse")
    optimizer = model.optimizer
    with pytest.raises(TypeError, match="loss_weights"):
        model.compile("adam", "mse", ["mae"])
    assert model.optimizer is optimizer
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)


def test_metrics_for_an_output_that_is_not_there():
    with pytest.raises(ValueError, match="metrics names the output 'third'"):
        model_of().compile("adam", "mse", metrics={"third": ["mae"]})
