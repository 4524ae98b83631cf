"""What the tests of several layers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import pytest
from keras.src.backend.common import dtypes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def keras_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On PyTorch Keras computes float64 layers in float32; have it keep float64, as elsewhere."""
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    usual, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(usual)
    keras.config.set_dtype_policy(policy)
