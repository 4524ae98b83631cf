"""Every loss on the GPU: value and gradient as on the CPU, and nothing copied back."""

from __future__ import annotations

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import losses
from tests.keras_cases import DTYPES, arrays
from tests.losses.test_against_keras import CASES, REDUCTIONS

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}
SHAPE = (6, 5, 4)

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_reduction = pytest.mark.parametrize("reduction", [r for r in REDUCTIONS if r is not None])


def weights_of(shape):
    return np.random.default_rng(3).uniform(0, 2, shape)


def inputs_of(case, dtype):
    y_true = arrays(case.targets, SHAPE, 2)
    y_true = y_true if y_true.dtype.kind == "i" else y_true.astype(dtype)
    return y_true, arrays(case.predictions, SHAPE, 1).astype(dtype)


def value_and_gradient(loss, y_true, y_pred, weights):
    prediction = ns.Tensor(y_pred, requires_grad=True)
    value = loss(y_true, prediction, weights)
    value.sum().backward()
    return value, prediction.grad


def assert_same(there, here, dtype):
    for one, other in zip(there, here, strict=True):
        assert one.device == "gpu:0"
        assert one.dtype == other.dtype == dtype
        tolerance, expected = TOLERANCE[dtype], other.numpy()
        largest = np.abs(expected).max(initial=0)
        np.testing.assert_allclose(one.numpy(), expected, rtol=tolerance, atol=tolerance * largest)


@DTYPES
@pytest.mark.parametrize("weights", [None, (), SHAPE[:1], SHAPE[:2], (1, SHAPE[1])], ids=str)
@every_reduction
@every_case
def test_value_and_gradient(cupy, host_copies, case, reduction, weights, dtype):
    if case.options.get("axis") == 1 and weights in (SHAPE[:2], (1, SHAPE[1])):
        weights = SHAPE[:1]  # the losses have another inner axis
    given = None if weights is None else weights_of(weights)
    y_true, y_pred = inputs_of(case, dtype)
    loss = getattr(losses, case.name)(reduction=reduction, **case.options)
    there = [None if a is None else cupy.asarray(a) for a in (y_true, y_pred, given)]
    if weights == ():
        there[2] = float(given)
    with host_copies() as counted:
        found = value_and_gradient(loss, *there)
    assert not counted.copies
    assert not counted.synchronizations
    assert_same(found, value_and_gradient(loss, y_true, y_pred, given), dtype)


@DTYPES
@pytest.mark.parametrize("name", ["binary_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_activations_are_seen_through(cupy, name, weighted, dtype):
    results = []
    for bring in (np.asarray, cupy.asarray):
        logits = ns.Tensor(bring(arrays("numbers", (6, 3), 0).astype(dtype)), requires_grad=True)
        squash = ns.ops.sigmoid if name.startswith("binary") else ns.ops.softmax
        weights = bring(weights_of(6)) if weighted else None
        value = losses.get(name)(bring(arrays("one_hot", (6, 3), 1)), squash(logits), weights)
        value.backward()
        results.append((value, logits.grad))
    assert_same(results[1], results[0], dtype)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0]])
def test_weights_that_sum_to_zero(cupy, weights):
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    y_true, y_pred = np.zeros((2, 1)), np.array([[1.0], [2.0]])
    assert loss(y_true, y_pred, np.array(weights)) == 0
    found = loss(*(cupy.asarray(a) for a in (y_true, y_pred, np.array(weights))))
    assert found.get() == 0


def test_no_sample_that_counts(cupy):
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0)
    prediction = ns.Tensor(cupy.full((3, 4), 0.25), requires_grad=True)
    value = loss(cupy.zeros(3, np.int64), prediction)
    value.backward()
    assert value.item() == 0
    np.testing.assert_array_equal(prediction.grad.numpy(), np.zeros((3, 4)))


@pytest.mark.parametrize("from_logits", [False, True])
def test_a_label_that_is_no_class_gives_nan(cupy, from_logits):
    loss = losses.SparseCategoricalCrossentropy(from_logits, reduction="none")
    prediction = cupy.full((3, 4), 0.25)
    found = loss(cupy.asarray([0, 4, -1]), prediction).get()
    np.testing.assert_array_equal(np.isnan(found), [False, True, True])


def test_checks_of_targets_see_arrays_of_the_gpu(cupy):
    with pytest.raises(ValueError, match="labels are"):
        losses.get("sparse_categorical_crossentropy").check_targets(cupy.asarray([0, 3]), (2, 3))
    with pytest.raises(ValueError, match=r"got 0\.5: labels are whole numbers"):
        losses.get("sparse_categorical_crossentropy").check_targets(cupy.asarray([0, 0.5]), (2, 3))
    with pytest.raises(ValueError, match="targets are 0 or 1"):
        losses.get("binary_crossentropy").check_targets(cupy.asarray([[0], [3]]), (2, 1))
