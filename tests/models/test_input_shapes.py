"""Inputs of another shape than the model's: which fit all the same, as in Keras, and which not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def models(module: Any, features: int) -> list[Any]:
    inputs = module.layers.Input((features,))
    functional = module.Model(inputs, module.layers.Dense(2)(inputs))
    sequential = module.Sequential([module.layers.Input((features,)), module.layers.Dense(2)])
    sequential.set_weights(functional.get_weights())
    return [functional, sequential]


@pytest.mark.parametrize(
    ("features", "shape"),
    [(1, (5,)), (1, (5, 1, 1)), (4, (5, 4, 1)), (4, (5, 4))],
)
def test_a_last_axis_of_one_more_or_less(features, shape):
    x = np.random.default_rng(0).normal(size=shape)
    for ours, theirs in zip(models(ns, features), models(keras, features), strict=True):
        theirs.set_weights(ours.get_weights())
        np.testing.assert_allclose(
            ours.predict(x), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("shape", [(4,), (5, 1, 4), (5, 2, 4), (5, 3), (4, 1, 1, 1)])
@pytest.mark.parametrize("module", [keras, ns], ids=["keras", "ours"])
def test_other_shapes_are_refused(module, shape):
    for model in models(module, 4):
        with pytest.raises(ValueError, match="shape") as error:
            model.predict(np.ones(shape), verbose=0)
        if module is ns:
            assert "4" in str(error.value)
            assert str(shape) in str(error.value)


def test_one_sample_needs_an_axis():
    for model in models(ns, 4):
        with pytest.raises(ValueError, match=r"for one sample write x\[np\.newaxis\]"):
            model.predict(np.ones(4))
