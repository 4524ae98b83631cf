"""CuPy's ufuncs, computed by NumPy's in the loop that CuPy takes.

The rules are those of `cupy/_core/_kernel.pyx` in CuPy 14.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import device_array, operators
from .names import RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable

SCORES = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
"""CuPy's order of the kinds of dtypes: a Python scalar of a higher kind is no weak scalar."""

SCATTER_DTYPES = {
    "add": "ilqefdILQ",
    "sub": "iI",
    "max": "ilqfdILQ",
    "min": "ilqfdILQ",
    "and": "ilqILQ",
    "or": "ilqILQ",
    "xor": "ilqILQ",
}
"""What CuPy's `ufunc.at` takes, by operation."""


class ufunc:  # noqa: N801 - CuPy's name
    """A function of each element."""

    def __init__(
        self,
        compute: Callable[..., Any],
        *,
        name: str,
        loops: str,
        at: str | None = None,
        compares: bool = False,
    ) -> None:
        self.__name__ = self.name = name
        self.types = loops.split()
        self._compute = compute
        self._scatter_op = at
        self._compares = compares
        inputs, outputs = self.types[0].split("->")
        self.nin, self.nout = len(inputs), len(outputs)
        self.nargs = self.nin + self.nout

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(
        self,
        *arguments: Any,
        out: Any = None,
        dtype: Any = None,
        casting: Any = "same_kind",
        **others: Any,
    ) -> Any:
        """The function of device arrays and scalars."""
        if others:
            raise TypeError(f"Wrong arguments {others}")
        if not self.nin <= len(arguments) <= self.nargs:
            raise TypeError(
                f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or "
                f"{self.nargs} (with outputs), but given {len(arguments)}."
            )
        inputs, outputs = arguments[: self.nin], self._outputs(arguments[self.nin :], out)
        for one in inputs:
            check_operand(one)
        taken, given = self._loop(inputs, dtype)
        with np.errstate(all="ignore"):
            results = self._compute(
                *(_cast(one, to) for one, to in zip(inputs, taken, strict=True))
            )
        results = results if self.nout > 1 else (results,)
        shape = np.broadcast_shapes(*(np.shape(host(one)) for one in (*inputs, *outputs)))
        filled = tuple(
            _filled(output, np.asarray(result, to), shape, casting)
            for output, result, to in zip(outputs, results, given, strict=True)
        )
        return filled if self.nout > 1 else filled[0]

    def _outputs(self, positional: tuple[Any, ...], out: Any) -> tuple[Any, ...]:
        if out is not None:
            if positional:
                raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
            if not isinstance(out, tuple):
                if self.nout != 1:
                    raise ValueError("'out' must be a tuple of arrays")
                out = (out,)
            elif len(out) != self.nout:
                raise ValueError("The 'out' tuple must have exactly one entry per ufunc output")
            positional = out
        for one in positional:
            if one is not None:
                check_operand(one)
                if not isinstance(one, device_array.ndarray):
                    raise TypeError("Output arguments type must be cupy.ndarray")
        return positional + (None,) * (self.nout - len(positional))

    def _loop(self, inputs: tuple[Any, ...], dtype: Any) -> tuple[str, str]:
        """The dtypes that CuPy casts the inputs to, and those of the results."""
        loops = [tuple(loop.split("->")) for loop in self.types]
        if dtype is not None:
            wanted = np.dtype(dtype)
            for taken, given in loops:
                if all(np.dtype(one) == wanted for one in given):
                    return taken, given
            raise TypeError(f"Wrong type ({wanted}) of arguments for {self.name}")
        dtypes = [_dtype(one) for one in inputs]
        weak = [type(one) if type(one) in (int, float, complex) else None for one in inputs]
        among_integers = self._compares and {dtype.kind for dtype in dtypes} <= {"i", "u"}
        if among_integers or not _takes_weak_scalars(dtypes, weak):
            weak = [None] * len(inputs)
        for taken, given in loops:
            if all(map(_fits, dtypes, weak, taken)):
                return taken, given
        raise TypeError(f"Wrong type ({tuple(dtypes)}) of arguments for {self.name}")

    def outer(self, A: Any, B: Any, **parameters: Any) -> Any:
        """The function of every pair of elements."""
        A, B = operators.module().array(A), operators.module().array(B)
        return self(
            A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **parameters
        )

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        """Apply the function to the elements at indices, those that come again once more."""
        if self._scatter_op is None:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        a._scatter_op(indices, b, self._scatter_op)

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        """The sum or the product; CuPy has no other reduction of a ufunc."""
        if self.name not in {"cupy_add", "cupy_multiply"}:
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        method = array.sum if self.name == "cupy_add" else array.prod
        return method(axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        """The running sum or product; CuPy has no other."""
        if self.name not in {"cupy_add", "cupy_multiply"}:
            raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")
        method = array.cumsum if self.name == "cupy_add" else array.cumprod
        return method(axis, dtype, out)

    def reduceat(self, *arguments: Any, **parameters: Any) -> Any:
        """CuPy sums differences of a running sum here, with its rounding: not to be used."""
        raise NotImplementedError(f"`{self.name}.reduceat` is not supported by the stand-in")


def host(value: Any) -> Any:
    """The memory of a device array; anything else as it is."""
    return value._host if isinstance(value, device_array.ndarray) else value


def check_operand(value: Any) -> None:
    """Refuse what is neither a device array nor a scalar, as CuPy's `CScalar` does."""
    if isinstance(value, device_array.ndarray) or type(value) in {bool, int, float, complex}:
        return
    if not isinstance(value, np.generic):
        raise TypeError(f"Unsupported type {type(value)}")
    device_array.check_dtype(value.dtype)


def _dtype(value: Any) -> np.dtype[Any]:
    if type(value) is int:
        return np.dtype(np.uint64 if value >= 1 << 63 else np.int64)
    return value.dtype if hasattr(value, "dtype") else np.dtype(type(value))


def _takes_weak_scalars(dtypes: list[np.dtype[Any]], weak: list[type | None]) -> bool:
    scalars = [SCORES[np.dtype(kind).kind] for kind in weak if kind is not None]
    arrays = [SCORES[dtype.kind] for dtype, kind in zip(dtypes, weak, strict=True) if kind is None]
    return bool(scalars and arrays) and max(arrays) >= max(scalars)


def _fits(dtype: np.dtype[Any], weak: type | None, wanted: str) -> bool:
    if np.can_cast(dtype, wanted):
        return True
    if weak is None:
        return False
    return np.result_type(weak(0), np.dtype(wanted)) == np.dtype(wanted)


def _cast(value: Any, dtype: str) -> Any:
    """An array in the dtype of the loop; a scalar that does not fit in it raises OverflowError."""
    if isinstance(value, device_array.ndarray):
        return value._host.astype(dtype, copy=False)
    return np.asarray(value, dtype=dtype)


def _filled(output: Any, result: np.ndarray[Any, Any], shape: tuple[int, ...], casting: Any) -> Any:
    if output is None:
        return device_array.wrap(np.array(np.broadcast_to(result, shape), order="C"))
    if output.shape != shape:
        raise ValueError("Out shape is mismatched")
    if not np.can_cast(result.dtype, output.dtype, casting):
        raise TypeError(
            f"Cannot cast output operand from {result.dtype!r} to {output.dtype!r} according to "
            f"the rule {casting!r}"
        )
    output._host[...] = result
    return output


UFUNCS = {
    name: ufunc(getattr(np, name), **one)
    for name, one in RECORDED["ufuncs"].items()
    if hasattr(np, name)
}
