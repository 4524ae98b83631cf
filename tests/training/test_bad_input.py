"""Bad input, in the forms that people give: a short error, the model as it was, and it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import nnscratch as ns
from nnscratch.layers import Concatenate, Dense, Input

generator = np.random.default_rng(0)
x = generator.normal(size=(100, 4))
y = generator.integers(0, 3, 100)
frame, series = pd.DataFrame(x, columns=list("abcd")), pd.Series(y)


def sequential(loss: Any = "sparse_categorical_crossentropy", units: int = 3) -> Any:
    layers = [Dense(5, activation="relu", name="hidden"), Dense(units, name="head")]
    model = ns.Sequential([Input((4,)), *layers], name="net")
    model.add(ns.layers.Activation("softmax" if units > 1 else "sigmoid"))
    model.compile("adam", loss)
    return model


def functional(loss: str = "sparse_categorical_crossentropy", units: int = 3) -> Any:
    inputs = Input((4,), name="features")
    hidden = Dense(5, activation="relu", name="hidden")(inputs)
    activation = "softmax" if units > 1 else "sigmoid"
    model = ns.Model(inputs, Dense(units, activation=activation, name="head")(hidden), name="net")
    model.compile("adam", loss)
    return model


def unbuilt() -> Any:
    model = ns.Sequential([Dense(5, name="hidden"), Dense(3, activation="softmax", name="head")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class Batches:
    """Batches to iterate over, again and again."""

    def __init__(self, *batches: Any) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)


def put(array: Any, value: Any, row: int = -1) -> Any:
    """The array, or frame, with `value` in its last row, that is, in its last batch."""
    array = array.copy() if isinstance(value, int) else array.astype(float)
    if isinstance(array, pd.DataFrame):
        array.iloc[row, 0] = value
    elif array.ndim > 1:
        array[row, 0] = value
    else:
        array[row % len(array)] = value
    return array


def refused(model: Any, call: Any, message: str, kind: type[Exception] = ValueError) -> None:
    """An error of one to three lines that matches; every bit is as it was, and training goes on."""
    before = model.get_weights()
    steps = model.optimizer.iterations
    with pytest.raises(kind, match=message) as error:
        call(model)
    assert len(str(error.value).splitlines()) <= 3
    assert str(error.value).endswith(".")
    assert model.optimizer.iterations == steps
    if before:  # otherwise its weights did not exist
        for own, old in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(own, old)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()


both = pytest.mark.parametrize("make", [sequential, functional])
learning = pytest.mark.parametrize("method", ["fit", "evaluate"])
LABEL = r"y does not fit: .* label {} for 3 classes: labels are integers from 0 to 2"


@both
@learning
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (x, put(y, 3), LABEL.format(3)),
        (x, put(y, -1), LABEL.format(-1)),
        (frame, put(series, 7), LABEL.format(7)),
        (x.tolist(), put(y, 3).tolist(), LABEL.format(3)),
        (x, put(y, 1.5), "y does not fit: .* takes integer labels, got 1.5"),
        (x, np.eye(3)[y], r"y does not fit: .*\(100, 3\).*use categorical_crossentropy"),
        (x, y[:50], "x has 100 samples but y has 50"),
        (frame, series[:50], "x has 100 samples but y has 50"),
        (put(x, np.nan), y, r"x holds NaN in 1 of 100 rows \(first: row 99\): drop or fill"),
        (put(frame, np.nan), y, r"x holds NaN in 1 of 100 rows \(first: row 99\)"),
        (put(frame, np.inf), y, "x holds infinite numbers in 1 of 100 rows"),
        (frame.astype("Float64").mask(frame > 2), y, "x holds NaN in .* of 100 rows"),
        (x, put(y, np.nan), "y holds NaN in 1 of 100 rows"),
        (x, put(series, np.inf), "y holds infinite numbers in 1 of 100 rows"),
        (x, series.astype("Int64").mask(series > 1), "y holds NaN in .* of 100 rows"),
        (frame[:0], series[:0], r"x holds no samples \(shape \(0, 4\)\)"),
        ([], [], r"x holds no samples \(shape \(0,\)\)"),
        (Batches(), None, "data ran out before the first batch"),
        (x[:, None], y, r"inputs of shape \(None, 4\), got an array of shape \(.*, 1, 4\)"),
        (x[:, 0], y, r"inputs of shape \(None, 4\), got an array of shape"),
        (None, y, "'net' needs data: pass x"),
        (x, None, "'net' needs targets: pass y"),
        (x, {"nothing": y}, "y names the output 'nothing', but the outputs are"),
        (Batches(x), None, "'net' needs targets"),
        (Batches((x, y, y, y)), None, "gives batches of 4 parts: give x"),
        (Batches((x[:, :3], y)), None, r"4.* got .*\(100, 3\): give"),
    ],
)
def test_values_and_shapes(make, method, x, y, message):
    refused(make(), lambda model: getattr(model, method)(x, y, verbose=0), message)


@both
@learning
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (frame.assign(city="Rome"), y, "x holds text or objects in column city, .*get_dummies"),
        ([["a", "b", "c", "d"]] * 100, y, "x holds text, not numbers.*OneHotEncoder"),
        (x, np.where(y == 1, "yes", "no"), "y holds text, not numbers.*LabelEncoder"),
        (x, series.map(str).astype("category"), "y holds text or objects.*LabelEncoder"),
        (lambda: x, y, "x is a function, not numbers: call it"),
    ],
)
def test_what_is_no_number(make, method, x, y, message):
    call = lambda model: getattr(model, method)(x, y, verbose=0)  # noqa: E731
    refused(make(), call, message, TypeError)


@pytest.mark.parametrize("make", [sequential, functional, unbuilt])
@pytest.mark.parametrize("label", [3, -1])
def test_a_label_out_of_range_in_the_last_batch_changes_nothing(make, label):
    refused(make(), lambda model: model.fit(x, put(y, label), verbose=0), LABEL.format(label))


def test_labels_that_are_ignored_are_in_range():
    model = sequential(ns.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    model.fit(x, put(y, -1), verbose=0)
    refused(model, lambda m: m.fit(x, put(put(y, -1), 4, 0), verbose=0), LABEL.format(4))


def test_crossentropy_by_shape_looks_at_labels_too():
    refused(sequential("crossentropy"), lambda m: m.fit(x, put(y, 3), verbose=0), LABEL.format(3))


@both
@learning
@pytest.mark.parametrize("loss", ["binary_crossentropy", "binary_focal_crossentropy"])
@pytest.mark.parametrize("wrong", [2, -1])
def test_targets_of_a_yes_or_no_loss(make, method, loss, wrong):
    model = make(loss, units=1)
    targets = np.minimum(y, 1)
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"y does not fit: .*{loss}' got the target {wrong}: "):
        getattr(model, method)(x, put(targets, wrong), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.fit(x, np.where(targets, 1 + 1e-15, 0.0), verbose=0)  # what a scaler's rounding leaves


@both
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (x[:, :3], r"4.* got .*\(32, 3\): give"),
        (frame.iloc[:, :3], r"4.* got .*\(32, 3\): give"),
        (x[0], r"inputs of shape \(None, 4\), got .* shape \(4,\): for one sample write x\[np"),
        (put(x, np.nan), "x holds NaN in 1 of 100 rows"),
        (x[:0], "x holds no samples"),
        (None, "'net' needs data: pass x"),
        ({"nothing": x}, "'net' (takes one array, got a dictionary of|needs an input called)"),
    ],
)
def test_predict(make, x, message):
    refused(make(), lambda model: model.predict(x, verbose=0), message)
    refused(make(), lambda model: model.predict_on_batch(x), message.replace("32", "100"))


@both
@pytest.mark.parametrize("stream", [False, True], ids=["arrays", "batches"])
@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ((x[:, :3], y), r"\(.*, 3\)"),
        ((x, put(y, 3)), "validation y does not fit: .* label 3 for 3 classes"),
        ((x, y[:5]), "validation x has 100 samples but validation y has 5"),
        ((put(x, np.nan), y), "validation x holds NaN"),
        ((x, put(y, np.nan)), "validation y holds NaN"),
        ((x[:0], y[:0]), "validation x holds no samples"),
        ((x,), "validation_data takes .* got tuple"),
        (x, "validation_data takes .* got ndarray"),
        (frame, "validation_data takes .* got DataFrame"),
    ],
)
def test_validation_data_is_looked_at_before_the_first_epoch(make, stream, held_out, message):
    kind = TypeError if "takes" in message else ValueError
    data = (Batches((x, y)),) if stream else (x, y)
    call = lambda model: model.fit(*data, verbose=0, validation_data=held_out)  # noqa: E731
    refused(make(), call, message, kind)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be a whole number of at least"),
        ({"validation_steps": 0}, ValueError, "validation_steps must be a whole number"),
        ({"validation_batch_size": 0}, ValueError, "validation_batch_size must be a whole number"),
        ({"validation_freq": 0}, ValueError, "validation_freq must be a whole number"),
        ({"validation_freq": "all"}, TypeError, "validation_freq takes a whole number or a list"),
        ({"validation_freq": 1.5}, TypeError, "validation_freq takes a whole number or a list"),
        ({"validation_split": "0.2"}, TypeError, "validation_split takes a fraction"),
        ({"class_weight": "balanced"}, TypeError, "class_weight takes a dictionary with a number"),
        ({"class_weight": [1, 2, 3]}, TypeError, "class_weight takes a dictionary with a number"),
        ({"class_weight": {0: "a"}}, TypeError, "class_weight takes a dictionary with a number"),
        ({"class_weight": {0: 1.0}}, ValueError, "class_weight has no weight for class 1"),
        ({"class_weight": {0: 1, 1: 1, 2: np.nan}}, ValueError, "class_weight has .* not finite"),
        ({"callbacks": 5}, TypeError, "callbacks takes instances of"),
    ],
)
def test_other_arguments_of_fit(options, kind, message):
    options = {"validation_data": (x, y), **options}
    refused(sequential(), lambda model: model.fit(x, y, verbose=0, **options), message, kind)


# --- batches that somebody else makes -------------------------------------------------------------


@both
@pytest.mark.parametrize("source", [lambda: Batches((x, y)), lambda: iter([(x, y)])])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_stream_has_its_own_batch_size(make, source, method):
    call = lambda model: getattr(model, method)(source(), batch_size=16, verbose=0)  # noqa: E731
    refused(make(), call, "x gives batches itself, so batch_size=16 cannot change .* leave it away")


def test_a_stream_to_validate_on_has_its_own_batch_size():
    options: Any = {"validation_data": Batches((x, y)), "validation_batch_size": 16}
    refused(
        sequential(),
        lambda model: model.fit(x, y, verbose=0, **options),
        "validation x gives batches itself, so validation_batch_size=16 cannot change",
    )
    options["validation_batch_size"] = None  # batch_size is that of the arrays to train on
    sequential().fit(x, y, verbose=0, batch_size=16, **options)


@pytest.mark.parametrize("fraction", [0.2, 1.0])
def test_a_stream_has_no_last_rows(fraction):
    refused(
        sequential(),
        lambda model: model.fit(Batches((x, y)), validation_split=fraction, verbose=0),
        "validation_split needs arrays, .* give validation_data with a generator",
    )


def test_a_batch_may_be_a_list_as_in_keras():
    """PyTorch's DataLoader makes such."""
    results = []
    for batch in ((x, y), [x, y]):
        ns.random.seed(0)
        results.append(sequential().fit(Batches(batch), verbose=0).history)
    assert results[0] == results[1]


# --- several inputs and outputs -------------------------------------------------------------------


def two_of_each() -> Any:
    a, b = Input((4,), name="a"), Input((2,), name="b")
    both = Concatenate()([a, b])
    classes = Dense(3, activation="softmax", name="classes")(both)
    model = ns.Model([a, b], [classes, Dense(1, name="number")(both)], name="two")
    model.compile("adam", ["sparse_categorical_crossentropy", "mse"])
    return model


INPUTS, TARGETS = [x, x[:, :2]], [y, x[:, 0]]


@learning
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (x, TARGETS, r"takes 2 inputs \(a, b\), got 1"),
        (INPUTS[::-1], TARGETS, r"shape \(None, 4\) for its input 'a', got .* shape \(.*, 2\)"),
        ([x, x], TARGETS, r"shape \(None, 2\) for its input 'b', got .* shape \(.*, 4\)"),
        ([x, x[:5, :2]], TARGETS, r"x has 100 samples but x\[1\] has 5"),
        ([x, put(x, np.nan)[:, :2]], TARGETS, r"x\[1\] holds NaN"),
        ({"a": x}, TARGETS, "needs an input called 'b', got 'a'"),
        (INPUTS, [y], r"y has 1 entries for 2 outputs \(classes, number\)"),
        (INPUTS, y, r"y is one array for 2 outputs \(classes, number\): give a list"),
        (INPUTS, [put(y, 5), x[:, 0]], "y of output 'classes' does not fit: .* label 5"),
        (INPUTS, [y, put(x[:, 0], np.nan)], r"y\[1\] holds NaN"),
        (INPUTS, {"classes": y}, "y has nothing for the output 'number', which has a loss"),
        (INPUTS, {"klass": y, "number": x[:, 0]}, "y names the output 'klass', but the outputs"),
    ],
)
def test_several_inputs_and_outputs(method, x, y, message):
    model = two_of_each()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        getattr(model, method)(x, y, verbose=0)
    assert str(error.value).endswith(".")
    for own, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)
    model.fit(INPUTS, TARGETS, verbose=0)


# --- weights of another architecture --------------------------------------------------------------


@both
@pytest.mark.parametrize("units", [[6, 3], [5, 5, 3], [5, 2]])
def test_weights_of_another_architecture(make, units, tmp_path):
    other = ns.Sequential([Input((4,)), *(Dense(n) for n in units)])
    other.save_weights(tmp_path / "w.safetensors")
    refused(make(), lambda m: m.load_weights(tmp_path / "w.safetensors"), "another architecture")
    refused(make(), lambda m: m.set_weights(other.get_weights()), "shape|4 weights, got 6 arrays")
