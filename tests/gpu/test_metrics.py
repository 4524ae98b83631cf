"""Every metric on the GPU: the numbers of the CPU; batches are added without waiting for them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import metrics
from nnscratch_kernels.devices import is_on_gpu
from tests.keras_cases import DTYPES, arrays, case
from tests.metrics.test_against_keras import (
    CLASSES,
    DECISIONS,
    OF_ANY_RANK,
    OF_MATRICES,
    quarters,
)

OURS = [
    case("ConfusionMatrix", "labels", "distribution"),
    case("ConfusionMatrix", "one_hot", "distribution"),
    case("SparseCategoricalCrossentropy", "labels", "distribution", ignore_class=1),
    case("SparseTopKCategoricalAccuracy", "labels", "ties", k=2),
]
OF_NUMBERS = [case("Mean", "numbers", "numbers"), case("Sum", "numbers", "numbers")]
ALL = [*OF_ANY_RANK, *DECISIONS, *OF_MATRICES, *OURS]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}

every_case = pytest.mark.parametrize("case", ALL, ids=str)
weighted = pytest.mark.parametrize("weights", [None, (), (1,)], ids=["none", "(N,)", "(N, 1)"])


def batches(case, weights, dtype):
    """Three batches of different sizes, on the host."""
    if case.name in ("R2Score", "F1Score", "FBetaScore") and weights == (1,):
        weights = ()
    for number, samples in enumerate((9, 5, 12)):
        y_pred = arrays(case.predictions, (samples, CLASSES), 2 * number + 1)
        yield (
            arrays(case.targets, (samples, CLASSES), 2 * number),
            y_pred if y_pred.dtype.kind == "i" else y_pred.astype(dtype),
            None if weights is None else quarters((samples, *weights), number),
        )


def on_gpu(cupy, arrays):
    return [None if array is None else cupy.asarray(array) for array in arrays]


def make(case):
    return getattr(metrics, case.name)(**case.options)


def assert_same(found, expected, dtype=np.float64):
    assert type(found) is type(expected)
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert np.asarray(found).dtype == np.asarray(expected).dtype


@DTYPES
@weighted
@every_case
def test_streams(cupy, host_copies, case, weights, dtype):
    here, there = make(case), make(case)
    for batch in batches(case, weights, dtype):
        here.update_state(*batch)
        with host_copies() as counted:
            there.update_state(*on_gpu(cupy, batch))
        assert not counted.copies
        assert not counted.synchronizations
        with host_copies() as counted:
            result = there.result()
        assert len(counted.copies) == 1
        assert_same(result, here.result(), dtype)
    there.reset_state()
    here.reset_state()
    batch = next(batches(case, weights, dtype))
    assert_same(there(*on_gpu(cupy, batch)), here(*batch), dtype)


@every_case
def test_several_batches_before_the_result(cupy, case):
    here, there = make(case), make(case)
    for batch in batches(case, (), np.float64):
        here.update_state(*batch)
        there.update_state(*on_gpu(cupy, batch))
    assert_same(there.result(), here.result())


@pytest.mark.parametrize("weights", [None, (9,), (9, 4)])
@pytest.mark.parametrize("case", OF_NUMBERS, ids=str)
def test_numbers(cupy, host_copies, case, weights):
    values = arrays("numbers", (9, 4), 0)
    w = None if weights is None else quarters(weights, 1)
    here, there = make(case), make(case)
    here.update_state(values, w)
    with host_copies() as counted:
        there.update_state(*on_gpu(cupy, (values, w)))
    assert not counted.copies
    assert_same(there.result(), here.result())


@every_case
def test_a_state_goes_on_on_either_device(cupy, case):
    """State of each device continued on each device, and moved in between by `to`."""
    first, second, _ = batches(case, (), np.float64)
    here = make(case)
    here.update_state(*first)
    there = make(case)
    there.update_state(*on_gpu(cupy, first))
    states = copy.deepcopy([here.get_state(), there.get_state()])
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert type(states[1][name]) is type(value)
        np.testing.assert_allclose(states[1][name], value, rtol=1e-12)
    here.update_state(*second)
    for state in states:
        for batch in (second, on_gpu(cupy, second)):
            metric = make(case)
            if hasattr(metric, "num_labels"):
                metric.num_labels = state.get("num_labels")
            metric.set_state(copy.deepcopy(state))
            metric.update_state(*batch)
            assert_same(metric.result(), here.result())
    there.to("cpu")
    assert not any(is_on_gpu(value) for value in vars(there).values())
    there.update_state(*second)
    assert_same(there.result(), here.result())
    assert there.to("gpu").to("cpu") is there
    assert_same(there.result(), here.result())


def test_a_copy_keeps_what_was_added(cupy):
    metric = metrics.MeanSquaredError()
    metric.update_state(cupy.ones((3, 2)), cupy.zeros((3, 2)))
    assert copy.deepcopy(metric).result() == metric.result() == 1.0


def test_functions_of_arrays(cupy):
    y_true, y_pred = arrays("binary", (9, 1), 0), arrays("probability", (9, 1), 1)
    expected = metrics.binary_accuracy(y_true, y_pred)
    np.testing.assert_array_equal(
        metrics.binary_accuracy(*on_gpu(cupy, (y_true, y_pred))).get(), expected
    )
    wrapped = metrics.MeanMetricWrapper(lambda y, p: np.abs(y - p))
    assert wrapped(*on_gpu(cupy, (y_true, y_pred))) == pytest.approx(np.abs(y_true - y_pred).mean())


def test_a_metric_of_the_users_own(cupy):
    class Largest(ns.metrics.Metric):
        def reset_state(self):
            self.largest = 0.0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.largest = np.maximum(np.max(np.abs(y_true - y_pred)), self.largest)

        def result(self):
            return self.largest

    model = ns.models.Sequential([ns.layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse", metrics=[Largest(name="largest")])
    x, y = np.ones((6, 3)), np.ones((6, 1))
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    found = model.to("gpu").evaluate(x, y, verbose=0, return_dict=True)
    assert {name: type(value) for name, value in found.items()} == {"loss": float, "largest": float}
    assert found == pytest.approx(expected, rel=1e-6)
    assert not is_on_gpu(model.to("cpu").metrics[1].largest)
