"""Settings for every test: Keras runs on PyTorch, and Hypothesis does not watch the clock."""

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["SCIPY_ARRAY_API"] = "1"  # lets scikit-learn run all of its estimator checks

import pytest
from hypothesis import settings

import nnscratch as ns

settings.register_profile("nnscratch", deadline=None)
settings.load_profile("nnscratch")


@pytest.fixture(autouse=True)
def fixed_seed():
    """Initial weights, shuffling and dropout are the same in every run of a test."""
    ns.random.seed(0)
