"""The declaration of an op, and what happens when one is called.

An op is declared once: what it computes, the gradient for each argument, the formula that says
why, and sample inputs. The NumPy alias, the tests and the table in the docs are read from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import anomaly
from nnscratch.autograd.modes import CURRENT_MODE
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS
from nnscratch.autograd.placement import explain
from nnscratch.autograd.tape import Node
from nnscratch.autograd.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from nnscratch.autograd.samples import Sample, SampleSource

    Samples = Callable[[SampleSource], list[Sample]]
    Torch = str | Callable[..., Any]

OPS: dict[str, Op | Composite] = {}
_SEQUENCES = frozenset((list, tuple))


class Declared:
    """What every entry of the op table says of itself.

    Attributes:
        name: its name in `ns.ops`.
        formula: what it computes, as LaTeX.
        samples: a function from a `SampleSource` to calls that the tests try.
        torch: PyTorch's function of the same arguments: its dotted name, or a function of the
            module `torch`, the arguments and the parameters; None where PyTorch has none.
        numpy: the NumPy function or functions that it stands for.
    """

    def __init__(
        self,
        name: str,
        *,
        formula: str,
        samples: Samples | None,
        torch: Torch | None,
        numpy: Sequence[Callable[..., Any]],
    ) -> None:
        """Enter the declaration into the op table and answer for its NumPy functions."""
        if name in OPS:
            raise ValueError(f"The op '{name}' is declared twice; choose another name.")
        self.name = self.__name__ = name
        self.formula = formula
        self.samples = samples
        self.torch = torch
        self.numpy = tuple(numpy)
        OPS[name] = self  # type: ignore[assignment] # only the two subclasses below are made
        for function in self.numpy:
            NUMPY_FUNCTIONS[function] = self  # type: ignore[assignment] # both are callable

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The op itself: a copied model computes with the same ops, which are known by identity."""
        return self


class Op(Declared):
    """A primitive: a pure function of arrays and named parameters, with its gradient.

    `vjps` holds, for each array argument, a function `(g, y, *arrays, **params)` that turns the
    cotangent `g` of the result `y` into the cotangent of that argument, or None where the result
    does not depend smoothly on it. It is written in plain NumPy, so it runs on arrays and, for
    gradients of gradients, on tensors. It need not undo broadcasting: the backward walk does.

    An op of any number of arrays (`variadic`) has one rule, `(i, g, y, *arrays, **params)` for
    argument i. An op with `joint=True` has one rule `(wanted, g, y, *arrays, **params)` that gives
    the gradients of all arguments at once, a fused kernel's way. An op with several results gets
    tuples for `g` and `y`. An op without `vjps` has no gradient anywhere (a comparison).
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *,
        vjps: Sequence[Callable[..., Any] | None] = (),
        arity: int | None = None,
        variadic: bool = False,
        joint: bool = False,
        derivative: str = "",
        **declared: Any,
    ) -> None:
        """Declare the op; `arity` is the number of array arguments, by default one a rule."""
        super().__init__(name, **declared)
        self.forward = forward
        self.vjps = tuple(vjps)
        self.arity = len(self.vjps) if arity is None else arity
        self.variadic = variadic
        self.joint = joint
        self.derivative = derivative
        self.differentiable = any(vjp is not None for vjp in self.vjps)
        self.names, self.positional, self.defaults = _signature(forward)
        parameters = self.names[self.arity :] if not variadic else tuple(self.defaults)
        # Present when every parameter has a default: a call may then skip sorting its arguments.
        self._optional = (
            {name: self.defaults[name] for name in parameters}
            if all(name in self.defaults for name in parameters)
            else None
        )
        self.__doc__ = forward.__doc__

    def __repr__(self) -> str:
        """Show the op by name."""
        return f"<op {self.name}>"

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply the op: arrays give arrays, tensors give recorded tensors.

        Raises:
            TypeError: an argument that the op does not know.
        """
        optional = self._optional
        if optional is not None and (self.variadic or len(args) == self.arity):
            if not params:
                return self.record(args, optional)
            merged = optional | params
            if len(merged) == len(optional):  # no name that the op does not know
                return self.record(args, merged)
        return self.record(*self._separate(args, params))

    def record(self, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute, and link a node to the tape if a gradient may be asked for.

        Raises:
            DeviceError: arrays on different devices, or on a GPU for which CuPy lacks the function.
        """
        is_tensor = False
        arrays = []
        wanted = []
        for arg in args:
            if isinstance(arg, Tensor):
                is_tensor = True
                arrays.append(arg.data)
                wanted.append(arg.requires_grad)
            else:  # rules may ask any operand for its shape
                arrays.append(np.asarray(arg) if type(arg) in _SEQUENCES else arg)
                wanted.append(False)
        try:
            result = self.forward(*arrays, **params)
        except Exception as error:
            explain(error, self.name, arrays, params)
            raise
        if not is_tensor:
            return result
        several = isinstance(result, tuple)
        outputs = result if several else (result,)
        mode = CURRENT_MODE.get()
        origin = None
        if mode.anomaly:
            origin = anomaly.user_origin()
            anomaly.check_forward(self, arrays, outputs, origin)
        node = None
        if mode.recording and self.differentiable and True in wanted:
            if mode.origins and origin is None:
                origin = anomaly.user_origin()
            node = Node(self, args, arrays, params, outputs, wanted, origin)
        made: Any
        if several:
            made = tuple(wrap(output, node, i) for i, output in enumerate(outputs))
            if hasattr(result, "_make"):  # NumPy names the results of some: np.linalg.svd(a).S
                made = type(result)._make(made)
        else:
            made = wrap(result, node, 0)
        if mode.trace is not None:
            mode.trace(self, args, params, made)
        return made

    def gradients(
        self, wanted: Sequence[bool], g: Any, y: Any, arrays: Sequence[Any], params: dict[str, Any]
    ) -> Sequence[Any]:
        """The cotangent of each wanted argument; None for the others."""
        if self.joint:
            gradients: Sequence[Any] = self.vjps[0](wanted, g, y, *arrays, **params)  # type: ignore[misc] # a joint op has its rule
            return gradients
        if self.variadic:
            rule = self.vjps[0]
            return [
                rule(i, g, y, *arrays, **params) if want and rule is not None else None
                for i, want in enumerate(wanted)
            ]
        return [
            vjp(g, y, *arrays, **params) if want and vjp is not None else None
            for want, vjp in zip(wanted, self.vjps, strict=True)
        ]

    def _separate(
        self, args: tuple[Any, ...], params: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort a call's arguments into arrays (by position) and parameters (by name)."""
        named = dict(zip(self.names, args, strict=False)) | params
        unknown = [name for name in named if name not in self.names]
        given = self.defaults | named
        missing = [name for name in self.names if name not in given]
        if unknown or missing or len(args) > self.positional:
            problem = (
                f"no {missing[0]!r}" if missing else f"{unknown or f'{len(args)} by position'}"
            )
            raise TypeError(
                f"{self.name} on a Tensor takes ({', '.join(self.names)}), got {problem}."
            )
        arrays = tuple(given.pop(name) for name in self.names[: self.arity])
        return arrays, given


class Composite(Declared):
    """A function written with other ops: it has no gradient rule, since its parts have theirs."""

    def __init__(self, name: str, function: Callable[..., Any], **declared: Any) -> None:
        """Declare the function under NumPy's name for it."""
        super().__init__(name, **declared)
        self.function = function
        self.names = frozenset(_signature(function)[0])
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        """Show the function by name."""
        return f"<composite op {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Raises:
            TypeError: a named argument that it does not know.
            DeviceError: arrays on different devices, or on a GPU for which CuPy lacks the function.
        """
        if kwargs and not self.names.issuperset(kwargs):
            raise TypeError(
                f"{self.name} on a Tensor takes ({', '.join(_signature(self.function)[0])}), got "
                f"{[name for name in kwargs if name not in self.names]}."
            )
        try:
            return self.function(*args, **kwargs)
        except Exception as error:
            explain(error, self.name, args, kwargs)
            raise


def composite(
    name: str,
    *,
    formula: str,
    samples: Samples,
    torch: Torch | None = None,
    numpy: Sequence[Callable[..., Any]] = (),
) -> Callable[[Callable[..., Any]], Composite]:
    """Decorate a function written with other ops, to enter it into the op table."""
    return lambda function: Composite(
        name, function, formula=formula, samples=samples, torch=torch, numpy=numpy
    )


def op(
    name: str,
    *,
    formula: str,
    samples: Samples,
    derivative: str = "",
    vjps: Sequence[Callable[..., Any] | None] = (),
    arity: int | None = None,
    variadic: bool = False,
    joint: bool = False,
    torch: Torch | None = None,
    numpy: Sequence[Callable[..., Any]] = (),
) -> Callable[[Callable[..., Any]], Op]:
    """Decorate the forward computation of an op, to enter it into the op table with its rules."""
    return lambda forward: Op(
        name,
        forward,
        vjps=vjps,
        arity=arity,
        variadic=variadic,
        joint=joint,
        derivative=derivative,
        formula=formula,
        samples=samples,
        torch=torch,
        numpy=numpy,
    )


def _signature(forward: Callable[..., Any]) -> tuple[tuple[str, ...], int, dict[str, Any]]:
    """The names of a function's arguments, how many go by position, and the defaults.

    It reads the code object itself, since `inspect` would double the package's import time.
    """
    forward = getattr(forward, "__wrapped__", forward)  # a kernel under dispatch
    code = getattr(forward, "__code__", None)
    if code is None:  # a ufunc: arrays only, by position
        return (), 0, {}
    positional = code.co_varnames[: code.co_argcount]
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    values = forward.__defaults__ or ()
    defaults = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
    return positional + keyword_only, len(positional), defaults | (forward.__kwdefaults__ or {})
