"""What CuPy's functions take for an array, and which of them wait for the device.

Read from the source of CuPy 14.2. Where it takes an array of the host and copies it to the device
at once, this says so only for what programs do on purpose: a list of indices, say.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .device_array import ndarray


def words(text: str) -> set[str]:
    """The words of a text."""
    return set(text.split())


ARRAYS = words(
    "a a1 a2 A ar ar1 ar2 arr arr1 arr2 array ary aweights b condition dst element f filt fp "
    "fweights indices mask multi_index prepend q sample src test_elements v val vals values "
    "weights where x X x1 x2 xp y z"
)
"""The parameters that are arrays; others are numbers, shapes, dtypes and so on."""

SEQUENCES = words("args arrays arys choicelist condlist operands tup xi")
"""The parameters that are several arrays."""

SCALARS_TOO = {
    "allclose": {"a", "b"},
    "append": {"values"},
    "copyto": {"src", "where"},
    "delete": {"indices"},
    "diff": {"prepend", "append"},
    "fill_diagonal": {"val"},
    "isclose": {"a", "b"},
    "kron": {"a", "b"},
    "percentile": {"q"},
    "put": {"ind", "v"},
    "put_along_axis": {"values"},
    "putmask": {"values"},
    "quantile": {"q"},
    "searchsorted": {"v"},
    "take": {"indices"},
}
"""Where a number will do for an array."""

HOST_TOO = {
    "append": {"values"},
    "array2string": {"args"},
    "can_cast": {"from_"},
    "compress": {"condition"},
    "delete": {"indices"},
    "isscalar": {"element"},
    "ix_": {"args"},
    "ndim": {"a"},
    "percentile": {"q"},
    "put": {"ind", "v"},
    "quantile": {"q"},
    "result_type": {"arrays_and_dtypes"},
    "shape": {"a"},
    "take": {"indices"},
}
"""Where an array of the host or a list will do for one of the device."""

SYNCHRONIZING = {
    "argwhere": None,
    "array_equal": "equal_nan",
    "average": "weights",
    "bincount": None,
    "compress": None,
    "extract": None,
    "flatnonzero": None,
    "histogram": None,
    "nonzero": None,
    "percentile": "q",
    "place": None,
    "putmask": None,
    "quantile": "q",
    "repeat": "repeats",
    "roll": "shift",
    "trim_zeros": None,
    "union1d": None,
    "unique": None,
    "unique_all": None,
    "unique_counts": None,
    "unique_inverse": None,
    "unique_values": None,
    "unravel_index": None,
}
"""Functions for which CuPy reads the device: always, or if this parameter is no plain number."""

ON_HOST = words(
    "array2string array_repr array_str can_cast common_type iscomplexobj isfortran isrealobj "
    "isscalar may_share_memory min_scalar_type ndim result_type shape shares_memory size"
)
"""Functions whose results are not on the device."""

PRINTING = {"array2string", "array_repr", "array_str"}
"""Functions that copy their array to the host."""

NOT_OFFERED = words(
    "apply_along_axis apply_over_axes frombuffer fromfile fromfunction fromiter fromstring "
    "from_dlpack genfromtxt load loadtxt mask_indices piecewise save savetxt savez "
    "savez_compressed show_config"
)
"""Functions that call back or read files, for which the stand-in has no use."""

KEYWORDS = {
    "einsum": {"dtype", "optimize"},
    "meshgrid": {"indexing", "sparse", "copy"},
    "pad": {"constant_values", "end_values", "stat_length", "reflect_type"},
}
"""What functions take that CuPy writes with **kwargs."""


def check(function: str, parameter: str, value: Any) -> None:
    """Refuse what CuPy refuses for this parameter of the function.

    Raises:
        TypeError: an array of the host, a list or a number where an array of the device must be.
    """
    if parameter == "kwargs":
        wrong = set(value) - KEYWORDS.get(function, set(value))
        if wrong:
            raise TypeError(f"{function}(): CuPy does not take {sorted(wrong)}")
    if parameter == "kind" and value not in {None, "stable"}:
        raise ValueError("kind can only be None or 'stable'")
    if parameter in HOST_TOO.get(function, ()):
        return
    if parameter == "out":
        if not isinstance(value, ndarray | None):
            raise TypeError("Output arguments type must be cupy.ndarray")
    elif parameter in SEQUENCES:
        for one in value if isinstance(value, list | tuple) else (value,):
            _check_array(function, parameter, one)
    elif parameter in ARRAYS and value is not None:
        _check_array(function, parameter, value)
    elif _holds_host_array(value):
        raise TypeError(f"{function}(): {parameter} is an array of the host, {type(value)}")


def _check_array(function: str, parameter: str, value: Any) -> None:
    if isinstance(value, ndarray) or (function == "einsum" and isinstance(value, str)):
        return
    if np.isscalar(value) and parameter in SCALARS_TOO.get(function, ()):
        return
    raise TypeError(
        f"{function}(): {parameter} must be an array of the device. Unsupported type {type(value)}"
    )


def _holds_host_array(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(_holds_host_array, value))
    return isinstance(value, np.ndarray)


def synchronizes(function: str, arguments: dict[str, Any]) -> bool:
    """Whether CuPy reads the device for this call."""
    if function not in SYNCHRONIZING:
        return False
    parameter = SYNCHRONIZING[function]
    return parameter is None or not (
        arguments.get(parameter) is None
        or arguments[parameter] is False
        or (np.isscalar(arguments[parameter]) and arguments[parameter] is not True)
    )
