"""What compile, fit, evaluate and predict refuse, leaving the model as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import Callback
from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch.optimizers import SGD
from tests.training.small_network import assert_equal, network, x, y


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
