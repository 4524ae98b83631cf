"""Recorded training steps: each number is the step's own, and the training stays what it was."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.run import Run, record

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 5)).astype(np.float32)
Y = RANDOM.integers(2, size=(40, 1)).astype(np.float32)


def network(optimizer: Any = "adam", **options: Any) -> ns.Sequential:
    ns.random.seed(1)
    model = ns.Sequential(
        [
            ns.layers.Dense(6, "relu", input_shape=(5,), name="hidden"),
            ns.layers.BatchNormalization(),
            ns.layers.Dropout(0.3),
            ns.layers.Dense(1, "sigmoid", name="head"),
        ]
    )
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], **options)
    return model


def trained(model: Any, steps: int | None) -> tuple[Run | None, Any]:
    """The weights after a training of 15 steps, of which some are recorded."""
    if steps is None:
        history = model.fit(X, Y, epochs=3, batch_size=8, verbose=0)
        return None, (model.get_weights(), history.history)
    with ns.record(model, steps=steps) as run:
        history = model.fit(X, Y, epochs=3, batch_size=8, verbose=0)
    return run, (model.get_weights(), history.history)


@pytest.mark.parametrize("steps", [1, 7, 15, 100])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_training_is_bit_for_bit_what_it_would_be(optimizer, steps):
    _, plain = trained(network(optimizer), None)
    run, watched = trained(network(optimizer), steps)
    assert len(run.losses) == min(steps, 15)
    for ours, theirs in zip(watched[0], plain[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert watched[1] == plain[1]


def test_each_step_tells_values_gradients_and_updates():
    """SGD by hand: the update is -η times the gradient, and leads to the next step's value."""
    model = network(ns.optimizers.SGD(0.1))
    run, (weights, _) = trained(model, 15)
    kernel = model.get_layer("hidden").kernel
    moments = [step[kernel] for step in run.moments]
    assert len(moments) == 15
    for moment, following in pairwise(moments):
        np.testing.assert_allclose(moment.update, -0.1 * moment.gradient, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(moment.value + moment.update, following.value, rtol=1e-6)
    np.testing.assert_allclose(moments[-1].value + moments[-1].update, weights[0], rtol=1e-6)


def test_losses_and_gradients_are_the_steps_own():
    model = network("sgd")
    with record(model, 3) as run:
        for _ in range(3):
            model.train_on_batch(X[:8], Y[:8])
    again = network("sgd")  # which draws the same numbers
    for loss, moments in zip(run.losses, run.moments, strict=True):
        y_pred = again(X[:8], training=True)
        ours = again.compute_loss(X[:8], Y[:8], y_pred)
        assert float(ours.item()) == loss
        for weight in again.trainable_weights:
            weight.grad = None
        ours.backward()
        for mine, theirs in zip(again.weights, model.weights, strict=True):
            if mine.trainable:
                np.testing.assert_array_equal(moments[theirs].gradient, mine.grad.numpy())
            else:
                assert moments[theirs].gradient is None
        again.optimizer.apply([w.grad for w in again.trainable_weights], again.trainable_weights)


def test_slots_are_the_optimizers():
    """RMSprop: v ← ρ v + (1 - ρ) g², from 0."""
    model = network(ns.optimizers.RMSprop(0.01, rho=0.9))
    run, _ = trained(model, 4)
    kernel = model.get_layer("hidden").kernel
    velocity = 0
    for step in run.moments:
        moment = step[kernel]
        velocity = 0.9 * velocity + 0.1 * moment.gradient.astype(np.float64) ** 2
        np.testing.assert_allclose(moment.slots["velocity"], velocity, rtol=1e-4)


def test_the_gradient_is_the_losss_whatever_the_optimizer_makes_of_it():
    plain, _ = trained(network(ns.optimizers.SGD(0.01)), 1)
    for options in ({"loss_scale_factor": 64.0}, {"global_clipnorm": 1e-3}):
        scaled, _ = trained(network(ns.optimizers.SGD(0.01, **options)), 1)
        pairs = zip(plain.moments[0].values(), scaled.moments[0].values(), strict=True)
        for one, other in pairs:
            if one.gradient is not None:
                np.testing.assert_allclose(other.gradient, one.gradient, rtol=1e-6)


def test_frozen_layers_have_no_gradient_and_no_update():
    model = network("adam")
    model.get_layer("hidden").trainable = False
    run, _ = trained(model, 3)
    frozen = model.get_layer("hidden").kernel
    for step in run.moments:
        assert step[frozen].gradient is None
        assert not step[frozen].update.any()
        assert step[model.get_layer("head").kernel].gradient is not None
    described = run._described(run.recording)
    assert described["norms"]["update"]["hidden"] == [0.0, 0.0, 0.0]
    assert described["norms"]["gradient"]["hidden"] == [0.0, 0.0, 0.0]


def test_a_model_that_the_first_step_builds():
    ns.random.seed(0)
    model = ns.Sequential([ns.layers.Dense(3, "tanh"), ns.layers.Dense(1)])
    model.compile("sgd", "mse")
    with record(model, 3) as run:
        for _ in range(3):
            model.train_on_batch(X, Y)
    kernel = model.layers[0].kernel
    assert [kernel in step for step in run.moments] == [True, True, True]
    first, second, _ = (step[kernel] for step in run.moments)
    np.testing.assert_allclose(first.update, -0.01 * first.gradient, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(first.value + first.update, second.value, rtol=1e-6)


class OwnStep(ns.Model):
    """Trains with a loop of its own, as in Keras's guide."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = ns.layers.Dense(4, "tanh"), ns.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.last(self.first(inputs))

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y, _ = data
        loss = self.compute_loss(x, y, self(x))
        for weight in self.weights:
            weight.grad = None
        loss.backward()
        self.optimizer.apply([w.grad for w in self.weights], self.weights)
        return {"loss": float(loss.item())}


def test_a_train_step_of_ones_own():
    def weights(recorded: bool) -> Any:
        ns.random.seed(2)
        model = OwnStep()
        model.compile("adam", "mse")
        if not recorded:
            model.fit(X, Y, epochs=1, batch_size=10, verbose=0)
            return model.get_weights()
        with record(model, 3) as run:
            model.fit(X, Y, epochs=1, batch_size=10, verbose=0)
        assert len(run.losses) == 3
        assert {entry.origin.filename for entry in run.recording.forward} == {__file__}
        return model.get_weights()

    for ours, theirs in zip(weights(True), weights(False), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_origins_are_noted_only_while_recording():
    model = network()
    seen = []

    class Watch(ns.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((ns.Tensor(1.0, requires_grad=True) * 2).node.origin)

    with record(model, 1) as run:
        model.fit(X, Y, epochs=1, batch_size=20, verbose=0, callbacks=[Watch()])
    assert seen == [None, None]
    assert all(entry.origin is not None for entry in run.recording.forward)
    assert {entry.origin.layer for entry in run.recording.forward} >= {"hidden", "head"}


def test_afterwards_the_model_is_as_it_was(tmp_path):
    model = network()
    with record(model, 2), record(model, 1):
        model.fit(X, Y, epochs=1, verbose=0)
        model.save(tmp_path / "model.safetensors")
    assert vars(model).keys().isdisjoint({"train_step", "compute_loss"})
    assert model.train_step.__func__ is ns.Model.train_step
    own_step = lambda data: {"loss": 0.0}  # noqa: E731 # set on the model, as some do
    model.train_step = own_step
    with pytest.raises(ZeroDivisionError), record(model, 1):
        raise ZeroDivisionError
    assert model.train_step is own_step


def test_records_inside_each_other_see_the_same():
    model = network("sgd")
    with record(model, 3) as outer, record(model, 2) as inner:
        model.fit(X, Y, epochs=1, batch_size=8, verbose=0)
    assert (len(outer.losses), len(inner.losses)) == (3, 2)
    assert outer.losses[:2] == inner.losses


def test_evaluating_is_no_step():
    model = network()
    with record(model, 10) as run:
        model.evaluate(X, Y, verbose=0)
        model.fit(X, Y, epochs=1, batch_size=20, verbose=0, validation_split=0.5)
    assert len(run.losses) == 1


def test_the_first_nan_is_named():
    model = ns.Sequential([ns.layers.Dense(2, input_shape=(2,), name="first")])
    model.compile(ns.optimizers.SGD(1e30), "mse")
    with np.errstate(all="ignore"), record(model, 10) as run:
        for _ in range(6):
            model.train_on_batch(np.ones((4, 2)), np.ones((4, 2)))
    assert len(run.losses) == 6
    assert run.not_finite.step > 0
    assert np.isfinite(run.losses[run.not_finite.step - 1])
    assert run.not_finite.op in ("dense", "mean_squared_error")
    assert f"step {run.not_finite.step + 1} " in run.not_finite.text
    shown = run.recording.loss.value  # the tape of that step
    assert float(shown) == pytest.approx(run.losses[run.not_finite.step], nan_ok=True)
    with np.errstate(all="ignore"):
        json.dumps(run._described(run.recording), allow_nan=False)


def test_a_nan_of_the_backward_pass_is_named():
    w = ns.Parameter(np.zeros(2, np.float32), name="w")
    run = Run(network(), 1)
    with np.errstate(all="ignore"):
        run.see(np.sum(np.sqrt(w)) * 1)
    assert run.not_finite.op == "sqrt"
    assert "backward pass" in run.not_finite.text


def decoded(described: dict[str, Any]) -> Any:
    data = np.frombuffer(base64.b64decode(described["data"]), "<f4")
    return data.reshape(described["shape"])


def test_the_page_gets_every_step(tmp_path):
    model = network()
    run, _ = trained(model, 5)
    described = run._described(run.recording)
    json.dumps(described, allow_nan=False)
    assert described["steps"] == 5
    assert described["losses"] == run.losses
    assert described["optimizers"][0]["class_name"] == "optimizers.Adam"
    assert len(described["parameters"]) == len(model.weights)
    for parameter, weight in zip(described["parameters"], model.weights, strict=True):
        assert parameter["name"] == weight.name
        assert parameter["trainable"] == weight.trainable
        for key in ("values", "gradients", "updates"):
            assert len(parameter[key]) == 5
        moments = [step[weight] for step in run.moments]
        for text, moment in zip(parameter["values"], moments, strict=True):
            np.testing.assert_array_equal(decoded(text), moment.value)
        for text, moment in zip(parameter["updates"], moments, strict=True):
            np.testing.assert_array_equal(decoded(text), moment.update)
        assert set(parameter["slots"]) == ({"momentum", "velocity"} if weight.trainable else set())
    hidden = [step[w].gradient for step in run.moments[:1] for w in model.layers[0].weights]
    norm = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in hidden))
    assert described["norms"]["gradient"]["hidden"][0] == pytest.approx(norm)
    page = run.explain(tmp_path / "run.html")
    assert page.path.stat().st_size > 10_000


def test_a_finished_step_can_still_be_described_in_full():
    """Its tape was freed by the backward pass: the recording needs none of what the tape held."""
    model = network()
    run, _ = trained(model, 2)
    described = document(run.recording, "freed")
    assert run.recording.loss.node.freed
    assert all("form" in entry for entry in described["entries"] if entry["kind"] == "op")
    assert all(entry["checks"]["finite"]["ok"] for entry in described["entries"] if entry["checks"])


def test_weights_of_a_recording_are_those_of_its_step():
    model = network("sgd")
    run, _ = trained(model, 3)
    kernel = model.get_layer("hidden").kernel
    (entry,) = [e for e in run.recording.entries if e.tensor is kernel]
    np.testing.assert_array_equal(entry.value, run.moments[-1][kernel].value)
    np.testing.assert_array_equal(entry.gradient, run.moments[-1][kernel].gradient)


def test_a_long_run_keeps_to_its_size():
    model = ns.Sequential([ns.layers.Dense(300, input_shape=(300,)) for _ in range(4)])
    model.compile("adam", "mse")
    with record(model, 12) as run:
        model.fit(np.ones((24, 300)), np.ones((24, 300)), batch_size=2, epochs=1, verbose=0)
    assert len(json.dumps(run._described(run.recording))) < 5_000_000


@pytest.mark.parametrize("steps", [0, -1, 1.5, "many"])
def test_a_number_of_steps_that_is_none_is_refused(steps):
    with pytest.raises((ValueError, TypeError), match="steps"), record(network(), steps):
        pass


def test_nothing_recorded_is_said():
    with record(network(), 3) as run:
        pass
    with pytest.raises(RuntimeError, match="No training step was recorded"):
        run.explain()
    assert repr(run).endswith("0 of 3 steps>")
