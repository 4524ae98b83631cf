"""What may be handed to fit: arrays, frames, lists, tensors; and what is explained instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import nnscratch as ns
from nnscratch.layers import Dense

x = np.random.default_rng(0).normal(size=(40, 3))
y = (x[:, 0] > 0).astype(int)
COLUMNS = ["age", "height", "weight"]


def network(features: int = 3) -> Any:
    kernel = np.linspace(-1, 1, features).reshape(features, 1)
    model = ns.Sequential([Dense(1, activation="sigmoid", input_dim=features)])
    model.set_weights([kernel, np.zeros(1)])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def logs(x: Any, y: Any, **options: Any) -> Any:
    return network().fit(x, y, epochs=2, shuffle=False, verbose=0, **options).history


@pytest.mark.parametrize(
    "given",
    [
        x.astype(np.float32),
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        x.tolist(),
        [tuple(row) for row in x],
        ns.Tensor(x),
        ns.Tensor(x, requires_grad=True),
        pd.DataFrame(x, columns=COLUMNS),
        pd.DataFrame(x, columns=COLUMNS, index=range(100, 140)),
        pd.DataFrame(x, columns=COLUMNS).astype({"age": "float32"}),
        pd.DataFrame(x, columns=COLUMNS).astype({"age": object}),
        x.astype(object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_forms_of_x(given):
    assert logs(given, y) == logs(x, y)


@pytest.mark.parametrize(
    "given",
    [
        y[:, None],
        y.tolist(),
        y.astype(np.float32),
        y.astype(bool),
        y.astype(np.uint8),
        ns.Tensor(y),
        pd.Series(y),
        pd.Series(y, index=range(100, 140)),
        pd.DataFrame({"label": y}),
        y.astype(object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_forms_of_y(given):
    assert logs(x, given) == logs(x, y)
    assert network().evaluate(x, given, verbose=0) == network().evaluate(x, y, verbose=0)


def test_forms_of_sample_weight():
    weights = np.random.default_rng(1).random(40)
    expected = logs(x, y, sample_weight=weights)
    assert expected != logs(x, y)
    for given in (weights.tolist(), pd.Series(weights), weights[:, None], ns.Tensor(weights)):
        assert logs(x, y, sample_weight=given) == expected


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, bool])
def test_whole_numbers_as_features(kind):
    whole = (np.abs(x) * 2).astype(kind)
    assert logs(whole, y) == logs(whole.astype(np.float64), y)
    assert network().predict(whole).dtype == np.float32


def test_a_memory_map(tmp_path):
    np.save(tmp_path / "x.npy", x)
    assert logs(np.load(tmp_path / "x.npy", mmap_mode="r"), y) == logs(x, y)


def test_a_memory_map_is_checked_as_it_is_read(tmp_path):
    np.save(tmp_path / "x.npy", np.where(x == x[35], np.nan, x))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    with pytest.raises(ValueError, match=r"x holds NaN in 1 of 8 rows \(first: row 3\)"):
        network().fit(mapped, y, verbose=0, shuffle=False)


def test_read_only_data_and_data_left_as_it_was():
    fixed = [a.copy() for a in (x.astype(np.float32), y.astype(np.float32), np.ones(40))]
    for array in fixed:
        array.flags.writeable = False
    network().fit(fixed[0], fixed[1], sample_weight=fixed[2], verbose=0, validation_split=0.5)
    np.testing.assert_array_equal(fixed[0], x.astype(np.float32))


# --- what is refused ---


def message_of(kind: type[Exception], given_x: Any, given_y: Any = y, **options: Any) -> str:
    """The sentence, once it was raised and the weights are as they were."""
    model = network()
    before = model.get_weights()
    with pytest.raises(kind) as error:
        model.fit(given_x, given_y, verbose=0, **options)
    for own, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (np.nan, "NaN", "drop or fill"),
        (np.inf, "infinite numbers", "drop or clip"),
        (-np.inf, "infinite numbers", "drop or clip"),
        (1e300, "infinite numbers", "scale what overflows float32"),
    ],
)
def test_numbers_that_are_not_finite(value, what, remedy):
    bad = x.copy()
    bad[[7, 30], 1] = value
    text = message_of(ValueError, bad)
    assert f"x holds {what} in 2 of 40 rows (first: row 7)" in text
    assert remedy in text


@pytest.mark.parametrize("method", ["predict", "evaluate"])
def test_nan_also_where_nothing_is_trained(method):
    bad = np.where(x == x[5], np.nan, x)
    arguments = (bad,) if method == "predict" else (bad, y)
    with pytest.raises(ValueError, match=r"x holds NaN in 1 of 40 rows \(first: row 5\)"):
        getattr(network(), method)(*arguments, verbose=0)


def test_nan_in_y_and_sample_weight():
    bad = y.astype(float)
    bad[0] = np.nan
    assert "y holds NaN in 1 of 40 rows (first: row 0)" in message_of(ValueError, x, bad)
    text = message_of(ValueError, x, y, sample_weight=bad)
    assert "sample_weight holds NaN in 1 of 40 rows" in text


def test_missing_values_in_frames():
    frame = pd.DataFrame(x, columns=COLUMNS)
    frame.loc[3, "age"] = None
    assert "x holds NaN in 1 of 40 rows (first: row 3)" in message_of(ValueError, frame)
    assert "NaN" in message_of(ValueError, frame.astype({"age": object}))
    assert "NaN" in message_of(ValueError, [[1.0, None, 2.0]] * 40)


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_a_text_column_is_named(dtype):
    frame = pd.DataFrame(x, columns=COLUMNS)
    frame["city"] = pd.Series(["Rome", "Oslo"] * 20).astype(dtype)
    frame["country"] = pd.Series(["IT", "NO"] * 20).astype(dtype)
    text = message_of(TypeError, frame)
    assert "x holds text or objects in column city, country, not numbers" in text
    assert "get_dummies" in text


def test_other_columns_that_are_no_numbers():
    frame = pd.DataFrame(x, columns=COLUMNS)
    frame["day"] = pd.Timestamp("2024-01-01")
    assert "in column day" in message_of(TypeError, frame)


@pytest.mark.parametrize(
    "given",
    [
        np.array([["a", "b", "c"]] * 40),
        np.array([["1", "2", "3"]] * 40),
        np.array([["1", "2", "3"]] * 40, dtype=object),
        [["1", "2", "3"]] * 40,
        np.array([[b"1", b"2", b"3"]] * 40, dtype=object),
        x + 1j,
        np.full((40, 3), np.datetime64("2024-01-01")),
        np.full((40, 3), object()),
    ],
    ids=["text", "digits", "objects", "list", "bytes", "complex", "dates", "anything"],
)
def test_what_is_no_number(given):
    text = message_of(TypeError, given)
    assert text.startswith("x holds ")
    assert "not numbers" in text


def test_text_labels():
    text = message_of(TypeError, x, np.where(y == 1, "yes", "no"))
    assert text.startswith("y holds ")


def test_rows_of_unequal_length():
    assert "x needs rows of equal length" in message_of(ValueError, [[1, 2, 3], [4, 5]] * 20)


@pytest.mark.parametrize("given", [3.0, np.float32(3)])
def test_no_axis_of_samples(given):
    assert "x needs an axis of samples" in message_of(ValueError, given)


@pytest.mark.parametrize(
    "given", [np.zeros((0, 3)), pd.DataFrame(columns=COLUMNS, dtype=float), []]
)
def test_no_samples(given):
    assert "x holds no samples" in message_of(ValueError, given, y[:0])
