"""fit, evaluate and predict: what they do, what continues, what is repeatable."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import Callback
from nnscratch.layers import Dense
from nnscratch.models import Model, Sequential
from nnscratch.optimizers import SGD
from tests.training.small_network import assert_equal, network, x, y


def twin(model: Sequential, **options: Any) -> Sequential:
    other = network(**options)
    other.set_weights(model.get_weights())
    return other


# --- what fit does ---


def test_it_learns():
    model = network(optimizer=SGD(1.0))
    history = model.fit(x, y, epochs=200, verbose=0).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.95


def test_fit_twice_continues():
    once = network()
    twice = twin(once)
    options = {"batch_size": 32, "shuffle": False, "verbose": 0}
    whole = once.fit(x, y, epochs=5, **options).history
    first = twice.fit(x, y, epochs=2, **options).history
    second = twice.fit(x, y, epochs=3, **options).history
    assert whole == {name: first[name] + second[name] for name in whole}
    assert_equal(once.get_weights(), twice.get_weights())


def test_initial_epoch():
    once = network()
    twice = twin(once)
    options = {"shuffle": False, "verbose": 0}
    once.fit(x, y, epochs=5, **options)
    twice.fit(x, y, epochs=2, **options)
    history = twice.fit(x, y, epochs=5, initial_epoch=2, **options)
    assert history.epoch == [2, 3, 4]
    assert len(history.history["loss"]) == 3
    assert_equal(once.get_weights(), twice.get_weights())


@pytest.mark.parametrize("options", [{"epochs": 0}, {"epochs": 3, "initial_epoch": 3}])
def test_no_epochs_change_nothing(options):
    model = network()
    before = model.get_weights()
    history = model.fit(x, y, verbose=0, **options)
    assert history.history == {}
    assert history.epoch == []
    assert_equal(model.get_weights(), before)


def test_history_is_also_an_attribute():
    model = network()
    assert model.fit(x, y, verbose=0) is model.history


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100, 1000, None])
def test_every_sample_once_an_epoch(batch_size):
    seen: list[Any] = []

    class Watching(Sequential):
        def train_step(self, batch: Any) -> Any:
            seen.append(batch.x)
            return super().train_step(batch)

    model = Watching([Dense(1, input_dim=6)])
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=batch_size, verbose=0)
    size = 32 if batch_size is None else batch_size
    expected = [min(size, 100 - start) for start in range(0, 100, size)]
    assert [len(batch) for batch in seen] == expected
    rows = np.concatenate(seen)
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(x.astype(np.float32), axis=0))
    assert not np.array_equal(rows, x.astype(np.float32))


def test_the_loss_of_an_epoch_is_the_mean_over_samples_while_the_weights_changed():
    model = network()
    losses, sizes = [], []

    class Watching(Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rows = slice(32 * batch, 32 * (batch + 1))
            probability = model(x[rows]).numpy().astype(float)
            losses.append(-np.mean(np.log(np.where(y[rows] == 1, probability, 1 - probability))))
            sizes.append(len(probability))

    history = model.fit(x, y, shuffle=False, verbose=0, callbacks=[Watching()]).history
    assert sizes == [32, 32, 32, 4]
    assert history["loss"][0] == pytest.approx(np.average(losses, weights=sizes), rel=1e-5)


def test_sample_weights_of_zero_leave_samples_out():
    weighted = network(optimizer=SGD(0.2))
    fewer = twin(weighted, optimizer=SGD(0.1))
    weights = np.repeat([1, 0], 50)
    # The mean still divides by all 100 samples: twice the learning rate makes up for it.
    weighted.fit(x, y, batch_size=100, sample_weight=weights, shuffle=False, verbose=0)
    fewer.fit(x[:50], y[:50], batch_size=100, shuffle=False, verbose=0)
    for one, other in zip(weighted.get_weights(), fewer.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_validation_split_holds_out_the_last_rows():
    split = network()
    given = twin(split)
    options = {"epochs": 2, "shuffle": False, "verbose": 0}
    first = split.fit(x, y, validation_split=0.25, **options).history
    second = given.fit(x[:75], y[:75], validation_data=(x[75:], y[75:]), **options).history
    assert first == second
    assert_equal(split.get_weights(), given.get_weights())


def test_an_own_train_step():
    class Halved(Sequential):
        def train_step(self, batch: Any) -> dict[str, float]:
            return super().train_step(batch) | {"rows": float(len(batch.x))}

    model = Halved([Dense(1, input_dim=6)])
    model.compile("sgd", "mse")
    history = model.fit(x, y, verbose=0, shuffle=False).history
    assert history["rows"] == [4.0]


def test_a_model_by_subclassing():
    class Residual(Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = Dense(6, activation="tanh")
            self.head = Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.head(inputs + self.hidden(inputs))

    model = Residual()
    model.compile("adam", "mse", metrics=[lambda t, p: np.abs(t - p)])
    history = model.fit(x, y, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert len(model.weights) == 4


def test_an_own_loss_and_metric():
    def squared(y_true: Any, y_pred: Any) -> Any:
        return np.mean((y_true - y_pred) ** 2, axis=-1)

    named = network(loss="mse")
    own = twin(named, loss=squared, metrics=[squared])
    options = {"epochs": 2, "shuffle": False, "verbose": 0}
    expected = named.fit(x, y, **options).history["loss"]
    history = own.fit(x, y, **options).history
    assert history["loss"] == pytest.approx(expected, rel=1e-6)
    assert history["squared"] == pytest.approx(expected, rel=1e-6)


# --- evaluate and predict ---


def test_evaluate():
    model = network()
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == {
        "loss": loss,
        "accuracy": accuracy,
    }
    prediction = model.predict(x)
    assert accuracy == np.mean((prediction > 0.5) == y)
    assert network(metrics=None).evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1)
    assert model.evaluate(x, y, batch_size=7, verbose=0) == pytest.approx([loss, accuracy])


def test_freezing_changes_no_loss():
    """Also where a sigmoid rounds to 0 or 1, and its loss comes from the logits."""
    model = Sequential([Dense(1, activation="sigmoid", input_dim=1)])
    model.set_weights([[[1.0]], [0.0]])
    model.compile("sgd", "binary_crossentropy")
    far, wrong = np.array([[40.0], [-30.0]]), np.array([0, 1])
    assert model.evaluate(far, wrong, verbose=0) == pytest.approx(35)
    model.trainable = False
    assert model.evaluate(far, wrong, verbose=0) == pytest.approx(35)
    assert not any(weight.requires_grad for weight in model.weights)


def test_evaluate_and_predict_change_nothing():
    model = network()
    before = model.get_weights()
    model.evaluate(x, y, verbose=0)
    model.predict(x)
    assert_equal(model.get_weights(), before)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("batch_size", [1, 7, 32, 1000, None])
def test_predict_is_in_order(batch_size):
    model = network()
    predictions = model.predict(x, batch_size=batch_size)
    assert isinstance(predictions, np.ndarray)
    assert predictions.shape == (100, 1)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions, model(x).numpy(), rtol=1e-6)


def test_predict_one_row_before_compile():
    model = Sequential([Dense(3)])
    assert model.predict(x[:1]).shape == (1, 3)


def test_predict_records_nothing():
    recorded = []

    class Watching(Sequential):
        def call(self, inputs: Any, training: bool = False) -> Any:
            outputs = super().call(inputs, training)
            recorded.append(outputs.requires_grad)
            return outputs

    Watching([Dense(3)]).predict(x)
    assert recorded == [False] * 4


# --- the same bits run after run ---


def run_with_seed(seed: int) -> tuple[Any, Any]:
    ns.random.seed(seed)
    model = network()
    history = model.fit(x, y, epochs=3, verbose=0).history
    return history, model.get_weights()


def test_a_seed_fixes_every_bit():
    history, weights = run_with_seed(5)
    again, weights_again = run_with_seed(5)
    assert history == again
    assert_equal(weights, weights_again)
    other, _ = run_with_seed(6)
    assert history["loss"] != other["loss"]


def test_a_seed_fixes_the_order_of_the_samples():
    orders = []
    for shuffle in (True, True, False):
        model = network()
        rows: list[Any] = []

        class Watching(Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                rows.append(logs["loss"])  # noqa: B023 (used up within this turn)

        model.set_weights([np.full(w.shape, 0.1) for w in model.weights])
        ns.random.seed(5)
        model.fit(x, y, epochs=2, shuffle=shuffle, verbose=0, callbacks=[Watching()])
        orders.append(rows)
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0][0] != orders[0][4]  # each epoch has an order of its own


PROGRAM = """
import hashlib
import numpy as np
import nnscratch as ns
ns.random.seed(3)
x = np.random.default_rng(0).random((100, 6))
y = (x.sum(axis=1) > 3).astype(int)
model = ns.Sequential([ns.layers.Dense(8, activation="relu"), ns.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, verbose=0)
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""


def test_the_same_bits_in_two_processes():
    digests = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64
