"""Parameters in flat buffers: what users do to them between steps takes effect, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Model, Sequential
from nnscratch.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lion,
    Nadam,
    RMSprop,
)

KINDS = (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion)
COUNTING = (Adam, AdamW, Adamax, Nadam)  # an update depends on how many there were
x = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
y = (x.sum(axis=1, keepdims=True) > 0).astype(np.float32)


def network(*units: int) -> Sequential:
    model = Sequential([Dense(n, activation="tanh") for n in units])
    model(x[:1])
    return model


def compiled(model: Any, optimizer: Any = "rmsprop", loss: str = "mse") -> Any:
    model.compile(optimizer, loss)
    return model


def fit(model: Any, epochs: int = 2) -> None:
    model.fit(x, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0)


def assert_equal(these: list[Any], those: list[Any]) -> None:
    for one, other in zip(these, those, strict=True):
        np.testing.assert_array_equal(one, other)


def changed(these: list[Any], those: list[Any]) -> list[bool]:
    return [not np.array_equal(a, b) for a, b in zip(these, those, strict=True)]


class SeparateBuffers:
    """The same updates, with a buffer and slots for each parameter: what flat ones must equal."""

    def __init__(self, kind: type, **options: Any) -> None:
        self.optimizers: dict[Any, Any] = {}
        self.make = lambda: kind(**options)

    def apply(self, gradients: list[Any], parameters: list[Any]) -> None:
        for gradient, parameter in zip(gradients, parameters, strict=True):
            self.optimizers.setdefault(parameter, self.make()).apply([gradient], [parameter])


def step(optimizer: Any, parameters: list[Any], seed: int) -> None:
    generator = np.random.default_rng(seed)
    gradients = [ns.Tensor(generator.normal(size=p.shape), dtype=p.dtype) for p in parameters]
    optimizer.apply(gradients, parameters)


# --- which parameters are updated ---


@pytest.mark.parametrize("kind", KINDS)
def test_subsets_in_any_order_equal_separate_buffers(kind):
    """All, some with a gap, others, in another order: each keeps its own slots."""
    shapes = [(2, 3), (3,), (3, 1), (1,), (2, 2)]
    options = {"momentum": 0.9} if kind is SGD else {}
    results = []
    for optimizer in (kind(**options), SeparateBuffers(kind, **options)):
        generator = np.random.default_rng(0)
        p = [ns.Parameter(generator.normal(size=shape)) for shape in shapes]
        for seed, chosen in enumerate([p, p, p, [p[0], p[2], p[3]], [p[4], p[1]], p[::-1]]):
            if kind in COUNTING and len(chosen) < len(p):
                continue  # the bias correction counts the optimizer's steps, as in Keras
            step(optimizer, chosen, seed)
        results.append([q.numpy() for q in p])
    assert_equal(*results)


def test_parameters_of_two_dtypes():
    results = []
    for optimizer in (RMSprop(), SeparateBuffers(RMSprop)):
        p = [ns.Parameter(np.ones(3, d)) for d in (np.float32, np.float64, np.float32)]
        for seed in range(3):
            step(optimizer, p, seed)
        assert [q.dtype for q in p] == [np.float32, np.float64, np.float32]
        results.append([q.numpy() for q in p])
    assert_equal(*results)


def test_parameters_without_a_gradient_stay():
    a, b = ns.Parameter(np.ones(2)), ns.Parameter(np.ones(2))
    optimizer = SGD(0.5)
    optimizer.apply([None, ns.Tensor([1.0, 2.0])], [a, b])
    np.testing.assert_array_equal(a.numpy(), [1, 1])
    np.testing.assert_array_equal(b.numpy(), [0.5, 0.0])


def test_gradients_are_not_changed_and_not_kept():
    a = ns.Parameter(np.ones(2))
    gradient = ns.Tensor([1.0, 2.0])
    optimizer = Adam()
    for _ in range(3):
        optimizer.apply([gradient], [a])
        np.testing.assert_array_equal(gradient.numpy(), [1.0, 2.0])


# --- freezing ---


def test_freezing_takes_effect_without_compiling():
    model = compiled(network(4, 3, 1))
    fit(model)
    before = model.get_weights()
    model.layers[1].trainable = False
    fit(model)
    frozen = model.get_weights()
    assert changed(before, frozen) == [True, True, False, False, True, True]
    model.layers[1].trainable = True
    fit(model)
    assert all(changed(frozen, model.get_weights()))


def test_thawing_goes_on_as_if_the_layer_had_waited():
    """The slots of a frozen layer stay as they were."""
    flat, separate = network(4, 1), network(4, 1)
    separate.set_weights(flat.get_weights())
    optimizers = (RMSprop(), SeparateBuffers(RMSprop))
    for model, optimizer in zip((flat, separate), optimizers, strict=True):
        for seed, frozen in enumerate([False, False, True, True, False]):
            model.layers[0].trainable = not frozen
            step(optimizer, model.trainable_weights, seed)
    assert_equal(flat.get_weights(), separate.get_weights())


def test_the_gradient_passes_through_a_frozen_layer():
    model = network(4, 3, 1)
    reference = network(4, 3, 1)
    reference.set_weights(model.get_weights())
    model.layers[1].trainable = False
    for network_ in (model, reference):
        np.mean((network_(x) - y) ** 2).backward()
    first, frozen = model.layers[0].kernel, model.layers[1].kernel
    np.testing.assert_array_equal(first.grad.numpy(), reference.layers[0].kernel.grad.numpy())
    assert frozen.grad is None


def test_freezing_within_an_epoch():
    class FreezeAfterBatch(ns.training.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.layers[0].trainable = False
                self.weights = self.model.layers[0].get_weights()

    model = compiled(network(4, 1))
    callback = FreezeAfterBatch()
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[callback])
    assert_equal(model.layers[0].get_weights(), callback.weights)


def test_freezing_one_weight():
    model = compiled(network(4, 1))
    model.layers[0].bias.trainable = False
    before = model.get_weights()
    fit(model)
    assert changed(before, model.get_weights()) == [True, False, True, True]


def test_nothing_left_to_train_warns_and_changes_nothing():
    model = compiled(network(4, 1))
    model.trainable = False
    before = model.get_weights()
    with pytest.warns(UserWarning, match=r"no trainable weights.*layer\.trainable = True"):
        history = model.fit(x, y, verbose=0).history
    assert_equal(model.get_weights(), before)
    assert history["loss"] == [pytest.approx(model.evaluate(x, y, verbose=0))]


# --- what else happens to parameters ---


@pytest.mark.parametrize("how", ["data", "assign", "set_weights"])
@pytest.mark.parametrize("layout", ["C", "F", "float64"])
def test_new_values_are_what_trains_on(how, layout):
    model, fresh = compiled(network(4, 1), SGD(0.1)), compiled(network(4, 1), SGD(0.1))
    fit(model)
    weights = [0.1 * np.ones(w.shape, w.dtype) + 0.01 * np.arange(w.size).reshape(w.shape)
               for w in model.weights]  # fmt: skip
    weights = [w.astype(float) if layout == "float64" else w.astype("f", layout) for w in weights]
    fresh.set_weights(weights)
    if how == "set_weights":
        model.set_weights(weights)
    for parameter, values in zip(model.weights, weights, strict=True):
        if how == "data":
            parameter.data = values
        elif how == "assign":
            parameter.assign(values)
    fit(model)
    fit(fresh)
    if how == "data" and layout == "float64":  # the first forward pass ran in double precision
        for one, other in zip(model.get_weights(), fresh.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4)
    else:
        assert_equal(model.get_weights(), fresh.get_weights())
    assert all(weight.dtype == np.float32 for weight in model.weights)


def test_data_of_another_parameter_is_copied():
    """Two parameters that were given the same memory part again at the next step."""
    a, b = ns.Parameter(np.zeros(2)), ns.Parameter(np.ones(2))
    optimizer = SGD(1.0)
    optimizer.apply([ns.Tensor([0.0, 0.0])] * 2, [a, b])
    a.data = b.data
    optimizer.apply([ns.Tensor([1.0, 1.0]), ns.Tensor([2.0, 2.0])], [a, b])
    np.testing.assert_array_equal(a.numpy(), [0, 0])
    np.testing.assert_array_equal(b.numpy(), [-1, -1])


def test_data_of_another_shape_is_refused():
    a = ns.Parameter(np.zeros(2), name="bias")
    optimizer = SGD(1.0)
    optimizer.apply([ns.Tensor([0.0, 0.0])], [a])
    a.data = np.zeros(3)
    with pytest.raises(ValueError, match=r"'bias' had shape \(2,\).*has \(3,\) now: give it"):
        optimizer.apply([ns.Tensor([0.0, 0.0])], [a])


@pytest.mark.parametrize("recompile", [False, True])
def test_a_new_head_after_training(recompile):
    model = compiled(network(4, 3))
    model.add(Dense(1))
    fit(model)
    body = model.layers[0].get_weights()
    old_head = model.pop()
    kept = old_head.get_weights()
    model.add(Dense(1, name="new_head"))
    if recompile:
        compiled(model)
    before = model.get_weights()
    fit(model)
    assert all(changed(before, model.get_weights()))
    assert all(changed(body, model.layers[0].get_weights()))
    assert_equal(old_head.get_weights(), kept)
    assert len(model.weights) == 6


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam])
def test_two_models_that_share_a_layer(kind):
    """Each model's step moves the shared layer, whichever optimizer laid it out last."""
    shared = Dense(3, activation="tanh", input_dim=5)
    heads = [Dense(1, name="first_head"), Dense(1, name="second_head")]
    models = [compiled(Sequential([shared, head]), kind(0.01)) for head in heads]
    copies = [compiled(Sequential([Dense(3, "tanh", input_dim=5), Dense(1)]), kind(0.01))
              for _ in models]  # fmt: skip
    for model, copy in zip(models, copies, strict=True):
        copy.set_weights(model.get_weights())
    for turn in (0, 1, 0, 0, 1):
        model, copy = models[turn], copies[turn]
        copy.layers[0].set_weights(shared.get_weights())
        fit(model, epochs=1)
        fit(copy, epochs=1)
        assert_equal(model.get_weights(), copy.get_weights())


def test_one_optimizer_for_two_models():
    optimizer = SGD(0.1, momentum=0.9)
    models = [compiled(network(3, 1), optimizer) for _ in range(2)]
    alone = [compiled(network(3, 1), SGD(0.1, momentum=0.9)) for _ in range(2)]
    for model, other in zip(models, alone, strict=True):
        other.set_weights(model.get_weights())
    for _ in range(2):
        for model, other in zip(models, alone, strict=True):
            fit(model)
            fit(other)
            assert_equal(model.get_weights(), other.get_weights())


class Tied(Model):
    """One matrix encodes and decodes."""

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((input_shape[-1], 2), name="kernel")

    def call(self, inputs: Any) -> Any:
        return np.tanh(inputs @ self.kernel) @ self.kernel.T


def test_one_parameter_used_twice():
    model = compiled(Tied(), SGD(0.1))
    model(x)
    w = model.kernel.numpy().astype(float)
    assert len(model.weights) == 1
    model.fit(x, x, batch_size=64, verbose=0)

    def loss(w: Any) -> Any:
        return np.mean(np.mean((np.tanh(x @ w) @ w.T - x) ** 2, axis=-1))

    np.testing.assert_allclose(model.kernel.numpy(), w - 0.1 * ns.grad(loss)(w), rtol=1e-4)


def test_one_layer_used_twice():
    class Twice(Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Dense(5, activation="tanh")

        def call(self, inputs: Any) -> Any:
            return self.inner(self.inner(inputs))

    model = compiled(Twice(), SGD(0.1))
    model(x)
    kernel, bias = [w.astype(float) for w in model.get_weights()]
    assert len(model.weights) == 2
    model.fit(x, x, batch_size=64, verbose=0)

    def loss(kernel: Any, bias: Any) -> Any:
        once = np.tanh(x @ kernel + bias)
        return np.mean((np.tanh(once @ kernel + bias) - x) ** 2)

    gradients = ns.grad(loss, argnums=(0, 1))(kernel, bias)
    for own, start, gradient in zip(model.get_weights(), (kernel, bias), gradients, strict=True):
        np.testing.assert_allclose(own, start - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_recompiling_keeps_the_weights_and_forgets_the_slots():
    model = compiled(network(3, 1), Adam(0.1))
    fit(model)
    weights = model.get_weights()
    compiled(model, Adam(0.1))
    assert_equal(model.get_weights(), weights)
    fresh = compiled(network(3, 1), Adam(0.1))
    fresh.set_weights(weights)
    fit(model)
    fit(fresh)
    assert_equal(model.get_weights(), fresh.get_weights())
