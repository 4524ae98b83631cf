"""Settings for every test: Keras runs on PyTorch, and Hypothesis does not watch the clock."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["SCIPY_ARRAY_API"] = "1"  # lets scikit-learn run all of its estimator checks

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import nnscratch as ns

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("nnscratch", deadline=None)
settings.load_profile("nnscratch")


@pytest.fixture(autouse=True)
def fixed_seed():
    """Initial weights, shuffling and dropout are the same in every run of a test."""
    ns.random.seed(0)


@pytest.fixture
def keras_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On PyTorch Keras rounds float64 to float32 in many places; have it keep float64."""
    import keras  # which not every test needs
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    usual, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(usual)
    keras.config.set_dtype_policy(policy)
