"""Tensor: an array that remembers how it was made.

Its operators and methods (`array_methods`) are NumPy's functions applied to itself, and NumPy
sends those to the tape (`numpy_protocol`): one definition of each operation, in `nnscratch.ops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import nnscratch.autograd  # `backward` builds Tensors, so it is looked up when it is called
from nnscratch.autograd.array_methods import ArrayMethods
from nnscratch.autograd.numpy_protocol import call_function, call_ufunc
from nnscratch_kernels.devices import (
    CPU,
    checked_device,
    current_device,
    device_of,
    is_on_gpu,
    on_host,
    to_device,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    import nnscratch.autograd.backward
    from nnscratch.autograd.tape import Node


class Tensor(ArrayMethods):
    """An n-dimensional array that can be differentiated.

    Attributes:
        data: the numbers, a NumPy (or CuPy) array. `Tensor(array)` shares memory with `array`.
        requires_grad: whether gradients flow to or through this tensor.
        grad: the gradient of the last `backward`, a Tensor of this shape and dtype; None before.
        node: the tape's record of the op that made it; None for a leaf.
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "output_index", "requires_grad")

    data: Any
    grad: Tensor | None
    node: Node | None
    output_index: int
    requires_grad: bool

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: npt.DTypeLike | None = None
    ) -> None:
        """Wrap `data` (an array, a number, nested lists of numbers).

        An array of CuPy and a tensor stay where they are; under `ns.device("gpu")` anything else is
        copied to that device.

        Raises:
            TypeError: data that is not numeric, or a gradient asked for on integers or booleans.
        """
        if isinstance(data, Tensor):
            array = _as_array(data.data, dtype)
        else:
            array = placed(_as_array(data, dtype))
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"Only floating-point tensors can require gradients, got {array.dtype}: "
                f"convert with t.astype(np.float32)."
            )
        self.data = array
        self.grad = self.node = None
        self.output_index = 0
        self.requires_grad = requires_grad

    # --- what it is ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        shape: tuple[int, ...] = self.data.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        ndim: int = self.data.ndim
        return ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        size: int = self.data.size
        return size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = self.data.dtype
        return dtype

    @property
    def device(self) -> str:
        """Where the numbers are: "cpu" or "gpu:0"."""
        return device_of(self.data)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it."""
        return self.node is None

    def __repr__(self) -> str:
        """Show the numbers, and the op that made them."""
        prefix = f"{type(self).__name__}("
        text = np.array2string(on_host(self.data), separator=", ", prefix=prefix)
        dtype = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        device = f", device='{self.device}'" if is_on_gpu(self.data) else ""
        made_by = f", made by {self.node.op.name}" if self.node else ""
        asked = ", requires_grad=True" if self.requires_grad and self.node is None else ""
        return f"{prefix}{text}{dtype}{device}{made_by}{asked})"

    def _repr_html_(self) -> str:
        """Show a notebook a table: shape, numbers, gradient, and how they came about."""
        from nnscratch.explainer.cell import cell  # only notebooks need it

        return cell(self)

    def __format__(self, specification: str) -> str:
        """Format the one element, as in f"{loss:.4f}"."""
        return format(self.item(), specification) if specification else repr(self)

    def __len__(self) -> int:
        """Length of the first axis."""
        if not self.shape:
            raise TypeError("A Tensor of shape () has no length.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        """Walk along the first axis."""
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        """Truth of a tensor with one element."""
        if self.size != 1:
            raise ValueError(
                f"A Tensor of shape {self.shape} is neither true nor false: use t.any() or t.all()."
            )
        return bool(self.data)

    def __contains__(self, value: Any) -> bool:
        """Whether some element equals `value`."""
        return bool(np.any(self.data == (value.data if isinstance(value, Tensor) else value)))

    def __float__(self) -> float:
        """The one element as a Python float."""
        return float(self.item())

    def __int__(self) -> int:
        """The one element as a Python int."""
        return int(self.item())

    def __index__(self) -> int:
        """The one integer element, so that it can index a list."""
        return on_host(self.data).__index__()  # type: ignore[no-any-return] # NumPy's own __index__

    __hash__ = object.__hash__

    # --- out of the tape ----------------------------------------------------------------------

    def numpy(self) -> Any:
        """The numbers as a NumPy array, cut off from the tape: the same memory, or a GPU's copy."""
        return on_host(self.data)

    def item(self) -> Any:
        """The one element as a Python number."""
        if self.size != 1:
            raise ValueError(
                f"item() needs a tensor of one element, got shape {self.shape}: "
                f"index it first, or reduce it with .sum() or .mean()."
            )
        return self.data.item()

    def tolist(self) -> Any:
        """The numbers as nested Python lists."""
        return self.data.tolist()

    def detach(self) -> Tensor:
        """A tensor of the same memory through which no gradient flows."""
        return wrap(self.data, None, 0)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Any:
        """Convert for a library that knows only arrays, unless a gradient would be lost."""
        if self.requires_grad:
            raise TypeError(
                "A Tensor that requires a gradient was about to become a plain array, and the "
                "gradient would be lost: use np.… or ns.ops on it, ns.array([...]) to join tensors "
                "and numbers, or t.detach() if no gradient should flow."
            )
        if is_on_gpu(self.data):
            raise TypeError(
                f"A Tensor on {self.device} was about to be copied into an array of NumPy unasked: "
                f"use t.numpy() to copy it, or np.… and ns.ops to compute where it is."
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    # --- devices ------------------------------------------------------------------------------

    def to(self, device: str) -> Tensor:
        """The same numbers on a device, differentiable; the tensor itself if it is there already.

        Gradients flow back to where this tensor is.

        Args:
            device: "cpu" or "gpu".

        Raises:
            ValueError: another name.
            RuntimeError: no GPU, or no CuPy, with the remedy.
        """
        name = checked_device(device)
        if device_of(self.data) == name:
            return self
        moved: Tensor = nnscratch.autograd.OPS["to_device"](self, device=name)
        return moved

    # --- into the tape ------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Answer NumPy's elementwise functions."""
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Answer NumPy's other functions."""
        return call_function(func, args, kwargs)

    # --- gradients ----------------------------------------------------------------------------

    def backward(
        self, gradient: Any = None, create_graph: bool = False, retain_graph: bool = False
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that it was made from.

        Args:
            gradient: the cotangent to start from, of this tensor's shape; 1 for a scalar.
            create_graph: record the backward pass too, so that `.grad` can be differentiated.
            retain_graph: keep the tape for a second `backward`; implied by `create_graph`.

        Raises:
            RuntimeError: nothing here requires a gradient, or the tape was already used up.
            ValueError: not a scalar and no `gradient` given, or one of another shape.
        """
        nnscratch.autograd.backward.backward(self, gradient, create_graph, retain_graph)

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next `backward` starts anew instead of adding."""
        self.grad = None

    def retain_grad(self) -> Tensor:
        """Keep this intermediate's gradient too: `backward` fills its `.grad`. Returns itself."""
        if self.node is not None:
            self.node.keep_gradient_in(self)
        return self

    # --- elements -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        """Select by NumPy's indexing: integers, slices, masks, index arrays."""
        return INDEXING["getitem"](self, plain_index(index))

    @property
    def at(self) -> At:
        """Differentiable updates: `t.at[i].set(v)` and `t.at[i].add(v)` give new tensors."""
        return At(self)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Overwrite elements of a tensor that no gradient depends on; from any device.

        Raises:
            RuntimeError: the tensor, or the value, is part of a recorded computation.
        """
        if self.requires_grad or getattr(value, "requires_grad", False):
            raise RuntimeError(
                "t[i] = v would change a tensor that a gradient depends on: write "
                "t = t.at[i].set(v), or t.at[i].add(v), which are differentiable."
            )
        self.data[plain_index(index)] = _brought(value, self.data)


class Parameter(Tensor):
    """A tensor that is trained: it requires a gradient from the start and has a name.

    Attributes:
        name: what messages and files call it, such as "kernel".
        grad_storage: where an optimizer wants its gradient, a view of one buffer for all
            parameters; None until an optimizer asks.
        regularizer: a penalty on its values that training adds to the loss, or None.
        constraint: what its values are mapped to after every update, or None.
    """

    __slots__ = ("constraint", "grad_storage", "name", "regularizer")

    name: str
    grad_storage: Tensor | None
    regularizer: Callable[..., Any] | None
    constraint: Callable[..., Any] | None

    def __init__(
        self,
        data: Any,
        dtype: npt.DTypeLike | None = None,
        name: str = "parameter",
        trainable: bool = True,
    ) -> None:
        """Wrap `data`, which must be floating-point."""
        super().__init__(data, requires_grad=True, dtype=dtype)
        self.requires_grad = trainable
        self.name = name
        self.grad_storage = self.regularizer = self.constraint = None

    @property
    def trainable(self) -> bool:
        """Whether optimizers may change it: then, and only then, it gets a gradient."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.requires_grad = value
        self.grad = None

    def assign(self, values: Any) -> None:
        """Overwrite its numbers in place, from any device; broadcasting and its dtype apply.

        Raises:
            ValueError: `values` does not broadcast to the parameter's shape; nothing is changed.
        """
        source = _brought(values, self.data)
        try:
            self.data[...] = source
        except ValueError:
            raise ValueError(
                f"Parameter {self.name!r} has shape {self.shape} and cannot be assigned values of "
                f"shape {np.shape(source)}: give values that broadcast to its shape."
            ) from None


class At:
    """`t.at`: choose elements by `t.at[index]`, then `.set(v)` or `.add(v)`."""

    __slots__ = ("index", "tensor")

    def __init__(self, tensor: Tensor, index: Any = ()) -> None:
        """Point at the elements of `tensor` that `index` selects."""
        self.tensor = tensor
        self.index = index

    def __getitem__(self, index: Any) -> At:
        """Choose the elements."""
        return At(self.tensor, plain_index(index))

    def set(self, value: Any) -> Tensor:
        """A copy in which the chosen elements are `value`; of duplicates the last one wins."""
        return INDEXING["set_at"](self.tensor, value, self.index)

    def add(self, value: Any) -> Tensor:
        """A copy in which `value` is added to the chosen elements; duplicates add up."""
        return INDEXING["add_at"](self.tensor, value, self.index)


INDEXING: dict[str, Callable[..., Tensor]] = {}
"""The ops behind `t[i]` and `t.at[i]`, for which NumPy has no function; `ops.indexing` fills it."""


def tensor(data: Any, requires_grad: bool = False, dtype: npt.DTypeLike | None = None) -> Tensor:
    """A tensor with a copy of `data`; `Tensor(data)` shares memory with an array instead.

    Data on the host is copied to the device that `ns.device` names; what is on a GPU stays there.
    """
    made = Tensor(data, dtype=dtype)
    made.data = made.data.copy()
    return Tensor(made, requires_grad)


_SCALARS = (np.generic, int, float)


def wrap(data: Any, node: Node | None, output_index: int) -> Tensor:
    """A tensor around the result of an op, or around numbers that nothing recorded."""
    result = Tensor.__new__(Tensor)
    if isinstance(data, _SCALARS):
        data = np.asarray(data)
    if node is not None and data.dtype.kind != "f":
        node = None
    result.data = data
    result.grad = None
    result.node = node
    result.output_index = output_index
    result.requires_grad = node is not None
    return result


def plain_index(index: Any) -> Any:
    """An index in which tensors are replaced by their arrays."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    return index.data if isinstance(index, Tensor) else index


def point_at(array: Any) -> Tensor:
    """A leaf to differentiate at: around an array, where that is."""
    point = wrap(array, None, 0)
    point.requires_grad = True
    return point


def placed(array: Any) -> Any:
    """A plain array on the device where new tensors are made; one on a GPU stays there."""
    device = current_device()
    return array if device == CPU or is_on_gpu(array) else to_device(array, device)


def _brought(value: Any, array: Any) -> Any:
    """What shall be written into an array: on its device, copied there from any other."""
    value = value.data if isinstance(value, Tensor) else value
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    is_array = isinstance(value, np.ndarray) or is_on_gpu(value)
    return to_device(value, device_of(array)) if is_array else value


def _as_array(data: Any, dtype: npt.DTypeLike | None) -> Any:
    if hasattr(data, "__cuda_array_interface__"):
        return data if dtype is None else data.astype(dtype)
    try:
        array = np.asarray(data)
    except ValueError:
        raise TypeError(
            f"A Tensor needs rectangular data, got a {type(data).__name__} whose rows differ in "
            f"length: pad the shorter ones to one length."
        ) from None
    target = array.dtype if dtype is None else np.dtype(dtype)
    if array.dtype.kind not in "biuf" or target.kind not in "biuf":
        unfit = target if array.dtype.kind in "biuf" else array.dtype
        raise TypeError(
            f"A Tensor holds real numbers or booleans, got {unfit} from "
            f"{type(data).__name__}: convert the data to numbers first."
        )
    return array if dtype is None else np.asarray(data, dtype=dtype)
