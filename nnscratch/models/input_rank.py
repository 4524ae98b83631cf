"""Inputs with another number of axes than a model was made for."""

from __future__ import annotations

from typing import Any

import numpy as np


def with_rank(model: str, shape: tuple[int | None, ...], inputs: Any) -> Any:
    """Inputs with as many axes as `shape`: a last axis of one may be missing or too many.

    As `Functional._adjust_input_rank` of Keras 3.15.1.

    Args:
        model: the model's name, for the message.
        shape: shape of its input, None for the batch axis.
        inputs: an array or tensor of another rank.

    Raises:
        ValueError: another rank than that; the message has both shapes.
    """
    if inputs.ndim == len(shape) - 1 and shape[-1] == 1:
        return inputs[..., np.newaxis]
    if inputs.ndim == len(shape) + 1 and inputs.shape[-1] == 1:
        return inputs[..., 0]
    remedy = "give an array with that number of axes"
    if inputs.shape == shape[1:]:
        remedy = "for one sample write x[np.newaxis]"
    raise ValueError(
        f"Model {model!r} takes inputs of shape {shape}, got an array of shape {inputs.shape}: "
        f"{remedy}."
    )
