"""CuPy's functions of arrays, computed by NumPy's of the same name.

A function takes the parameters that CuPy's has, arrays of the device where CuPy wants such, and
gives arrays of the device, without axes too where NumPy gives a number.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from . import copies, rules
from .device_array import ndarray, wrap
from .names import signature

if TYPE_CHECKING:
    from collections.abc import Callable


class function:  # noqa: N801 - it stands for functions
    """A function of CuPy's."""

    def __init__(self, name: str, parameters: str, compute: Callable[..., Any]) -> None:
        self.__name__ = name
        self.__signature__ = signature(parameters)
        self._compute = compute

    def __repr__(self) -> str:
        return f"<function {self.__name__} of CuPy on the host>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__
        try:
            arguments = self.__signature__.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{name}(): not what CuPy's takes: {error}") from None
        for parameter, value in arguments.items():
            rules.check(name, parameter, value)
        if rules.synchronizes(name, arguments):
            copies.synchronized(name)
        if name in rules.PRINTING:
            copies.copied_to_host(name)
        sources: list[ndarray] = []
        host_args = [_host(one, sources) for one in args]
        host_kwargs = {name: _host(one, sources) for name, one in kwargs.items()}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            result = self._compute(*host_args, **host_kwargs)
        return result if name in rules.ON_HOST else _on_device(result, sources)


def _host(value: Any, sources: list[ndarray]) -> Any:
    """The value with the memory of device arrays in their place."""
    if isinstance(value, ndarray):
        sources.append(value)
        return value._host
    if type(value) in {list, tuple}:
        return type(value)(_host(one, sources) for one in value)
    return value


def _on_device(result: Any, sources: list[ndarray]) -> Any:
    """The result with device arrays in the place of arrays and numbers."""
    if isinstance(result, list | tuple):
        made = [_on_device(one, sources) for one in result]
        return made if isinstance(result, list) else _tuple_like(result, made)
    if result is None:
        return None
    for one in sources:
        if result is one._host:
            return one
    host = np.asarray(result)
    for one in sources:
        if np.may_share_memory(host, one._host):
            return wrap(host, one)
    return wrap(host if host.flags.c_contiguous else np.array(host, order="C"))


def _tuple_like(result: tuple[Any, ...], made: list[Any]) -> tuple[Any, ...]:
    """CuPy has NumPy's named tuples for `unique_all` and its like, but not for linear algebra."""
    if type(result).__name__.startswith("Unique"):
        return type(result)(*made)
    return tuple(made)


def functions(
    recorded: dict[str, str], module: Any, computations: dict[str, Callable[..., Any]]
) -> dict[str, function]:
    """The functions of a module of CuPy's that its twin in NumPy has too."""
    return {
        name: function(name, parameters, computations.get(name, getattr(module, name)))
        for name, parameters in recorded.items()
        if callable(getattr(module, name, None)) and name not in rules.NOT_OFFERED
    }
