"""The estimators pass scikit-learn's own checks, every one, and work where its users put them."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nnscratch.sklearn import NNClassifier, NNRegressor


@parametrize_with_checks([NNClassifier(), NNRegressor()])
def test_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_pipeline_and_cross_validation():
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NNClassifier(epochs=30, random_state=0))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.92


def test_grid_search_chooses_a_network_that_learns():
    x, y = load_iris(return_X_y=True)
    search = GridSearchCV(
        NNClassifier(epochs=20, random_state=0), {"learning_rate": [1e-6, 0.01]}, cv=3
    )
    search.fit(x, y)
    assert search.best_params_ == {"learning_rate": 0.01}


def test_regression_explains_what_a_linear_model_does():
    x, y = load_diabetes(return_X_y=True)
    network = NNRegressor(hidden_layer_sizes=(16,), epochs=30, learning_rate=0.003, random_state=0)
    assert cross_val_score(make_pipeline(StandardScaler(), network), x, y, cv=3).mean() > 0.4


def test_labels_may_be_strings():
    x, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    classifier = NNClassifier(epochs=20, random_state=0).fit(x, names)
    assert set(classifier.predict(x)) <= set(names)
    assert list(classifier.feature_names_in_) == list(x.columns)


def test_several_targets_are_predicted_at_once():
    x, y = load_diabetes(return_X_y=True)
    both = np.stack([y, -y], axis=1)
    network = NNRegressor(epochs=5, random_state=0).fit(x, both)
    assert network.predict(x).shape == both.shape


def test_random_state_fixes_the_bits_and_leaves_the_global_generator_alone():
    from nnscratch import random

    x, y = load_iris(return_X_y=True)
    random.seed(3)
    expected = random.generator().random(4)
    random.seed(3)
    first = NNClassifier(epochs=3, random_state=5).fit(x, y).predict_proba(x)
    second = NNClassifier(epochs=3, random_state=5).fit(x, y).predict_proba(x)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(random.generator().random(4), expected)


def test_a_pickle_predicts_the_same_bits():
    x, y = load_iris(return_X_y=True)
    classifier = NNClassifier(epochs=3, random_state=5).fit(x, y)
    copied = pickle.loads(pickle.dumps(classifier))  # noqa: S301 # our own, just made
    np.testing.assert_array_equal(copied.predict_proba(x), classifier.predict_proba(x))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        NNClassifier().fit(np.ones((4, 2)), np.zeros(4, dtype=int))
