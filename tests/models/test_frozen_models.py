"""A frozen model to which layers are added: what is trained then, as in Keras."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

x, y = np.random.default_rng(0).normal(size=(8, 3)), np.ones((8, 1))
modules = pytest.mark.parametrize("module", [keras, ns], ids=["keras", "ours"])
# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def frozen_base(module: Any, built: bool = True) -> Any:
    first = [module.layers.Input((3,))] if built else []
    model = module.Sequential([*first, module.layers.Dense(2)])
    model.trainable = False
    return model


def trained(model: Any) -> list[bool]:
    """Which weights a fit changes."""
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there may be nothing to train
        model.predict(x, verbose=0)
        before = model.get_weights()
        model.fit(x, y, verbose=0)
    return [
        bool((np.asarray(one) != np.asarray(other)).any())
        for one, other in zip(model.get_weights(), before, strict=True)
    ]


@modules
@pytest.mark.parametrize("built", [True, False])
def test_a_layer_added_to_a_frozen_model_waits_for_the_model(module, built):
    """Its own flag is True, but a frozen model trains nothing."""
    model = frozen_base(module, built)
    model.add(module.layers.Dense(1))
    assert not model.trainable
    assert [layer.trainable for layer in model.layers] == [False, True]
    assert model.trainable_weights == []
    assert trained(model) == [False] * 4
    assert len(model.non_trainable_weights) == 4
    model.trainable = True
    assert trained(model) == [True] * 4


@modules
def test_thawing_an_inner_layer_alone_does_not_thaw_the_model(module):
    model = frozen_base(module)
    model.add(module.layers.Dense(1))
    model.layers[0].trainable = True
    assert trained(model) == [False] * 4


@modules
def test_the_same_layers_within_another_model_are_trained(module):
    """What to do instead: a new model of the frozen one and a head."""
    base = frozen_base(module)
    model = module.Sequential([base, module.layers.Dense(1)])
    assert trained(model) == [False, False, True, True]
    base.add(module.layers.Dense(4))  # the outer one does not ask the inner model
    assert [layer.trainable for layer in base.layers] == [False, True]


@modules
def test_freezing_only_the_layers_leaves_a_new_head_free(module):
    model = module.Sequential([module.layers.Input((3,)), module.layers.Dense(2)])
    for layer in model.layers:
        layer.trainable = False
    model.add(module.layers.Dense(1))
    assert trained(model) == [False, False, True, True]


def test_nothing_to_train_is_warned_of():
    model = frozen_base(ns)
    model.add(ns.layers.Dense(1))
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="has no trainable weights, so fit changes nothing"):
        model.fit(x, y, verbose=0)


def test_penalties_of_a_frozen_model_are_those_of_keras():
    losses = []
    for module in (keras, ns):
        model = frozen_base(module)
        model.add(module.layers.Dense(1, kernel_regularizer="l2"))
        model.set_weights([np.ones((3, 2)), np.ones(2), np.ones((2, 1)), np.ones(1)])
        model.compile("sgd", "mse")
        losses.append(model.evaluate(x, y, verbose=0))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_what_build_creates_in_a_frozen_layer_is_frozen():
    class Block(ns.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.inner = ns.layers.Dense(2)
            self.inner.build(input_shape)
            self.own = self.add_weight((2,))

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs) + self.own

    block = Block()
    block.trainable = False
    block.build((None, 3))
    assert not block.inner.trainable
    assert not any(weight.trainable for weight in block.weights)
    block.trainable = True
    assert len(block.trainable_weights) == 3


def test_a_frozen_model_with_a_free_layer_is_saved_as_it_is(tmp_path):
    model = frozen_base(ns)
    model.add(ns.layers.Dense(1))
    model.save(tmp_path / "m.safetensors")
    loaded = ns.load_model(tmp_path / "m.safetensors")
    assert not loaded.trainable
    assert [layer.trainable for layer in loaded.layers] == [False, True]
    assert loaded.trainable_weights == []
