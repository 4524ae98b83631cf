"""The state of an optimizer, saved at any step, goes on to the same bits; copies work alone."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch.optimizers import SGD, Adam, Nadam, Optimizer, RMSprop

SHAPES = ((3, 4), (4,), ())

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Ftrl", {}),
    ("Lion", {}),
]
ALL_OPTIONS = {
    "global_clipnorm": 1.0,
    "use_ema": True,
    "ema_overwrite_frequency": 3,
    "gradient_accumulation_steps": 4,
}


def parameters() -> list[Any]:
    generator = np.random.default_rng(0)
    dtypes = (np.float32, np.float64, np.float32)
    return [
        ns.Parameter(generator.normal(size=shape), dtype=dtype, name=f"p{i}")
        for i, (shape, dtype) in enumerate(zip(SHAPES, dtypes, strict=True))
    ]


def step(optimizer: Any, own: list[Any], seed: int) -> None:
    generator = np.random.default_rng(seed)
    gradients = [ns.Tensor(generator.normal(size=p.shape), dtype=p.dtype) for p in own]
    optimizer.apply(gradients, own)


def assert_same_bits(these: list[Any], those: list[Any]) -> None:
    for one, other in zip(these, those, strict=True):
        assert one.dtype == other.dtype
        assert one.numpy().tobytes() == other.numpy().tobytes()


def at_home(array: Any) -> bool:
    """Whether an array can be written to a file as it is."""
    return isinstance(array, np.ndarray) and array.flags.c_contiguous and array.flags.owndata


@pytest.mark.parametrize("options", [{}, ALL_OPTIONS], ids=["plain", "all options"])
@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=str)
def test_going_on_gives_the_same_bits(name, arguments, options):
    """Saved after each of 9 steps, with accumulation in the middle of it, and resumed anew."""
    own = parameters()
    optimizer = getattr(ns.optimizers, name)(0.01, **arguments, **options)
    for saved_after in range(9):
        state = optimizer.get_state(own)
        assert all(at_home(array) for array in state.values())
        resumed_parameters = [ns.Parameter(p.numpy().copy(), name=p.name) for p in own]
        resumed = getattr(ns.optimizers, name)(0.5, **arguments, **options)
        resumed.set_state(resumed_parameters, state)
        expected_parameters = [ns.Parameter(p.numpy().copy(), name=p.name) for p in own]
        undisturbed = copy.deepcopy((optimizer, own))
        for later in range(saved_after, 15):
            step(*undisturbed, later)
            step(resumed, resumed_parameters, later)
        assert_same_bits(resumed_parameters, undisturbed[1])
        assert resumed.iterations == undisturbed[0].iterations
        assert_same_bits(own, expected_parameters)
        step(optimizer, own, saved_after)


def test_names():
    own = parameters()
    optimizer = Adam(gradient_accumulation_steps=2, use_ema=True)
    expected = ["iterations", "learning_rate"] + [
        f"{slot}/{i}"
        for i in range(3)
        for slot in ("momentum", "velocity", "gradient_accumulator", "average")
    ]
    assert list(optimizer.get_state(own)) == expected  # before the first step
    step(optimizer, own, 0)
    state = optimizer.get_state(own)
    assert list(state) == expected
    assert [state[f"momentum/{i}"].shape for i in range(3)] == list(SHAPES)
    assert [state[f"momentum/{i}"].dtype for i in range(3)] == [p.dtype for p in own]
    assert state["iterations"] == 1
    assert optimizer.iterations == 0  # updates


def test_the_state_is_a_copy():
    own = parameters()
    optimizer = SGD(momentum=0.9)
    state = optimizer.get_state(own)
    step(optimizer, own, 0)
    assert not state["momentum/0"].any()
    optimizer.set_state(own, state)
    state["momentum/0"] += 1
    assert not optimizer.get_state(own)["momentum/0"].any()


def test_the_learning_rate_is_restored_unless_it_is_scheduled():
    own = parameters()
    optimizer = SGD(0.1)
    optimizer.learning_rate = 0.037
    state = optimizer.get_state(own)
    resumed = SGD(0.1)
    resumed.set_state(own, state)
    assert resumed.learning_rate == 0.037
    scheduled = SGD(ns.schedules.ExponentialDecay(0.1, 1, 0.5))
    step(scheduled, own, 0)
    state = scheduled.get_state(own)
    assert "learning_rate" not in state
    resumed = SGD(ns.schedules.ExponentialDecay(0.1, 1, 0.5))
    resumed.set_state(own, state)
    assert resumed.learning_rate == 0.05


def test_multipliers_are_restored():
    own, others = parameters(), parameters()
    optimizer, resumed = SGD(0.1), SGD(0.1)
    optimizer.set_learning_rate_multipliers({own[1]: 0.25})
    resumed.set_learning_rate_multipliers({others[0]: 3.0})
    resumed.set_state(others, optimizer.get_state(own))
    step(optimizer, own, 0)
    step(resumed, others, 0)
    assert_same_bits(own, others)


def test_frozen_weights_have_no_state_until_they_train():
    own = parameters()
    own[1].trainable = False
    optimizer = Adam()
    assert not any(name.endswith("/1") for name in optimizer.get_state(own))
    resumed_parameters = [ns.Parameter(p.numpy().copy(), name=p.name) for p in own]
    step(optimizer, [own[0], own[2]], 0)
    resumed = Adam()
    for p, q in zip(own, resumed_parameters, strict=True):
        q.assign(p.numpy())
    resumed.set_state(resumed_parameters, optimizer.get_state(own))
    step(optimizer, own, 1)
    step(resumed, resumed_parameters, 1)
    assert_same_bits(own, resumed_parameters)


@pytest.mark.parametrize("kind", [RMSprop, Nadam])
def test_going_back_in_the_same_optimizer(kind):
    """Also to a time before some parameters were known, and leaving another model's alone."""
    own, elsewhere = parameters(), [ns.Parameter(np.ones(3))]
    optimizer = kind()
    step(optimizer, own[:2], 0)
    own[2].trainable = False
    state, values = optimizer.get_state(own), [p.numpy().copy() for p in own]
    results = []
    for _ in range(2):
        step(optimizer, own, 1)
        step(optimizer, elsewhere, 1)
        results.append([p.numpy().tobytes() for p in own])
        kept = optimizer.get_state(elsewhere)["velocity/0"]
        optimizer.set_state(own, state)
        assert np.array_equal(optimizer.get_state(elsewhere)["velocity/0"], kept)
        for p, v in zip(own, values, strict=True):
            p.assign(v)
    assert results[0] == results[1]


def test_nadam_goes_on_after_many_steps():
    """The product of its decays, which has become 0, is no part of the state."""
    results = []
    for at_once in (False, True):
        own = [ns.Parameter(np.ones(2))]
        optimizer = Nadam()
        if at_once:
            optimizer.set_state(own, {**optimizer.get_state(own), "iterations": np.asarray(9000)})
        else:
            for _ in range(9000):
                optimizer.apply([ns.Tensor(np.zeros(2))], own)
        step(optimizer, own, 0)
        results.append(own[0].numpy())
        assert np.all(np.abs(own[0].numpy() - 1) > 1e-4)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("iterations"), r"adam has no 'iterations': give what get_state returned"),
        (lambda s: s.pop("velocity/1"), r"lacks velocity/1, which adam keeps"),
        (lambda s: s.update({"linear/0": s["momentum/0"]}), r"holds 'linear/0', and adam keeps"),
        (lambda s: s.update({"momentum/3": s["momentum/0"]}), r"'momentum/3', and .* 3 weights"),
        (lambda s: s.update({"momentum/x": s["momentum/0"]}), r"'momentum/x', and .* 3 weights"),
        (
            lambda s: s.update({"momentum/1": s["momentum/0"]}),
            r"'momentum/1' of shape \(3, 4\) .* for the weight 'p1' of shape \(4,\)",
        ),
        (
            lambda s: s.update({"momentum/1": np.array(["a"] * 4)}),
            r"'momentum/1' of shape \(4,\) and dtype <U1 for the weight 'p1'",
        ),
        (lambda s: s.update(learning_rate=np.asarray(np.nan)), r"learning_rate must be a number"),
        (lambda s: s.update(iterations=np.asarray(-1)), r"iterations must be an integer"),
        (
            lambda s: s.update({"learning_rate_multiplier/0": np.asarray(-1.0)}),
            r"learning_rate_multiplier/0 must be a positive number",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    own = parameters()
    optimizer = Adam(0.1)
    step(optimizer, own, 0)
    before = optimizer.get_state(own)
    bad = {**before, "momentum/0": before["momentum/0"] + 1}
    change(bad)
    with pytest.raises(ValueError, match=message):
        optimizer.set_state(own, bad)
    after = optimizer.get_state(own)
    assert list(after) == list(before)
    assert all(np.array_equal(after[name], before[name]) for name in before)


# --- copies ---


def network() -> Sequential:
    model = Sequential([Dense(4, activation="tanh", input_dim=5), Dense(1)])
    model.compile(Adam(0.01, clipnorm=1.0), "mse")
    return model


x = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
y = x.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],  # noqa: S301
)
def test_a_copy_of_a_trained_model_trains_alone(copied):
    model = network()
    model.fit(x, y, shuffle=False, verbose=0)
    twin = copied(model)
    before = model.get_weights()
    twin.fit(x, y, shuffle=False, verbose=0)
    for own, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, kept)
    model.fit(x, y, shuffle=False, verbose=0)
    for own, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


# --- configuration ---


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=str)
def test_the_configuration_makes_it_again(name, arguments):
    rate = ns.schedules.CosineDecay(0.1, 100)
    made = getattr(ns.optimizers, name)(rate, **arguments, **ALL_OPTIONS)
    config = json.loads(json.dumps({"class_name": name, "config": made.get_config()}))
    again = ns.optimizers.get(config)
    assert type(again) is type(made)
    assert again.learning_rate == 0.1
    for attribute, value in vars(made).items():
        if not attribute.startswith("_"):
            assert getattr(again, attribute) == value, attribute


def test_the_configuration_has_the_rate_of_now():
    optimizer = SGD(0.1)
    optimizer.learning_rate = 0.02
    assert optimizer.get_config() == {"learning_rate": 0.02}


def test_an_optimizer_of_ones_own():
    """Slots and one method are all that it takes."""

    class Momentum(Optimizer):
        slots = {"speed": 0.0}  # noqa: RUF012

        def update(self, values, gradients, slots, learning_rate):
            slots["speed"] *= 0.5
            slots["speed"] -= learning_rate * gradients
            values += slots["speed"]

    own, others = parameters(), parameters()
    optimizers = [Momentum(0.1, **ALL_OPTIONS), SGD(0.1, momentum=0.5, **ALL_OPTIONS)]
    for seed in range(10):
        step(optimizers[0], own, seed)
        step(optimizers[1], others, seed)
    for p, q in zip(own, others, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5)
    assert "speed/0" in optimizers[0].get_state(own)


def test_a_class_without_update():
    with pytest.raises(NotImplementedError, match=r"Optimizer needs an update method\."):
        step(Optimizer(0.1), parameters(), 0)
