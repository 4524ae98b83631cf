"""Initial weights: Keras's formulas, seeds, dtypes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch import initializers

SHAPES = [(20, 64), (64, 1), (3, 3, 8, 16), (5,), ()]


@pytest.mark.parametrize("name", ["zeros", "ones", "glorot_uniform"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shape_and_dtype(name, dtype, shape):
    values = initializers.get(name)(shape, dtype)
    assert values.shape == shape
    assert values.dtype == dtype
    assert np.isfinite(values).all()


@pytest.mark.parametrize(("name", "value"), [("zeros", 0), ("ones", 1)])
def test_constants(name, value):
    np.testing.assert_array_equal(initializers.get(name)((2, 3)), np.full((2, 3), value))


@pytest.mark.parametrize("shape", [(20, 64), (64, 1), (3, 3, 8, 16), (500,)], ids=str)
def test_glorot_uniform_is_spread_as_keras_spreads_it(shape):
    """Both fill the same interval evenly."""
    draws = 20000 // int(np.prod(shape)) + 1
    ours = np.array([initializers.GlorotUniform()(shape) for _ in range(draws)])
    initializer = keras.initializers.GlorotUniform(seed=0)
    theirs = np.array([keras.ops.convert_to_numpy(initializer(shape, "float32")) for _ in range(1)])
    fan_in, fan_out = initializers.fans(shape)
    limit = np.sqrt(6 / (fan_in + fan_out))
    assert np.abs(theirs).max() <= limit * (1 + 1e-6)
    assert 0.99 * limit < np.abs(ours).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose(ours.mean(), 0, atol=0.02 * limit)
    np.testing.assert_allclose(ours.std(), limit / np.sqrt(3), rtol=0.02)
    if theirs.size > 1000:
        np.testing.assert_allclose(theirs.std(), ours.std(), rtol=0.05)


@pytest.mark.parametrize("shape", [*SHAPES, (7, 5, 3)], ids=str)
def test_fans_are_those_of_keras(shape):
    from keras.src.initializers.random_initializers import compute_fans

    assert initializers.fans(shape) == compute_fans(shape)


def test_a_seed_fixes_the_numbers():
    first, again = initializers.GlorotUniform(seed=3), initializers.GlorotUniform(seed=3)
    np.testing.assert_array_equal(first((4, 5)), again((4, 5)))
    assert not np.array_equal(first((4, 5)), initializers.GlorotUniform(seed=4)((4, 5)))


def test_without_a_seed_the_global_generator_draws():
    ns.random.seed(1)
    first, second = initializers.get("glorot_uniform")((4, 5)), initializers.GlorotUniform()((4, 5))
    ns.random.seed(1)
    np.testing.assert_array_equal(initializers.GlorotUniform()((4, 5)), first)
    assert not np.array_equal(first, second)


def test_a_function_of_shape_and_dtype():
    layer = ns.layers.Dense(2, kernel_initializer=lambda shape, dtype: np.full(shape, 7, dtype))
    layer(np.zeros((1, 3)))
    np.testing.assert_array_equal(layer.kernel.numpy(), np.full((3, 2), 7))


def test_unknown_names_are_told_when_the_layer_is_declared():
    with pytest.raises(ValueError, match="no initializer called 'glorot'; did you mean"):
        ns.layers.Dense(2, kernel_initializer="glorot")
    with pytest.raises(ValueError, match="no initializer called 'zero'; did you mean zeros"):
        ns.layers.Dense(2, bias_initializer="zero")
