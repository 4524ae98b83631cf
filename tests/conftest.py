"""Settings for every test: Keras runs on PyTorch, and Hypothesis does not watch the clock."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["SCIPY_ARRAY_API"] = "1"  # lets scikit-learn run all of its estimator checks

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import nnscratch as ns
from tests.explainer import browser as browsers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

settings.register_profile("nnscratch", deadline=None)
settings.load_profile("nnscratch")


@pytest.fixture(autouse=True)
def fixed_seed():
    """Initial weights, shuffling and dropout are the same in every run of a test."""
    ns.random.seed(0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: Playwright's event loop must not be there when other tests need theirs."""
    reason = browsers.missing()
    if reason is not None:
        pytest.skip(f"The page needs a browser: {reason}.")
    with browsers.chromium() as started:
        yield started


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
