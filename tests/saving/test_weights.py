"""Weights alone: saved, and loaded into a model that is there already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import nnscratch as ns
from nnscratch import layers
from nnscratch.saving.tensor_file import TensorFile
from tests.saving.round_trip import (
    Subclassed,
    assert_same_weights,
    classifier,
    classifier_with_input,
    x,
    y,
)


def test_weights_come_back_whatever_the_layers_are_called(path):
    model, other = classifier_with_input(), classifier_with_input()
    model.save_weights(path)
    other.load_weights(path)
    assert_same_weights(model, other)
    names = list(safetensors.numpy.load_file(path))
    assert sorted(names) == sorted(
        f"weights/{layer.name}/{name}" for layer in model.layers for name in ("kernel", "bias")
    )


def test_weights_come_from_a_whole_model_too(path):
    model, other = classifier(), classifier()
    model.fit(x, y, verbose=0)
    other(x)
    model.save(path)
    other.load_weights(path)
    assert_same_weights(model, other)


def test_weights_that_lie_in_an_optimizers_buffer_are_overwritten_there(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.save_weights(path)
    saved = model.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    model.load_weights(path)
    for own, array in zip(model.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(own, array)
    model.fit(x, y, verbose=0)
    assert not np.array_equal(model.get_weights()[0], saved[0])


OTHER_ARCHITECTURES = {
    "other units": ([layers.Dense, 5], [layers.Dense, 1], r"\(6, 4\).*\(6, 5\)"),
    "fewer layers": ([layers.Dense, 4], None, "no further weight"),
    "other inputs": ([layers.Dense, 4], [layers.Dense, 2], r"\(4, 1\).*\(4, 2\)"),
}


@pytest.mark.parametrize("kind", OTHER_ARCHITECTURES)
def test_weights_of_another_architecture_name_layer_and_shapes_and_change_nothing(path, kind):
    *made, told = OTHER_ARCHITECTURES[kind]
    ns.Sequential(
        [ns.layers.Input((6,)), *(one[0](one[1]) for one in made if one)]  # type: ignore[list-item]
    ).save_weights(path)
    model = classifier_with_input()
    before = model.get_weights()
    with pytest.raises(ValueError, match=told) as caught:
        model.load_weights(path)
    message = str(caught.value)
    assert any(repr(layer.name) in message for layer in model.layers)
    assert "another architecture" in message
    assert str(path) in message
    for own, array in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, array)


def test_further_layers_in_the_file_are_told_of(path):
    ns.Sequential(
        [ns.layers.Input((6,)), layers.Dense(4), layers.Dense(1), layers.Dense(3, name="third")]
    ).save_weights(path)
    with pytest.raises(
        ValueError, match="no further weight, the file has 'kernel' of layer 'third'"
    ):
        classifier_with_input().load_weights(path)


def test_weights_of_another_dtype_are_refused(path):
    ns.Sequential([layers.Dense(4, input_shape=(6,), dtype="float64")]).save_weights(path)
    model = ns.Sequential([layers.Dense(4, input_shape=(6,))])
    with pytest.raises(ValueError, match=r"dtype float32, the file has .* dtype float64"):
        model.load_weights(path)


def test_weights_alone_are_no_model(path):
    classifier_with_input().save_weights(path)
    with pytest.raises(ValueError, match=r"holds no model.*load_weights"):
        ns.load_model(path)


@pytest.mark.parametrize("method", ["save", "save_weights", "load_weights"])
def test_a_model_without_weights_yet_says_so(path, method):
    classifier_with_input().save_weights(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="has no weights yet"):
        getattr(ns.Sequential([layers.Dense(4)]), method)(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_a_file_that_must_stay_stays(path, method):
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is there already"):
        getattr(classifier_with_input(), method)(path, overwrite=False)
    assert path.read_text() == "precious"


def test_weights_of_one_name_in_one_layer_keep_apart(path):
    class Twice(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.first = self.add_weight((2,), "normal")
            self.second = self.add_weight((2,), "normal")

        def call(self, inputs: Any) -> Any:
            return inputs * self.first + self.second

    model = ns.Sequential([Twice(input_shape=(2,), name="twice")])
    model.save_weights(path)
    with TensorFile(path) as file:
        assert list(file.entries) == ["weights/twice/weight", "weights/twice/weight#2"]
    saved = model.get_weights()
    model.set_weights([np.zeros(2), np.zeros(2)])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights(), saved)


def test_the_weights_of_a_subclassed_model_come_back(path):
    model, other = Subclassed(), Subclassed()
    model(x)
    other(x)
    model.save_weights(path)
    other.load_weights(path)
    assert_same_weights(model, other)
