"""x[key], x[key] = value and `ufunc.at`, with CuPy's rules: `cupy/_core/_routines_indexing.pyx`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import copies, device_array
from .ufuncs import SCATTER_DTYPES


def get(x: Any, key: Any) -> Any:
    """x[key]: a view for slices and integers, also without axes; a copy for arrays of indices."""
    keys, advanced = _host_keys(x, key)
    if not advanced:
        return device_array.wrap(x._host[keys], x)
    return device_array.wrap(np.array(x._host[keys], order="C"))


def put(x: Any, key: Any, value: Any) -> None:
    """x[key] = value.

    Raises:
        ValueError: an array of the host for slices and integers: CuPy takes only scalars there.
        RuntimeError: indices that come twice with different values; CuPy stores any of them.
    """
    keys, advanced = _host_keys(x, key)
    if not advanced and not isinstance(value, device_array.ndarray):
        device_array.wrap(x._host[keys]).fill(value)
        return
    value = _cast_to(x, value)
    while value.ndim and value.shape[0] == 1:
        value = value[0]
    x._host[keys] = value
    if advanced and not np.array_equal(
        stored := x._host[keys],
        np.broadcast_to(value, stored.shape),
        equal_nan=x.dtype.kind in "fc",
    ):
        raise RuntimeError(
            "Indices that come twice are given different values: which one CuPy stores is "
            "undefined."
        )


def scatter(x: Any, key: Any, value: Any, operation: str) -> None:
    """Combine the elements at indices with values, those that come again once more.

    Raises:
        TypeError: a dtype without an atomic operation on the device.
    """
    keys, advanced = _host_keys(x, key)
    integers = any(isinstance(one, np.ndarray) and one.dtype != np.bool_ for one in keys)
    if integers and x.dtype.char not in SCATTER_DTYPES[operation]:
        raise TypeError(f"cupy.{operation}.at does not support {x.dtype}")
    if not advanced and isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    ufuncs = {
        "add": np.add,
        "sub": np.subtract,
        "max": np.maximum,
        "min": np.minimum,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "xor": np.bitwise_xor,
    }
    with np.errstate(all="ignore"):
        ufuncs[operation].at(x._host, keys, _cast_to(x, value))


def _cast_to(x: Any, value: Any) -> Any:
    if isinstance(value, device_array.ndarray):
        with np.errstate(all="ignore"):
            return value._host.astype(x.dtype)
    if isinstance(value, np.ndarray):
        copies.uploaded("setitem")
    return np.asarray(value, dtype=x.dtype)


def _host_keys(x: Any, key: Any) -> tuple[tuple[Any, ...], bool]:
    """The key for the host's memory, and whether it has arrays of indices.

    Indices beyond the end wrap around, as on the device.
    """
    keys = [_host_key(one) for one in (key if isinstance(key, tuple) else (key,))]
    advanced = any(isinstance(one, np.ndarray) for one in keys)
    if not any(one is Ellipsis for one in keys):
        keys.append(Ellipsis)
    missing = x.ndim - sum(map(_axes, keys))
    axis = 0
    for i, one in enumerate(keys):
        if isinstance(one, np.ndarray) and one.dtype != np.bool_ and axis < x.ndim:
            length = x.shape[axis]
            keys[i] = one % length if length else one
        axis += missing if one is Ellipsis else _axes(one)
    return tuple(keys), advanced


def _axes(key: Any) -> int:
    if key is None or key is Ellipsis:
        return 0
    return key.ndim if isinstance(key, np.ndarray) and key.dtype == np.bool_ else 1


def _host_key(key: Any) -> Any:
    if isinstance(key, device_array.ndarray):
        host = key._host
        if host.dtype == np.bool_:
            copies.synchronized("an index that is a mask")
    elif isinstance(key, list | tuple | np.ndarray | bool | np.bool_):
        copies.uploaded("an index")
        host = np.asarray(key)
        if isinstance(key, list | tuple) and host.size == 0:
            host = host.astype(np.int32)
        if host.dtype == np.bool_:
            copies.synchronized("an index that is a mask")
    elif key is None or key is Ellipsis or isinstance(key, int | np.integer):
        return key
    elif isinstance(key, slice):
        if any(isinstance(one, device_array.ndarray) for one in (key.start, key.stop, key.step)):
            raise TypeError("slice indices must be integers or None, not device arrays")
        return key
    else:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
            "boolean arrays are valid indices"
        )
    if host.dtype.kind not in "bui":
        raise IndexError(
            f"arrays used as indices must be of integer or boolean type (actual: {host.dtype})"
        )
    return host
