"""Learning rates: set between steps, and other ones for some layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch.optimizers import SGD, Adam
from nnscratch_kernels.numpy_kernels.optimizer_steps import _CONSTANTS

NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]  # fmt: skip # noqa: E501

x = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
y = x.sum(axis=1, keepdims=True)


def parameters() -> list[Any]:
    generator = np.random.default_rng(0)
    return [ns.Parameter(generator.normal(size=shape)) for shape in ((2, 3), (3,), (2,), ())]


def step(optimizer: Any, own: list[Any], seed: int) -> None:
    generator = np.random.default_rng(seed)
    optimizer.apply([ns.Tensor(generator.normal(size=p.shape)) for p in own], own)


def changes(model: Any, before: list[Any]) -> list[Any]:
    return [b - a for a, b in zip(before, model.get_weights(), strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_a_multiplier_is_another_learning_rate(name):
    """Weight decay included: as if each weight had an optimizer with the multiplied rate."""
    own, alone = parameters(), parameters()
    kind = getattr(ns.optimizers, name)
    optimizer = kind(0.01, weight_decay=0.1)
    optimizer.set_learning_rate_multipliers({own[0]: 0.5, own[2]: 3.0})
    separate = [kind(0.01 * factor, weight_decay=0.1) for factor in (0.5, 1.0, 3.0, 1.0)]
    for seed in range(10):
        step(optimizer, own, seed)
        generator = np.random.default_rng(seed)
        for other, parameter in zip(separate, alone, strict=True):
            gradient = ns.Tensor(np.asarray(generator.normal(size=parameter.shape)))
            other.apply([gradient], [parameter])
    for one, other in zip(own, alone, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_layers_of_a_model_at_once_and_back():
    model = Sequential([Dense(4, input_dim=5), Dense(3), Dense(1)])
    model.compile(SGD(0.1), "mse")
    start = model.get_weights()

    def one_step() -> list[Any]:
        model.set_weights(start)
        model.fit(x, y, batch_size=64, shuffle=False, verbose=0)
        return changes(model, start)

    plain = one_step()
    model.optimizer.set_learning_rate_multipliers({model.layers[0]: 0.25, model.layers[1]: 0.5})
    slower = one_step()
    for factor, own, whole in zip((0.25, 0.25, 0.5, 0.5, 1, 1), slower, plain, strict=True):
        np.testing.assert_allclose(own, factor * whole, rtol=1e-3, atol=1e-7)
    model.optimizer.set_learning_rate_multipliers({model: 1.0})  # the last call counts
    for own, whole in zip(one_step(), plain, strict=True):
        np.testing.assert_array_equal(own, whole)
    model.optimizer.set_learning_rate_multipliers({model: 0.5, model.layers[2].bias: 2.0})
    for factor, own, whole in zip((0.5,) * 5 + (2.0,), one_step(), plain, strict=True):
        np.testing.assert_allclose(own, factor * whole, rtol=1e-3, atol=1e-7)


def test_of_several_multipliers_the_last_one_counts():
    head = Dense(1, kernel_initializer="zeros")
    head(np.ones((1, 1)))
    optimizer = SGD(1.0)
    for multipliers in ({head.kernel: 0.5}, {head: 2.0}, {head.kernel: 0.5}):
        optimizer.set_learning_rate_multipliers(multipliers)
    optimizer.apply([ns.Tensor([[1.0]])], [head.kernel])
    np.testing.assert_array_equal(head.kernel.numpy(), [[-0.5]])


def test_multipliers_act_on_a_schedule():
    own, other = ns.Parameter(np.zeros(1)), ns.Parameter(np.zeros(1))
    optimizer = SGD(ns.schedules.PiecewiseConstantDecay([0], [1.0, 0.5]))
    optimizer.set_learning_rate_multipliers({own: 0.1})
    for _ in range(2):
        optimizer.apply([ns.Tensor([1.0]), ns.Tensor([1.0])], [own, other])
    np.testing.assert_allclose(own.numpy(), [-0.15])
    np.testing.assert_allclose(other.numpy(), [-1.5])


def test_a_layer_may_be_built_later():
    head = Dense(1)
    optimizer = SGD(1.0)
    optimizer.set_learning_rate_multipliers({head: 0.5})
    head(x[:1])
    before = head.kernel.numpy().copy()
    optimizer.apply([ns.Tensor(np.ones_like(before))], [head.kernel])
    np.testing.assert_allclose(head.kernel.numpy(), before - 0.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [0, -1.0, np.inf, None, "1"])
def test_bad_multipliers_change_nothing(bad):
    a, b = ns.Parameter(np.zeros(1)), ns.Parameter(np.zeros(1))
    optimizer = SGD(1.0)
    with pytest.raises(ValueError, match=r"learning rate multiplier must be a positive number"):
        optimizer.set_learning_rate_multipliers({a: 0.5, b: bad})
    optimizer.apply([ns.Tensor([1.0])], [a])
    np.testing.assert_array_equal(a.numpy(), [-1])


def test_multipliers_of_something_else():
    with pytest.raises(TypeError, match=r"set for layers and parameters, got 'dense'"):
        SGD().set_learning_rate_multipliers({"dense": 0.5})


def test_a_number_takes_the_place_of_a_schedule_and_back():
    own = ns.Parameter(np.zeros(1))
    optimizer = SGD(ns.schedules.ExponentialDecay(1.0, 1, 0.5))
    one = [ns.Tensor([1.0])]
    optimizer.apply(one, [own])
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    optimizer.apply(one, [own])
    np.testing.assert_array_equal(own.numpy(), [-1.25])
    optimizer.learning_rate = ns.schedules.ExponentialDecay(1.0, 1, 0.5)
    optimizer.apply(one, [own])  # the third step
    np.testing.assert_array_equal(own.numpy(), [-1.5])
    assert optimizer.iterations == 3


def test_a_rate_that_always_changes_does_not_fill_memory():
    optimizer = SGD(1.0)
    own = [ns.Parameter(np.zeros(1))]
    for number in range(1, 1000):
        optimizer.learning_rate = 1 / number
        optimizer.apply([ns.Tensor([1.0])], own)
    assert max(map(len, _CONSTANTS.values())) <= 64
    np.testing.assert_allclose(own[0].numpy(), [-sum(1 / n for n in range(1, 1000))])


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        ([np.ones(2)], r"^adam got 1 gradients for 2 parameters: give one for each"),
        ([None, None], r"^adam got no gradient for any of 2 parameters: call loss\.backward"),
        ([np.ones(2), np.ones(2)], r"'bias' has shape \(\) and got a gradient of shape \(2,\)"),
    ],
)
def test_gradients_that_do_not_fit(gradients, message):
    own = [ns.Parameter(np.zeros(2), name="kernel"), ns.Parameter(np.zeros(()), name="bias")]
    optimizer = Adam()
    with pytest.raises(ValueError, match=message):
        optimizer.apply([None if g is None else ns.Tensor(g) for g in gradients], own)
    assert optimizer.iterations == 0
    assert not own[0].numpy().any()
