"""Arrays of one call belong on one device: making new ones there, and saying so when they are not.

Nothing here runs while all goes well on the CPU. An op on arrays of different devices fails by
itself, since CuPy refuses NumPy's arrays; only then it is looked up what was where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from nnscratch.autograd.trees import leaves
from nnscratch_kernels.devices import CPU, device_of, is_on_gpu, load_cupy, to_device

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_IN_CUPY = (
    re.compile(r"no implementation found for 'numpy\.([\w.]+)'"),
    re.compile(r"returned NotImplemented from __array_ufunc__\(<ufunc '(\w+)'>"),
)


class DeviceError(TypeError):
    """Arrays of one call are on different devices, or CuPy lacks what the call needs."""


def plain(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return value.data if hasattr(value, "requires_grad") else value


def array_module(like: Any) -> Any:
    """The module that makes arrays where this array or tensor is: NumPy, or CuPy for a GPU's."""
    return load_cupy() if is_on_gpu(plain(like)) else np


def beside(value: Any, like: Any, what: str) -> Any:
    """A value as a plain array on the device of another array or tensor.

    Numbers and nested lists of them are put there. An array must be there already.

    Raises:
        DeviceError: an array on another device; `what` says in the message whose it is.
    """
    value, device = plain(value), device_of(plain(like))
    if isinstance(value, np.generic | int | float):
        return array_module(like).full((), value)
    if not hasattr(value, "shape"):
        return to_device(np.asarray(value), device)
    if device_of(value) != device:
        raise DeviceError(
            f"{what} is on {device_of(value)}, what it belongs to on {device}: bring it there with "
            f"t.to('{device.partition(':')[0]}')."
        )
    return value


def explain(
    error: Exception, name: str, arguments: Sequence[Any], parameters: Mapping[str, Any]
) -> None:
    """Raise what an op's error on a GPU means to its caller, if it means something clearer.

    Args:
        error: what its computation raised.
        name: the op, as it shall stand in the message.
        arguments: its arguments by position, arrays and tensors, also nested.
        parameters: the others, by name.

    Raises:
        DeviceError: the arguments are on different devices, or CuPy lacks a function.
    """
    if not isinstance(error, TypeError) or isinstance(error, DeviceError):
        return
    places = {str(i): _places(value) for i, value in enumerate(arguments)}
    for parameter, value in parameters.items():  # such as an index, which may be on the CPU
        places[parameter] = _places(value) - {CPU}
    devices = set().union(*places.values())
    if devices <= {CPU}:
        return
    if len(devices) > 1:
        _refuse_mixture(name, places)
    for pattern in _NOT_IN_CUPY:
        found = pattern.search(str(error))
        if found and not _is_in_cupy(found[1]):
            raise DeviceError(
                f"np.{found[1]} is not in CuPy, so {name} does not run on {devices.pop()}: bring "
                f"the tensor to the CPU with t.to('cpu')."
            ) from None


def _is_in_cupy(name: str) -> bool:
    module = load_cupy()
    for part in name.split("."):
        module = getattr(module, part, None)
    return module is not None


def _refuse_mixture(name: str, places: dict[str, set[str]]) -> NoReturn:
    there = [
        f"argument {argument} on {' and '.join(sorted(on))}"
        for argument, on in places.items()
        if on
    ]
    raise DeviceError(
        f"{name} needs its arrays on one device, got {', '.join(there)}: bring them together with "
        f"t.to('gpu'), an array of NumPy with ns.tensor(array).to('gpu')."
    ) from None


def _places(value: Any) -> set[str]:
    """Where the arrays are that an argument consists of; numbers are nowhere."""
    arrays = map(plain, leaves(value))
    return {
        device_of(array) for array in arrays if isinstance(array, np.ndarray) or is_on_gpu(array)
    }
