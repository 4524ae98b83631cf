"""`cupy.ndarray`: an array of the device, which here is memory of the host that nobody may touch.

What it takes, refuses and gives is what `cupy/_core/core.pyx` in CuPy 14.2 says.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from . import copies, indexing
from .operators import COMPARISONS, Arithmetic, method, module

if TYPE_CHECKING:
    from collections.abc import Iterator

DTYPES = "?bhilqBHILQefdFD"
"""The dtypes that CuPy has."""


def check_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype, if CuPy has it.

    Raises:
        ValueError: it has not.
    """
    if dtype.char not in DTYPES or dtype.byteorder == ">":
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


def wrap(host: np.ndarray[Any, Any], base: ndarray | None = None) -> ndarray:
    """A device array over this memory, a view of `base` if that is given."""
    made = object.__new__(ndarray)
    check_dtype(host.dtype)
    made._host = host
    made.base = base if base is None or base.base is None else base.base
    return made


def fresh(host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Fill new memory with what nobody expects there: NaN, or the least number."""
    if host.dtype.kind in "fc":
        host.fill(np.nan)
    elif host.dtype.kind == "b":
        host.fill(True)
    else:
        host.fill(np.iinfo(host.dtype).min or np.iinfo(host.dtype).max)
    return host


class MemoryPointer:
    """Where an array's first element lies."""

    def __init__(self, array: ndarray) -> None:
        self.ptr: int = array._host.ctypes.data
        self.device = array.device
        self.device_id: int = array.device.id


class Flags:
    """The memory layout, as CuPy tells it: less than NumPy's flags tell."""

    def __init__(self, array: ndarray) -> None:
        self.c_contiguous: bool = array._host.flags.c_contiguous
        self.f_contiguous: bool = array._host.flags.f_contiguous
        self.owndata = array.base is None
        self.fnc = self.f_contiguous and not self.c_contiguous
        self.forc = self.f_contiguous or self.c_contiguous

    def __getitem__(self, name: str) -> bool:
        if name not in {"C_CONTIGUOUS", "F_CONTIGUOUS", "OWNDATA"}:
            raise KeyError(f"{name} is not defined for cupy.ndarray.flags")
        flag: bool = getattr(self, name.lower())
        return flag


class ndarray(Arithmetic):  # noqa: N801 - CuPy's name
    """An array in the device's memory."""

    __slots__ = ("__weakref__", "_host", "base")
    __module__ = "cupy"
    __hash__ = None  # type: ignore[assignment]  # like NumPy's arrays

    def __init__(
        self,
        shape: Any,
        dtype: Any = float,
        memptr: Any = None,
        strides: Any = None,
        order: Any = "C",
    ) -> None:
        if memptr is not None or strides is not None:
            raise NotImplementedError("The stand-in makes no arrays over given memory.")
        self._host: Any = fresh(np.empty(shape, check_dtype(np.dtype(dtype)), order or "C"))
        self.base: ndarray | None = None

    # Memory layout.

    strides = property(lambda self: self._host.strides)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    dtype = property(lambda self: self._host.dtype)
    flags = property(Flags)
    data = property(MemoryPointer)

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self._host.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        view = self._host.view()
        view.shape = shape
        self._host = view

    @property
    def device(self) -> Any:
        return module().cuda.Device(0)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": 1,
            "version": 3,
            "strides": None if self.flags.c_contiguous else self.strides,
            "data": (self.data.ptr if self.size else 0, False),
        }

    # Views.

    @property
    def T(self) -> ndarray:
        return self if self.ndim < 2 else wrap(self._host.T, self)

    @property
    def mT(self) -> ndarray:
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return wrap(self._host.mT, self)

    @property
    def real(self) -> ndarray:
        return wrap(self._host.real, self) if self.dtype.kind == "c" else self

    @property
    def imag(self) -> ndarray:
        return wrap(self._host.imag, self)

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        if type is not None or dtype is ndarray:
            raise NotImplementedError("The stand-in has no subclasses of arrays.")
        return wrap(self._host.view() if dtype is None else self._host.view(dtype), self)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> ndarray:
        shape = shape[0] if len(shape) == 1 else shape
        if isinstance(shape, ndarray):
            raise TypeError("A shape is made of integers, not of a device array.")
        made = np.reshape(self._host, shape, order=order, copy=copy)
        return wrap(made, self if np.may_share_memory(made, self._host) else None)

    def transpose(self, *axes: Any) -> ndarray:
        return wrap(self._host.transpose(*axes), self)

    def ravel(self, order: Any = "C") -> ndarray:
        made = np.ascontiguousarray(self._host.ravel(order))
        return wrap(made, self if np.may_share_memory(made, self._host) else None)

    def flatten(self, order: Any = "C") -> ndarray:
        return wrap(self._host.flatten(order))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        return wrap(self._host.swapaxes(axis1, axis2), self)

    def squeeze(self, axis: Any = None) -> ndarray:
        return wrap(self._host.squeeze(axis), self)

    # Conversion.

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = None, subok: Any = None, copy: Any = True
    ) -> ndarray:
        for name, option in (("casting", casting), ("subok", subok)):
            if option is not None:
                raise TypeError(f"{name} is not supported yet")
        dtype = check_dtype(np.dtype(dtype))
        with np.errstate(all="ignore"):
            made = self._host.astype(dtype, order=order or "K", copy=bool(copy))
        return self if made is self._host else wrap(made)

    def copy(self, order: Any = "C") -> ndarray:
        return wrap(self._host.copy(order))

    def fill(self, value: Any) -> None:
        if isinstance(value, ndarray):
            if value.shape != ():
                raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
            value = value.astype(self.dtype)._host
        else:
            value = np.asarray(value, dtype=self.dtype)
            if value.shape != ():
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host[...] = value

    def get(
        self, stream: Any = None, order: Any = "C", out: Any = None, blocking: bool = True
    ) -> np.ndarray[Any, Any]:
        return self._to_host("get", order, out)

    def _to_host(self, what: str, order: Any = "C", out: Any = None) -> np.ndarray[Any, Any]:
        copies.copied_to_host(what)
        if out is None:
            return np.array(self._host, order=order)
        if not isinstance(out, np.ndarray):
            raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
        if (self.dtype, self.shape) != (out.dtype, out.shape):
            raise TypeError(
                f"{out.dtype} array of shape {out.shape} cannot be obtained from {self.dtype} "
                f"array of shape {self.shape}"
            )
        out[...] = self._host
        return out

    def set(self, arr: Any, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != arr.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if self.shape != arr.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not self.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        copies.uploaded("set")
        self._host[...] = arr

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self._to_host("item").item()

    def tolist(self) -> Any:
        return self._to_host("tolist").tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        return self._to_host("tobytes").tobytes(order)

    def dumps(self) -> bytes:
        return pickle.dumps(self, -1)

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() "
                "or a.all()"
            )
        return bool(self._to_host("bool"))

    def __int__(self) -> int:
        return int(self._to_host("int"))

    def __float__(self) -> float:
        return float(self._to_host("float"))

    def __complex__(self) -> complex:
        return complex(self._to_host("complex"))

    def __bytes__(self) -> bytes:
        return bytes(self._to_host("bytes"))

    def __repr__(self) -> str:
        return repr(self._to_host("repr"))

    def __str__(self) -> str:
        return str(self._to_host("str"))

    def __format__(self, format_spec: str) -> str:
        return format(self._to_host("format"), format_spec)

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def __reduce__(self) -> Any:
        return module().array, (self._to_host("pickle", order="A"),)

    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("The stand-in's memory is not to be shared.")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)  # CUDA

    # Elements.

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        length: int = self.shape[0]
        return length

    def __iter__(self) -> Iterator[ndarray]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Any:
        return indexing.get(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.put(self, key, value)

    def _scatter_op(self, key: Any, value: Any, operation: str) -> None:
        indexing.scatter(self, key, value, operation)

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        if not self.flags.c_contiguous:
            raise NotImplementedError("Sorting non-contiguous array is not supported.")
        self._host[...] = module().sort(self, axis, kind)._host

    def partition(self, kth: Any, axis: int = -1) -> None:
        self._host[...] = module().partition(self, kth, axis)._host

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        operands = inputs
        if "out" in kwargs:
            out = kwargs["out"]
            if len(out) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            operands += out
            kwargs["out"] = out[0]
        function = getattr(module(), ufunc.__name__, None)
        if method != "__call__":
            function = getattr(function, method, None)
        if function is None:
            return NotImplemented
        for one in operands:
            if not (
                isinstance(one, ndarray | np.ndarray | np.generic)
                or type(one) in {bool, int, float, complex}
            ):
                return NotImplemented
        if ufunc.__name__ in COMPARISONS:
            inputs = tuple(
                one.item() if isinstance(one, np.ndarray) and one.ndim == 0 else one
                for one in inputs
            )
        return function(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        place = module()
        for name in func.__module__.split(".")[1:]:
            place = getattr(place, name, None)
        function = getattr(place, func.__name__, None)
        if function is None or function is func:
            return NotImplemented
        if not all(issubclass(one, ndarray | np.ndarray) for one in types):
            return NotImplemented
        return function(*args, **kwargs)

    # The functions that are methods too, with the parameters of CuPy's methods.

    all = method("all", "axis", "out", "keepdims")
    any = method("any", "axis", "out", "keepdims")
    argmax = method("argmax", "axis", "out", "dtype", "keepdims")
    argmin = method("argmin", "axis", "out", "dtype", "keepdims")
    argpartition = method("argpartition", "kth", "axis")
    argsort = method("argsort", "axis", "kind")
    cumprod = method("cumprod", "axis", "dtype", "out")
    cumsum = method("cumsum", "axis", "dtype", "out")
    diagonal = method("diagonal", "offset", "axis1", "axis2")
    dot = method("dot", "b", "out")
    max = method("max", "axis", "out", "keepdims")
    mean = method("mean", "axis", "dtype", "out", "keepdims")
    min = method("min", "axis", "out", "keepdims")
    nonzero = method("nonzero")
    prod = method("prod", "axis", "dtype", "out", "keepdims")
    ptp = method("ptp", "axis", "out", "keepdims")
    put = method("put", "ind", "v", "mode")
    repeat = method("repeat", "repeats", "axis")
    round = method("round", "decimals", "out")
    searchsorted = method("searchsorted", "v", "side", "sorter")
    std = method("std", "axis", "dtype", "out", "ddof", "keepdims")
    sum = method("sum", "axis", "dtype", "out", "keepdims")
    take = method("take", "indices", "axis", "out")
    trace = method("trace", "offset", "axis1", "axis2", "dtype", "out")
    var = method("var", "axis", "dtype", "out", "ddof", "keepdims")

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Any:
        return module().clip(self, min, max, out)

    def conj(self) -> Any:
        return module().conjugate(self) if self.dtype.kind == "c" else self

    conjugate = conj

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        return module().compress(condition, self, axis, out)
