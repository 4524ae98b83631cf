"""The functions that make arrays on the device: `cupy/_creation` in CuPy 14.2."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import copies, device_array, operators
from .device_array import ndarray, wrap


def array(
    obj: Any,
    dtype: Any = None,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    blocking: bool = False,
) -> ndarray:
    """An array of the device, from one of the device or the host, numbers, or lists of these."""
    if subok:
        raise NotImplementedError
    if isinstance(obj, ndarray):
        made = _from_device(obj, dtype, copy, order or "K")
    elif _holds_device_arrays(obj):
        made = _from_device_arrays(obj, dtype)
    else:
        if isinstance(obj, np.ndarray):
            copies.uploaded("array")
        host = np.array(obj, dtype=dtype, order=order or "K")
        host = host.astype(host.dtype.newbyteorder("="))
        if host.dtype.kind == "O":
            raise ValueError(f"Unsupported dtype {host.dtype}")
        made = wrap(host if host.flags.forc else np.ascontiguousarray(host))
    return made.reshape((1,) * (ndmin - made.ndim) + made.shape) if ndmin > made.ndim else made


def _from_device(obj: ndarray, dtype: Any, copy: Any, order: Any) -> ndarray:
    host = np.array(obj._host, dtype=dtype, copy=copy, order=order)
    return obj if host is obj._host else wrap(host)


def _holds_device_arrays(obj: Any) -> bool:
    if isinstance(obj, list | tuple):
        return any(map(_holds_device_arrays, obj))
    return isinstance(obj, ndarray)


def _from_device_arrays(obj: Any, dtype: Any) -> ndarray:
    """CuPy joins device arrays of one shape; with anything else beside them NumPy is asked."""
    if isinstance(obj, ndarray):
        return obj
    if not all(isinstance(one, list | tuple | ndarray) for one in obj):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )
    joined = np.stack([_from_device_arrays(one, None)._host for one in obj])
    return wrap(joined if dtype is None else joined.astype(dtype))


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False
) -> ndarray:
    """The device array itself if it is as asked for; else a new one."""
    return array(a, dtype, copy, order, blocking=blocking)


asanyarray = asarray


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    """A C-contiguous array with an axis at least; of the device's arrays only."""
    return _contiguous(a, dtype, "C")


def asfortranarray(a: Any, dtype: Any = None) -> ndarray:
    """An F-contiguous array with an axis at least; of the device's arrays only."""
    return _contiguous(a, dtype, "F")


def _contiguous(a: Any, dtype: Any, order: Any) -> ndarray:
    if not isinstance(a, ndarray):
        raise TypeError(
            f"Argument 'a' has incorrect type (expected cupy.ndarray, got {type(a).__name__})"
        )
    host = np.asarray(a._host, dtype=dtype, order=order)
    if host is a._host:
        return a.reshape(1) if a.ndim == 0 else a
    return wrap(host.reshape(1) if a.ndim == 0 else host)


def copy(a: Any, order: Any = "K") -> ndarray:
    """A copy on the device."""
    if not isinstance(a, ndarray):
        raise TypeError("Only cupy.ndarray can be copied")
    return a.copy(order)


def asnumpy(
    a: Any, stream: Any = None, order: Any = "C", out: Any = None, *, blocking: bool = True
) -> np.ndarray[Any, Any]:
    """A copy on the host."""
    if isinstance(a, ndarray):
        return a.get(stream, order, out, blocking)
    host: Any = np.asarray(a, order=order)
    if out is not None:
        out[...] = host
        host = out
    return host  # type: ignore[no-any-return]  # NumPy's array


def empty(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array of anything: the stand-in puts NaN, or the least integer, in it."""
    return ndarray(_shape(shape), dtype, order=order)


def zeros(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array of zeros."""
    return _filled(empty(shape, dtype, order), 0)


def ones(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array of ones."""
    return _filled(empty(shape, dtype, order), 1)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> ndarray:
    """An array of a number, also of one that is on the device."""
    if dtype is None:
        on_device = isinstance(fill_value, ndarray)
        dtype = fill_value.dtype if on_device else np.array(fill_value).dtype
    return _filled(empty(shape, dtype, order), fill_value)


def empty_like(
    prototype: Any, dtype: Any = None, order: Any = "K", subok: None = None, shape: Any = None
) -> ndarray:
    """An array like another, which must be the device's.

    CuPy takes the shapes () and 0 for no shape given, and makes an array of the prototype's.
    """
    if subok is not None:
        raise TypeError("subok is not supported yet")
    if not isinstance(prototype, ndarray):
        raise TypeError(f"Unsupported type {type(prototype)}")
    device_array.check_dtype(np.dtype(dtype or prototype.dtype))
    wanted = _shape(shape) if shape else None
    made = np.empty_like(prototype._host, dtype=dtype, order=order, shape=wanted)
    return wrap(device_array.fresh(made))


def zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: None = None, shape: Any = None
) -> ndarray:
    """Zeros like another array; for the shape see `empty_like`."""
    return _filled(empty_like(a, dtype, order, subok, shape), 0)


def ones_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: None = None, shape: Any = None
) -> ndarray:
    """Ones like another array; for the shape see `empty_like`."""
    return _filled(empty_like(a, dtype, order, subok, shape), 1)


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: None = None,
    shape: Any = None,
) -> ndarray:
    """A number like another array; for the shape see `empty_like`."""
    return _filled(empty_like(a, dtype, order, subok, shape), fill_value)


def _filled(made: ndarray, value: Any) -> ndarray:
    """`cupy.copyto(made, value, casting="unsafe")`: of a device array or a number."""
    if isinstance(value, np.ndarray | list | tuple):
        raise TypeError(f"Unsupported type {type(value)}")
    with np.errstate(all="ignore"):
        np.copyto(made._host, getattr(value, "_host", value), casting="unsafe")
    return made


def _shape(shape: Any) -> Any:
    if isinstance(shape, ndarray):
        raise TypeError("A shape is made of integers, not of a device array.")
    return shape


def eye(N: int, M: Any = None, k: int = 0, dtype: Any = float, order: Any = "C") -> ndarray:
    """Ones on a diagonal."""
    return wrap(np.eye(N, M, k, device_array.check_dtype(np.dtype(dtype)), order))


def identity(n: int, dtype: Any = float) -> ndarray:
    """Ones on the main diagonal."""
    return eye(n, dtype=dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    """Numbers at a distance; without a dtype int64 or float64, whatever the scalars' are."""
    given = [one for one in (start, stop, step) if one is not None]
    if any(isinstance(one, ndarray) for one in given):
        raise TypeError("Cannot interpret a device array as a number of arange.")
    if dtype is None:
        floats = any(np.dtype(type(one)).kind == "f" for one in given)
        dtype = np.float64 if floats else np.int64
    if stop is None:
        start, stop = 0, start
    dtype = device_array.check_dtype(np.dtype(dtype))
    return wrap(np.arange(start, stop, 1 if step is None else step).astype(dtype))


def get_array_module(*args: Any) -> Any:
    """`cupy` if one of these is the device's, else `numpy`."""
    return operators.module() if any(isinstance(one, ndarray) for one in args) else np


def is_available() -> bool:
    """Whether there is a device."""
    return True
