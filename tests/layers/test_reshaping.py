"""Flatten, Reshape, Permute, RepeatVector and pooling: unknown lengths, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch.layers import (
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    Permute,
    RepeatVector,
    Reshape,
)

x = np.arange(24.0).reshape(2, 3, 4)


def test_an_empty_batch():
    assert Flatten()(x[:0]).shape == (0, 12)
    assert Reshape((-1, 2))(x[:0]).shape == (0, 6, 2)
    assert Permute((2, 1))(x[:0]).shape == (0, 4, 3)
    assert RepeatVector(2)(x[:0, 0]).shape == (0, 2, 4)


def test_lengths_that_are_not_known():
    unknown = (None, None, 4)
    assert Flatten().compute_output_shape(unknown) == (None, None)
    assert Reshape((-1, 2)).compute_output_shape(unknown) == (None, None, 2)
    assert Reshape((6, 2)).compute_output_shape(unknown) == (None, 6, 2)
    assert Permute((2, 1))(Input((None, 4))).shape == (None, 4, None)
    assert GlobalAveragePooling1D()(Input((None, 4))).shape == (None, 4)


@pytest.mark.parametrize(
    ("target_shape", "message"),
    [
        ((5, 2), r"'r' cannot give samples of shape \(3, 4\), of 12 elements, the shape \(5, 2\)"),
        (
            (-1, 5),
            r"'r' cannot give samples of shape \(3, 4\), of 12 elements, the shape \(-1, 5\)",
        ),
        ((-1, -1), "'r' takes at most one -1 in target_shape"),
        ((0, 2), "'r' needs a positive integer for target_shape, got 0"),
        ((2.0, 6), "'r' needs a positive integer for target_shape, got 2.0"),
    ],
)
def test_a_shape_that_does_not_fit(target_shape, message):
    with pytest.raises(ValueError, match=message):
        Reshape(target_shape, name="r")(x)


@pytest.mark.parametrize("dims", [(0, 1), (1, 3), (1, 1)])
def test_dims_that_are_no_order(dims):
    with pytest.raises(ValueError, match="'p' needs each of 1 to 2 once in dims, got"):
        Permute(dims, name="p")


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (Permute((1, 2, 3), name="l"), x),
        (RepeatVector(2, name="l"), x),
        (GlobalAveragePooling1D(name="l"), x[0]),
        (GlobalMaxPooling1D(name="l"), x[0]),
    ],
)
def test_another_number_of_axes(layer, inputs):
    with pytest.raises(ValueError, match=r"'l' needs inputs of \d axes, the batch axis included"):
        layer(inputs)
    with pytest.raises(ValueError, match=r"'l' needs inputs of \d axes, the batch axis included"):
        layer(Input(inputs.shape[1:]))


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_a_bad_count(n):
    with pytest.raises(ValueError, match="'r' needs a positive integer for n, got"):
        RepeatVector(n, name="r")


@pytest.mark.parametrize("kind", [Flatten, GlobalMaxPooling1D])
def test_an_unknown_format(kind):
    with pytest.raises(ValueError, match="takes data_format='channels_last' or 'channels_first'"):
        kind(data_format="channels_middle")


def test_equally_large_steps_share_the_gradient():
    import nnscratch as ns

    inputs = ns.Tensor(np.array([[[1.0], [1.0], [0.0]]]), requires_grad=True)
    GlobalMaxPooling1D(dtype="float64")(inputs).sum().backward()
    np.testing.assert_array_equal(inputs.grad.numpy(), [[[0.5], [0.5], [0.0]]])
