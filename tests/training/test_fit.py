"""fit, evaluate and predict: what continues, what is repeatable, what is refused."""

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

generator = np.random.default_rng(0)
x = generator.random((100, 6))
y = (x.sum(axis=1, keepdims=True) > 3).astype(int)


def network(**options: Any) -> Sequential:
    model = Sequential()
    model.add(Dense(8, activation="relu", input_dim=6, name="hidden"))
    model.add(Dense(1, activation="sigmoid", name="output"))
    options = {
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
        **options,
    }
    model.compile(**options)
    return model


def twin(model: Sequential, **options: Any) -> Sequential:
    other = network(**options)
    other.set_weights(model.get_weights())
    return other


def assert_equal(these: list[Any], those: list[Any]) -> None:
    for one, other in zip(these, those, strict=True):
        np.testing.assert_array_equal(one, other)


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


# --- what is refused, with the model as it was ---


def refused(model: Any, call: Any, kind: type[Exception], message: str) -> None:
    """`call` raises `kind` with a sentence that matches, and the weights keep every bit."""
    before = model.get_weights()
    with pytest.raises(kind, match=message) as error:
        call()
    assert str(error.value).endswith((".", "?"))
    assert len(str(error.value).splitlines()) <= 3
    assert_equal(model.get_weights(), before)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_wrong_number_of_features(method):
    model = network()
    arguments = (x[:, :5],) if method == "predict" else (x[:, :5], y)
    refused(
        model,
        lambda: getattr(model, method)(*arguments, verbose=0),
        ValueError,
        r"'hidden' was built for 6 features, got an input of shape \(32, 5\): give 6 columns",
    )


def test_wrong_number_of_features_in_validation_data():
    """Known before the first epoch, not after it."""
    model = network()
    refused(
        model,
        lambda: model.fit(x, y, verbose=0, validation_data=(x[:, :5], y)),
        ValueError,
        r"x has shape \(100, 6\) but validation x has \(100, 5\)",
    )


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((x, y[:-1]), {}, "x has 100 samples but y has 99: give one y for each row of x"),
        ((x[:-1], y), {}, "x has 99 samples but y has 100"),
        ((x, y), {"sample_weight": np.ones(3)}, "x has 100 samples but sample_weight has 3"),
        ((x, np.zeros((100, 3))), {}, r"targets of shape \(32, 3\).*predictions of.*\(32, 1\)"),
        ((x[:0], y[:0]), {}, r"x holds no samples \(shape \(0, 6\)\): give at least one row"),
        ((x,), {}, "needs targets: pass y"),
        ((x, y), {"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ((x, y), {"batch_size": 32.0}, "batch_size must be a whole number of at least 1"),
        ((x, y), {"verbose": 3}, "verbose is 'auto', 0, 1 or 2, got 3"),
        ((x, y), {"verbose": "yes"}, "verbose is 'auto', 0, 1 or 2, got 'yes'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lengths_shapes_and_sizes(method, arguments, options, message):
    model = network()
    options = {"verbose": 0, **options}
    refused(model, lambda: getattr(model, method)(*arguments, **options), ValueError, message)


@pytest.mark.parametrize("fraction", [1.0, 0.001, 0.999, -0.2, 1.5, np.nan])
def test_validation_split_that_leaves_a_side_empty(fraction):
    model = network()
    if fraction == 0.001:  # of 100 rows the last 1 is held out: both sides have some
        model.fit(x, y, validation_split=fraction, verbose=0)
        return
    refused(
        model,
        lambda: model.fit(x, y, validation_split=fraction, verbose=0),
        ValueError,
        "validation_split=.* leaves one side of 100 samples empty: choose a fraction",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": -1}, "epochs must be a whole number of at least 0, got -1"),
        ({"epochs": "5"}, "epochs must be a whole number of at least 0, got '5'"),
        ({"initial_epoch": 1.5}, "initial_epoch must be a whole number"),
    ],
)
def test_epochs(options, message):
    model = network()
    refused(model, lambda: model.fit(x, y, verbose=0, **options), ValueError, message)


@pytest.mark.parametrize("held_out", [(x,), x, (x, y, y, y), "held out"])
def test_validation_data_that_is_no_pair(held_out):
    model = network()
    refused(
        model,
        lambda: model.fit(x, y, verbose=0, validation_data=held_out),
        TypeError,
        r"validation_data takes \(x, y\) or \(x, y, sample_weight\), got",
    )


def test_validation_data_is_checked_as_x_and_y_are():
    model = network()
    bad = x.copy()
    bad[3, 2] = np.nan
    for held_out, message in [
        ((x, y[:-1]), "validation x has 100 samples but validation y has 99"),
        ((bad, y), r"validation x holds NaN in 1 of 100 rows \(first: row 3\)"),
        ((x, np.zeros((100, 2))), r"y has shape \(100, 1\) but validation y has \(100, 2\)"),
    ]:
        refused(
            model,
            lambda held_out=held_out: model.fit(x, y, verbose=0, validation_data=held_out),
            ValueError,
            message,
        )


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_not_compiled(method):
    model = Sequential([Dense(1, input_dim=6)], name="fresh")
    refused(
        model,
        lambda: getattr(model, method)(x, y),
        RuntimeError,
        r"Model 'fresh' is not compiled: call model\.compile\(optimizer=",
    )


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_compiled_without_a_loss(method):
    model = Sequential([Dense(1, input_dim=6)], name="aimless")
    model.compile("sgd")
    refused(
        model,
        lambda: getattr(model, method)(x, y, verbose=0),
        ValueError,
        "'aimless' was compiled without a loss: pass loss=",
    )


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"loss": "binary_crosentropy"}, ValueError, "no loss called .* did you mean binary_cross"),
        ({"optimizer": "rmspropp"}, ValueError, "no optimizer called .* did you mean rmsprop"),
        ({"metrics": ["acuracy"]}, ValueError, "no metric called 'acuracy'; did you mean accuracy"),
        ({"metrics": "accuracy"}, TypeError, r"metrics takes a list, .* metrics=\['accuracy'\]"),
        ({"loss": 3}, TypeError, "loss is a name, an object or a function, got 3"),
        ({"optimizer": SGD}, TypeError, "optimizer is a name such as 'adam' or an optimizer such"),
        ({"metrics": [3]}, TypeError, "metric is a name, an object or a function, got 3"),
    ],
)
def test_a_compile_that_is_refused_leaves_the_one_before(options, kind, message):
    model = network()
    optimizer = model.optimizer
    refused(
        model,
        lambda: model.compile(**{"optimizer": "sgd", "loss": "mse", **options}),
        kind,
        message,
    )
    assert model.optimizer is optimizer
    assert set(model.fit(x, y, verbose=0).history) == {"loss", "accuracy"}


def test_two_metrics_of_one_name():
    model = network(metrics=[ns.metrics.Precision(), ns.metrics.Precision(0.9)])
    refused(
        model,
        lambda: model.fit(x, y, verbose=0),
        ValueError,
        "has two metrics called 'precision': give one another name",
    )


def test_a_metric_that_refuses_the_data():
    """Before the first update, not after it."""

    def picky(y_true: Any, y_pred: Any) -> Any:
        raise ValueError(f"No targets of shape {y_true.shape}, please.")

    model = network(metrics=[picky])
    refused(model, lambda: model.fit(x, y, verbose=0), ValueError, "No targets of shape")


def test_a_model_without_layers():
    model = Sequential(name="empty")
    model.compile("sgd", "mse")
    refused(model, lambda: model.fit(x, y, verbose=0), ValueError, "'empty' has no layers: add one")


@pytest.mark.parametrize("bad", [Callback, "history", [3]])
def test_callbacks_that_are_none(bad):
    model = network()
    callbacks = bad if isinstance(bad, list) else [bad]
    refused(
        model,
        lambda: model.fit(x, y, verbose=0, callbacks=callbacks),
        TypeError,
        r"callbacks takes instances of .*Callback, got .*: write for example callbacks=\[",
    )
