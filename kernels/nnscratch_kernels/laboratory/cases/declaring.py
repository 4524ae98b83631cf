"""What a case is, and what the declarations of cases are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch_kernels import aligned, auto
from nnscratch_kernels.devices import is_on_gpu, to_device
from nnscratch_kernels.dispatch import WORK, amount_of_work

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FUNCTION = 16
"""Operations of an exponential, a logarithm or a tangent, about: a polynomial and its reduction."""

Peer = Callable[..., Any]
"""The same kernel elsewhere: called with the package and with the arguments as its own arrays."""


class Prepared(NamedTuple):
    """A peer that is set up before the clock starts.

    Attributes:
        make: called as a `Peer` is, once; gives a function without arguments, which is timed.
        same: whether that function gives the same numbers as ours.
    """

    make: Callable[..., Callable[[], Any]]
    same: bool = True


@dataclass(frozen=True)
class Recipe:
    """How to make a case, and what it costs.

    Attributes:
        kernel: the name of the kernel.
        arguments: draws the positional arguments.
        operations: floating-point operations, a function of the arguments.
        options: the named arguments.
        changes: the places of the arguments that the kernel changes.
        moved: bytes, a function of the arguments; None for every array once.
        torch: the same in PyTorch, if it has it.
        jax: the same in JAX, if it has it.
    """

    kernel: str
    arguments: Callable[[Draw], tuple[Any, ...]]
    operations: Callable[..., float]
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[int, ...] = ()
    moved: Callable[..., float] | None = None
    torch: Peer | Prepared | None = None
    jax: Peer | Prepared | None = None


@dataclass(frozen=True)
class Case:
    """A kernel with arguments.

    Attributes:
        name: of the case, which begins with the kernel's.
        recipe: what it was made from.
        arguments: the positional arguments.
    """

    name: str
    recipe: Recipe
    arguments: tuple[Any, ...]

    def on(self, device: str) -> Case:
        """The same case with its arrays on a device, "cpu" or "gpu:0"."""
        return replace(self, arguments=converted(self.arguments, lambda it: to_device(it, device)))

    def call(self, kernel: Callable[..., Any]) -> Callable[[], Any]:
        """A function without arguments that calls `kernel` on a copy of the arguments."""
        arguments, options = converted(self.arguments, _copy), dict(self.recipe.options)
        return lambda: kernel(*arguments, **options)

    def run(self, kernel: Callable[..., Any]) -> list[Array]:
        """What `kernel` gives: its results, and the arguments that it changes."""
        arguments = converted(self.arguments, _copy)
        results = kernel(*arguments, **self.recipe.options)
        return list(arrays_of((results, [arguments[place] for place in self.recipe.changes])))

    @cached_property
    def size(self) -> int:
        """Elements of the argument that dispatch looks at, as it counts them."""
        return amount_of_work(self.arguments[WORK.get(self.recipe.kernel, 0)])[0]

    @cached_property
    def operations(self) -> float:
        """Floating-point operations."""
        return float(self.recipe.operations(*self.arguments))

    @cached_property
    def bytes_moved(self) -> float:
        """Bytes of every array that is read or written, each counted once."""
        if self.recipe.moved:
            return float(self.recipe.moved(*self.arguments))
        results = self.run(getattr(auto, self.recipe.kernel))
        read = {id(array): array for array in arrays_of(self.arguments)}.values()
        return float(sum(array.nbytes for array in (*read, *results)))


class Draw:
    """Draws the arguments of a case, with the same numbers every time.

    Attributes:
        count: about how many elements are wanted.
        dtype: float32 or float64.
    """

    def __init__(self, count: int, dtype: np.dtype[Any]) -> None:
        self.count = count
        self.dtype = dtype
        self._generator = np.random.default_rng(count)

    def normal(self, *shape: int, scale: float = 1.0) -> Array:
        """Normally distributed numbers; a vector of `count` if no shape is given."""
        kind: Any = self.dtype
        drawn = self._generator.standard_normal(shape or self.count, dtype=kind)
        drawn *= scale
        return drawn

    def positive(self, *shape: int) -> Array:
        """Evenly distributed numbers in (0, 1]."""
        kind: Any = self.dtype
        return 1 - self._generator.random(shape or self.count, dtype=kind)

    def integers(self, below: int, *shape: int) -> Array:
        """Integers from 0 to `below` - 1."""
        return self._generator.integers(below, size=shape)

    def matrix(self, columns: int = 1024) -> tuple[int, int]:
        """Rows and columns of a matrix, as square as it can be with so many columns at most."""
        columns = min(columns, 1 << round(np.log2(self.count) / 2))
        return max(1, self.count // columns), columns

    def images(self) -> tuple[int, int, int, int]:
        """Batch, height, width and channels: up to 32×32 with 64 channels, then more images."""
        channels = min(64, 1 << round(np.log2(self.count) / 3))
        side = min(32, max(1, round((self.count / channels) ** 0.5)))
        return max(1, self.count // (channels * side * side)), side, side, channels


def arrays_of(results: Any) -> Iterable[Array]:
    """All arrays and numbers in nested tuples and lists, as arrays; None and words are left out."""
    if isinstance(results, tuple | list):
        for result in results:
            yield from arrays_of(result)
    elif is_on_gpu(results):
        yield results
    elif isinstance(results, np.ndarray | np.generic | float) or type(results) is int:
        yield np.asarray(results)


def elementwise(
    kernel: str, operations: float, torch: Any = None, jax: Any = None, **options: Any
) -> Recipe:
    """A case of one vector of normally distributed numbers, on both sides of all bends."""
    return Recipe(
        kernel,
        lambda draw: (draw.normal(scale=3.0),),
        lambda x: operations * x.size,
        options,
        torch=torch,
        jax=jax,
    )


def converted(arguments: Any, convert: Callable[[Any], Any]) -> Any:
    """The arguments with every array converted, the same one to the same, also in lists."""
    made: dict[int, Any] = {}

    def of(argument: Any) -> Any:
        if isinstance(argument, tuple | list):
            return type(argument)(map(of, argument))
        if not isinstance(argument, np.ndarray) and not is_on_gpu(argument):
            return argument
        if id(argument) not in made:
            made[id(argument)] = convert(argument)
        return made[id(argument)]

    return of(arguments)


def _copy(array: Any) -> Any:
    return aligned.full_like(array, array)
