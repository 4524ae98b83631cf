"""Keras computes in float64 here, so that the differences are our own rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import pytest
from keras.src.backend.common import dtypes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def keras_in_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the second line keras.ops.mean and its like round float64 to float32 on PyTorch."""
    keras.config.set_floatx("float64")
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    yield
    keras.config.set_floatx("float32")
