"""The kernels of losses against PyTorch, on every dtype, layout and edge value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nnscratch_kernels.numpy_kernels import loss_functions as kernels

DTYPES = [np.float32, np.float64]


def unchanged(function: Any, *arrays: Any, **options: Any) -> Any:
    """The result, once the inputs are seen to be as they were."""
    copies = [array.copy() for array in arrays]
    result = function(*arrays, **options)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    return result


def layouts(array: Any) -> list[Any]:
    """The same numbers: C, Fortran, with strides, backwards, read-only."""
    fixed = array.copy()
    fixed.flags.writeable = False
    wide = np.repeat(array, 2, axis=-1)[..., ::2]
    return [array, np.asfortranarray(array), wide, array[::-1].copy()[::-1], fixed]


LOGITS = np.array([-1e30, -200.0, -30.0, -1.0, -0.0, 0.0, 1e-30, 1.0, 30.0, 200.0, 1e30])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_crossentropy_from_logits(dtype, target):
    logits = LOGITS.astype(dtype)
    targets = np.full_like(logits, target)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(logits), torch.from_numpy(targets), reduction="none"
    ).numpy()
    for z in layouts(logits):
        loss = unchanged(kernels.binary_crossentropy_from_logits, targets, z)
        assert loss.dtype == dtype
        np.testing.assert_allclose(loss, expected, rtol=1e-6, atol=1e-12)
        mean = unchanged(kernels.mean_binary_crossentropy_from_logits, targets, z)
        assert mean.dtype == dtype
        np.testing.assert_allclose(mean, expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sure_and_right_answer_keeps_its_digits(dtype):
    z = np.array([3, 10, 20, 80], dtype)
    expected = np.log1p(np.exp(-z.astype(float)))
    for targets, logits in ((np.ones_like(z), z), (np.zeros_like(z), -z)):
        loss = kernels.binary_crossentropy_from_logits(targets, logits)
        np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_binary_crossentropy_lets_nan_through():
    nan = np.array([np.nan])
    assert np.isnan(kernels.binary_crossentropy_from_logits(np.ones(1), nan)).all()
    assert np.isnan(kernels.mean_binary_crossentropy_from_logits(np.ones(1), nan))
