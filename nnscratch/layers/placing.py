"""Where the arrays of a layer are: bringing inputs to them, and moving them to another device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Parameter, Tensor
from nnscratch.autograd.tensor import wrap
from nnscratch_kernels.devices import CPU, device_of, is_on_gpu, load_cupy, to_device

if TYPE_CHECKING:
    from nnscratch.layers.layer import Layer

ON_HOST = (Tensor, np.ndarray)
"""What a layer on the CPU takes as it comes."""


def arrays_taken(device: str) -> tuple[type, ...]:
    """What a layer on this device takes as it comes; anything else is brought over first."""
    return ON_HOST if device == CPU else (Tensor, load_cupy().ndarray)


def brought(inputs: Any, device: str) -> Any:
    """An array, or numbers, as an array on a device; a tensor stays where it is."""
    if isinstance(inputs, Tensor):
        return inputs
    return to_device(inputs if is_on_gpu(inputs) else np.asarray(inputs), device)


def move_parameter(weight: Parameter, device: str) -> None:
    """Move the numbers and the gradient of a parameter, which stays the same object."""
    if device_of(weight.data) == device:
        return
    weight.data = to_device(weight.data, device)
    weight.grad_storage = None
    if weight.grad is not None:
        weight.grad = wrap(to_device(weight.grad.data, device), None, 0)


def move_own_arrays(layer: Layer, device: str) -> None:
    """Move what a layer holds beside weights: its attributes that are arrays or tensors."""
    for attribute, value in vars(layer).items():
        if isinstance(value, Tensor):
            if not isinstance(value, Parameter):
                vars(layer)[attribute] = value.to(device)
        elif isinstance(value, np.ndarray) or is_on_gpu(value):
            vars(layer)[attribute] = to_device(value, device)
