"""Rescaling and Normalization: adapting to arrays, frames and streams; what they refuse."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

import nnscratch as ns
from nnscratch.layers import Dense, Input, Normalization, Rescaling

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

data = np.random.default_rng(0).normal([1.0, -20.0, 300.0], [1.0, 5.0, 0.1], size=(500, 3))


def adapted(**options) -> Normalization:
    layer = Normalization(dtype="float64", **options)
    layer.adapt(data)
    return layer


# --- adapt ---


@pytest.mark.parametrize("options", [{}, {"axis": None}, {"invert": True}, {"axis": (1,)}], ids=str)
@pytest.mark.usefixtures("keras_in_double_precision")
def test_adapt_as_keras_does(options):
    theirs = keras.layers.Normalization(**options, dtype="float64")
    theirs.adapt(data)
    ours = adapted(**options)
    np.testing.assert_allclose(ours.mean.numpy(), theirs.adapt_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.variance.numpy(), theirs.adapt_variance.numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours(data), theirs(data).numpy(), rtol=1e-9, atol=1e-10)


def test_several_axes():
    images = np.random.default_rng(1).normal(size=(20, 4, 5, 3))
    layer = Normalization(axis=(3, 1), dtype="float64")
    layer.adapt(images)
    np.testing.assert_allclose(layer.mean.numpy(), images.mean(axis=(0, 2)), rtol=1e-10)
    np.testing.assert_allclose(layer.variance.numpy(), images.var(axis=(0, 2)), rtol=1e-10)
    result = layer(images)
    np.testing.assert_allclose(result.mean(axis=(0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(result.std(axis=(0, 2)), 1, rtol=1e-12)


@pytest.mark.parametrize(
    "given",
    [
        lambda: data.tolist(),
        lambda: pd.DataFrame(data),
        lambda: ns.Tensor(data),
        lambda: [data[:100], data[100:]],
        lambda: (data[start : start + 64] for start in range(0, 500, 64)),
        lambda: ((data[start : start + 50], np.zeros(50)) for start in range(0, 500, 50)),
        lambda: [ns.Tensor(data[:499]), ns.Tensor(data[499:])],
    ],
    ids=["lists", "frame", "tensor", "batches", "generator", "pairs", "tensors"],
)
def test_data_of_every_kind(given):
    layer = Normalization(dtype="float64")
    layer.adapt(given())
    np.testing.assert_allclose(layer.mean.numpy(), data.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.variance.numpy(), data.var(axis=0), rtol=1e-9)


def test_more_rows_than_are_read_at_once(tmp_path):
    rows = np.random.default_rng(2).normal(5, 2, size=(150_000, 2)).astype(np.float32)
    stored = np.memmap(tmp_path / "rows.bin", np.float32, "w+", shape=rows.shape)
    stored[:] = rows
    layer = Normalization()
    layer.adapt(stored)
    np.testing.assert_allclose(layer.mean.numpy(), rows.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(
        layer.variance.numpy(), rows.var(axis=0, dtype=np.float64), rtol=1e-6
    )


def test_a_second_adapt_starts_anew():
    layer = adapted()
    layer.adapt(data * 2 + 1)
    np.testing.assert_allclose(layer.mean.numpy(), data.mean(axis=0) * 2 + 1, rtol=1e-12)


def test_there_and_back():
    back = Normalization(invert=True, dtype="float64")
    back.adapt(data)
    np.testing.assert_allclose(back(adapted()(data)), data, rtol=1e-10)


def test_whole_numbers():
    layer = Normalization()
    layer.adapt(np.array([[1, 2], [3, 6]]))
    result = layer(np.array([[1, 2], [3, 6]]))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [[-1, -1], [1, 1]], rtol=1e-6)


def test_a_constant_feature_becomes_zero():
    layer = Normalization()
    layer.adapt(np.full((5, 2), 3.0))
    np.testing.assert_array_equal(layer(np.full((2, 2), 3.0)), np.zeros((2, 2)))


def test_the_statistics_are_weights_that_are_not_trained():
    layer = adapted()
    assert [w.name for w in layer.weights] == ["mean", "variance"]
    layer.trainable = False
    layer.trainable = True
    assert layer.trainable_weights == []
    inputs = ns.Tensor(data, requires_grad=True)
    layer(inputs).sum().backward()
    expected = np.broadcast_to(1 / data.std(axis=0), data.shape)
    np.testing.assert_allclose(inputs.grad.numpy(), expected, rtol=1e-9)


def test_in_front_of_a_network():
    layer = Normalization()
    layer.adapt(data)
    model = ns.Sequential([Input((3,)), layer, Dense(1)])
    before = layer.get_weights()
    model.compile("sgd", "mse")
    history = model.fit(data, data[:, 1:2] / 5, epochs=20, verbose=0).history
    assert history["loss"][-1] < 0.1 * history["loss"][0]
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_given_statistics_survive_the_configuration():
    layer = Normalization(mean=data.mean(axis=0), variance=data.var(axis=0))
    again = Normalization.from_config(layer.get_config(), {})
    np.testing.assert_array_equal(again(data), layer(data))
    assert layer.weights == []


# --- what is refused ---


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (np.array([["a", "b", "c"]]), TypeError, "'n' adapts to numbers, got <U1: encode text"),
        ([["a", "b", "c"]], TypeError, "'n' adapts to numbers, got <U1: encode text"),
        (np.array([[1.0, np.nan, 2.0]]), ValueError, "'n' cannot adapt to data with NaN or inf"),
        (np.array([[1.0, np.inf, 2.0]]), ValueError, "'n' cannot adapt to data with NaN or inf"),
        (np.zeros((0, 3)), ValueError, "'n' cannot adapt to no data: give at least one row"),
        ([], ValueError, "'n' cannot adapt to no data"),
        (iter(()), ValueError, "'n' cannot adapt to no data"),
        (np.zeros((4, 2)), ValueError, r"'n' was built for inputs of shape \(None, 3\), got"),
        ([data, data[:, :2]], ValueError, r"'n' was built for inputs of shape \(None, 3\), got"),
    ],
)
def test_bad_data_leaves_the_statistics(wrong, error, message):
    layer = adapted(name="n")
    before = layer.get_weights()
    with pytest.raises(error, match=message):
        layer.adapt(wrong)
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": 1.0}, "'n' got only one of mean and variance"),
        ({"variance": 1.0}, "'n' got only one of mean and variance"),
        ({"mean": 1.0, "variance": -1.0}, "'n' got a negative variance"),
    ],
)
def test_bad_statistics(options, message):
    with pytest.raises(ValueError, match=message):
        Normalization(name="n", **options)


def test_statistics_of_another_shape():
    layer = Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0], name="n")
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2,\) for features of shape \(3,\)"):
        layer(data)


def test_adapt_with_given_statistics():
    with pytest.raises(ValueError, match="'n' was given mean and variance: leave them away"):
        Normalization(mean=0.0, variance=1.0, name="n").adapt(data)


def test_one_axis_needs_axis_none():
    with pytest.raises(ValueError, match=r"'n' cannot work along axis 0 .* batch axis"):
        Normalization(name="n").adapt(data[:, 0])
    layer = Normalization(axis=None)
    layer.adapt(data[:, 0])
    np.testing.assert_allclose(layer.mean.item(), data[:, 0].mean(), rtol=1e-6)


def test_another_number_of_features():
    with pytest.raises(ValueError, match=r"'n' was built for inputs of shape \(None, 3\), got an"):
        adapted(name="n")(data[:, :2])


# --- rescaling ---


def test_images():
    images = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    result = Rescaling(1 / 255)(images)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, images / 255, rtol=1e-6)
    np.testing.assert_allclose(
        Rescaling(1 / 127.5, offset=-1)(images), images / 127.5 - 1, rtol=1e-5
    )


def test_rescaling_with_arrays_survives_the_configuration():
    layer = Rescaling(np.array([1.0, 2.0, 3.0]), offset=np.float32(0.5))
    again = Rescaling.from_config(layer.get_config(), {})
    np.testing.assert_array_equal(again(data), layer(data))
