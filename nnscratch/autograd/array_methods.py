"""The operators and methods that every array has, as NumPy's functions applied to the tensor.

NumPy hands these calls to the tape (see `numpy_protocol`), so each operation has one definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from nnscratch.autograd.tensor import Tensor

    Axis = int | tuple[int, ...] | None


class _NumpyOnTensors(Protocol):
    """NumPy's functions, typed by what they return for a Tensor."""

    def __getattr__(self, name: str) -> Callable[..., Tensor]: ...


_numpy = cast("_NumpyOnTensors", np)


class ArrayMethods:
    """Mixin of `Tensor`: Python's operators and NumPy's methods, one line each."""

    __slots__ = ()

    def __add__(self, other: Any) -> Tensor:
        """Sum."""
        return _numpy.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        """Sum."""
        return _numpy.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        """Difference."""
        return _numpy.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        """Difference."""
        return _numpy.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        """Elementwise product."""
        return _numpy.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        """Elementwise product."""
        return _numpy.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        """Quotient."""
        return _numpy.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        """Quotient."""
        return _numpy.divide(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        """Quotient rounded down; its gradient is zero."""
        return _numpy.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        """Quotient rounded down; its gradient is zero."""
        return _numpy.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        """Remainder with the sign of the divisor."""
        return _numpy.mod(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        """Remainder with the sign of the divisor."""
        return _numpy.mod(other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        """Quotient rounded down, and remainder."""
        return _numpy.floor_divide(self, other), _numpy.mod(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        """Quotient rounded down, and remainder."""
        return _numpy.floor_divide(other, self), _numpy.mod(other, self)

    def __pow__(self, other: Any) -> Tensor:
        """Power."""
        return _numpy.power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        """Power."""
        return _numpy.power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        """Matrix product."""
        return _numpy.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        """Matrix product."""
        return _numpy.matmul(other, self)

    def __neg__(self) -> Tensor:
        """Negative."""
        return _numpy.negative(self)

    def __pos__(self) -> Tensor:
        """The same numbers."""
        return _numpy.positive(self)

    def __abs__(self) -> Tensor:
        """Absolute value."""
        return _numpy.absolute(self)

    def __round__(self, digits: int = 0) -> Tensor:
        """Round to `digits` decimals; its gradient is zero."""
        return _numpy.round(self, digits)

    def __floor__(self) -> Tensor:
        """Round down; its gradient is zero."""
        return _numpy.floor(self)

    def __ceil__(self) -> Tensor:
        """Round up; its gradient is zero."""
        return _numpy.ceil(self)

    def __trunc__(self) -> Tensor:
        """Round towards zero; its gradient is zero."""
        return _numpy.trunc(self)

    def __invert__(self) -> Tensor:
        """Logical or bitwise not."""
        return _numpy.invert(self)

    def __and__(self, other: Any) -> Tensor:
        """Logical or bitwise and."""
        return _numpy.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        """Logical or bitwise and."""
        return _numpy.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        """Logical or bitwise or."""
        return _numpy.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        """Logical or bitwise or."""
        return _numpy.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        """Logical or bitwise exclusive or."""
        return _numpy.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        """Logical or bitwise exclusive or."""
        return _numpy.bitwise_xor(other, self)

    def __lt__(self, other: Any) -> Tensor:
        """Compare elementwise; the result is boolean."""
        return _numpy.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        """Compare elementwise; the result is boolean."""
        return _numpy.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        """Compare elementwise; the result is boolean."""
        return _numpy.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        """Compare elementwise; the result is boolean."""
        return _numpy.greater_equal(self, other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override] # elementwise, as in NumPy
        """Compare elementwise; the result is boolean."""
        return _numpy.equal(self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override] # elementwise, as in NumPy
        """Compare elementwise; the result is boolean."""
        return _numpy.not_equal(self, other)

    # --- NumPy's methods ----------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return _numpy.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged: each matrix of a batch transposed."""
        return _numpy.swapaxes(self, -1, -2)

    def astype(self, dtype: npt.DTypeLike) -> Tensor:
        """Convert to another dtype; gradients flow between floating-point dtypes."""
        return _numpy.astype(self, dtype)

    def copy(self) -> Tensor:
        """The same numbers in memory of their own; gradients flow."""
        return _numpy.copy(self)

    def flatten(self) -> Tensor:
        """All elements along one axis."""
        return _numpy.ravel(self)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape."""
        return _numpy.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes permuted, by default reversed."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return _numpy.transpose(self, order)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Each element repeated."""
        return _numpy.repeat(self, repeats, axis=axis)

    def squeeze(self, axis: Axis = None) -> Tensor:
        """Axes of length one removed."""
        return _numpy.squeeze(self, axis=axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged."""
        return _numpy.swapaxes(self, axis1, axis2)

    def ravel(self) -> Tensor:
        """All elements along one axis."""
        return _numpy.ravel(self)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """Elements by their indices along an axis."""
        return _numpy.take(self, indices, axis=axis)

    def dot(self, other: Any) -> Tensor:
        """NumPy's dot product."""
        return _numpy.dot(self, other)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Every element limited to an interval."""
        return _numpy.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Round to `decimals`; its gradient is zero."""
        return _numpy.round(self, decimals)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Sum over `axis`."""
        return _numpy.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Mean over `axis`."""
        return _numpy.mean(self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Product over `axis`."""
        return _numpy.prod(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element over `axis`; equal ones share the gradient."""
        return _numpy.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element over `axis`; equal ones share the gradient."""
        return _numpy.min(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance over `axis`, divided by N - ddof."""
        return _numpy.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation over `axis`, from the variance divided by N - ddof."""
        return _numpy.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Running sum."""
        return _numpy.cumsum(self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Running product."""
        return _numpy.cumprod(self, axis=axis)

    def argmax(self, axis: int | None = None) -> Tensor:
        """Index of the largest element."""
        return _numpy.argmax(self, axis=axis)

    def argmin(self, axis: int | None = None) -> Tensor:
        """Index of the smallest element."""
        return _numpy.argmin(self, axis=axis)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether every element is true."""
        return _numpy.all(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether some element is true."""
        return _numpy.any(self, axis=axis, keepdims=keepdims)
