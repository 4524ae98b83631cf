"""The operators of device arrays, and how methods find the function of their name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}


def module() -> Any:
    """The stand-in for the module `cupy`."""
    return sys.modules[__package__]


def method(name: str, *parameters: str) -> Callable[..., Any]:
    """A method that is the function of the same name, with these parameters and no others."""

    def called(self: Any, *arguments: Any, **named: Any) -> Any:
        if len(arguments) > len(parameters):
            raise TypeError(f"{name}() takes at most {len(parameters)} arguments")
        given = dict(zip(parameters, arguments, strict=False))
        if set(named) - set(parameters) or set(named) & set(given):
            raise TypeError(f"{name}() got an unexpected keyword argument in {sorted(named)}")
        return getattr(module(), name)(self, **given, **named)

    called.__name__ = name
    return called


def binary(name: str) -> Callable[[Any, Any], Any]:
    """x + y: CuPy's ufunc for two device arrays, else NumPy's, which asks both what they are."""

    def operator(x: Any, y: Any) -> Any:
        if isinstance(y, Arithmetic):
            return getattr(module(), name)(x, y)
        if _leaves_to_the_right(y):
            return NotImplemented
        return getattr(np, name)(x, y)

    return operator


def reflected(name: str) -> Callable[[Any, Any], Any]:
    """y + x with the device array on the right."""

    def operator(x: Any, y: Any) -> Any:
        if _leaves_to_the_right(y):
            return NotImplemented
        return getattr(np, name)(y, x)

    return operator


def in_place(name: str) -> Callable[[Any, Any], Any]:
    """x += y."""

    def operator(x: Any, y: Any) -> Any:
        return getattr(module(), name)(x, y, x)

    return operator


def comparison(name: str) -> Callable[[Any, Any], Any]:
    """x < y; a NumPy array without axes counts as its number, and nothing equals None."""

    def operator(x: Any, y: Any) -> Any:
        if isinstance(y, Arithmetic):
            return getattr(module(), name)(x, y)
        if _leaves_to_the_right(y):
            return NotImplemented
        if isinstance(y, np.ndarray) and y.ndim == 0:
            y = y.item()
        if name in {"equal", "not_equal"} and (y is None or _equals_only_itself(y)):
            return module().full(x.shape, name == "not_equal", dtype=np.bool_)
        return getattr(np, name)(x, y)

    return operator


def _equals_only_itself(y: Any) -> bool:
    compare: Any = type(y).__eq__
    return compare is object.__eq__


def _leaves_to_the_right(y: Any) -> bool:
    """Whether y's own operator is to be asked: NumPy's rule for arrays of different kinds."""
    if hasattr(y, "__array_ufunc__"):
        return y.__array_ufunc__ is None
    priority: float = getattr(y, "__array_priority__", 0)
    return priority > Arithmetic.__array_priority__


class Arithmetic:
    """The operators of `cupy.ndarray`."""

    __slots__ = ()
    __array_priority__ = 100
    dtype: np.dtype[Any]

    def __pow__(self, y: Any, modulo: Any = None) -> Any:
        fast = {2: "square", 0.5: "sqrt", -1.0: "reciprocal"}
        if type(y) in {int, float} and y in fast and (type(y) is float or y == 2):
            dtype = np.result_type(self.dtype, y) if self.dtype.kind not in "fc" else None
            return getattr(module(), fast[y])(self, dtype=dtype)
        return binary("power")(self, y)

    __add__, __radd__, __iadd__ = binary("add"), reflected("add"), in_place("add")
    __sub__, __rsub__ = binary("subtract"), reflected("subtract")
    __isub__ = in_place("subtract")
    __mul__, __rmul__ = binary("multiply"), reflected("multiply")
    __imul__ = in_place("multiply")
    __truediv__, __rtruediv__ = binary("true_divide"), reflected("true_divide")
    __itruediv__ = in_place("true_divide")
    __floordiv__, __rfloordiv__ = binary("floor_divide"), reflected("floor_divide")
    __ifloordiv__ = in_place("floor_divide")
    __mod__, __rmod__ = binary("remainder"), reflected("remainder")
    __imod__ = in_place("remainder")
    __divmod__, __rdivmod__ = binary("divmod"), reflected("divmod")
    __rpow__, __ipow__ = reflected("power"), in_place("power")
    __matmul__, __rmatmul__ = binary("matmul"), reflected("matmul")
    __lshift__, __rlshift__ = binary("left_shift"), reflected("left_shift")
    __ilshift__ = in_place("left_shift")
    __rshift__, __rrshift__ = binary("right_shift"), reflected("right_shift")
    __irshift__ = in_place("right_shift")
    __and__, __rand__ = binary("bitwise_and"), reflected("bitwise_and")
    __iand__ = in_place("bitwise_and")
    __or__, __ror__ = binary("bitwise_or"), reflected("bitwise_or")
    __ior__ = in_place("bitwise_or")
    __xor__, __rxor__ = binary("bitwise_xor"), reflected("bitwise_xor")
    __ixor__ = in_place("bitwise_xor")
    __lt__, __le__ = comparison("less"), comparison("less_equal")
    __gt__, __ge__ = comparison("greater"), comparison("greater_equal")
    __eq__, __ne__ = comparison("equal"), comparison("not_equal")
    __neg__ = method("negative")
    __pos__ = method("positive")
    __abs__ = method("absolute")
    __invert__ = method("invert")
