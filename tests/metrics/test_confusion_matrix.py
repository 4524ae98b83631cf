"""The confusion matrix against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from nnscratch.metrics import ConfusionMatrix

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(3, size=20)
SCORES = GENERATOR.random((20, 3))
WEIGHTS = GENERATOR.uniform(0, 2, 20)


@pytest.mark.parametrize("targets", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_batches_of_classes(targets):
    metric = ConfusionMatrix()
    metric.update_state(targets[:7], SCORES[:7])
    metric.update_state(targets[7:], SCORES[7:])
    expected = confusion_matrix(LABELS, SCORES.argmax(axis=1))
    assert metric.result().dtype == np.int64
    np.testing.assert_array_equal(metric.result(), expected)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_one_output(shape):
    labels, scores = LABELS > 0, SCORES[:, 0]
    result = ConfusionMatrix(threshold=0.3)(labels, scores.reshape(shape))
    np.testing.assert_array_equal(result, confusion_matrix(labels, scores > 0.3))


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_weights(shape):
    result = ConfusionMatrix()(LABELS, SCORES, WEIGHTS.reshape(shape))
    expected = confusion_matrix(LABELS, SCORES.argmax(axis=1), sample_weight=WEIGHTS)
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_an_inner_axis():
    result = ConfusionMatrix()(LABELS.reshape(5, 4), SCORES.reshape(5, 4, 3))
    np.testing.assert_array_equal(result, ConfusionMatrix()(LABELS, SCORES))


def test_a_result_does_not_change_with_the_next_batch():
    metric = ConfusionMatrix()
    first = metric(LABELS, SCORES)
    first_sum = first.sum()
    metric(LABELS, SCORES)
    assert first.sum() == first_sum == 20


def test_another_number_of_classes():
    metric = ConfusionMatrix()
    metric.update_state(LABELS, SCORES)
    with pytest.raises(ValueError, match="got predictions of 2 classes after batches of 3"):
        metric.update_state(LABELS > 0, SCORES[:, :2])
    metric.reset_state()
    assert metric.result().shape == (0, 0)
    metric.update_state(LABELS > 0, SCORES[:, :2])
