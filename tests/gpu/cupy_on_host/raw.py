"""`RawModule` for machines without a GPU: runs CUDA kernels on the host, and is stricter than CUDA.

What a GPU would take silently is an error here: a number of another size than its parameter, an
array of another dtype, an address outside every array, threads that miss a barrier. Each launch
runs blocks and threads in another order, the same in every run of the program.

CuPy gives every source the option -ftz=true, with which a subnormal float32 counts as 0 wherever it
is computed with. So it does here, in kernels that have a parameter of float32.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from . import cuda_compiler
from .cuda_compiler import CompileError, CompilerMissingError, compiler

if TYPE_CHECKING:
    from .cuda_compiler import Declaration

__all__ = ["CompileError", "CompilerMissingError", "KernelError", "RawModule", "compiler"]

MOST_THREADS = (1024, 1024, 64)
MOST_BLOCKS = (2**31 - 1, 65535, 65535)

_launching = threading.Lock()
_orders = itertools.count()


class KernelError(RuntimeError):
    """A kernel did what has no meaning in CUDA, or what a GPU would stop it for."""


class _Parameter(ctypes.Structure):
    _fields_ = (
        ("is_pointer", ctypes.c_int),
        ("is_constant", ctypes.c_int),
        ("size", ctypes.c_int),
        ("alignment", ctypes.c_int),
        ("kind", ctypes.c_char),
    )


class _Kernel(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("most_threads", ctypes.c_longlong),
        ("count", ctypes.c_int),
        ("parameters", ctypes.POINTER(_Parameter)),
    )


class _Region(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("memory", ctypes.c_void_p),
        ("bytes", ctypes.c_int64),
        ("is_writable", ctypes.c_int),
    )


class _Launch(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("arguments", ctypes.POINTER(ctypes.c_void_p)),
        ("regions_of", ctypes.POINTER(ctypes.c_int)),
        ("argument_count", ctypes.c_int),
        ("regions", ctypes.POINTER(_Region)),
        ("region_count", ctypes.c_int),
        ("shared_memory", ctypes.c_void_p),
        ("flushes", ctypes.c_int),
        ("seed", ctypes.c_uint64),
        ("error", ctypes.c_char_p),
        ("error_bytes", ctypes.c_int),
    )


def restart_orders() -> None:
    """Let the next launch have the order of a program's first one."""
    global _orders
    _orders = itertools.count()


class RawModule:
    """The kernels of one CUDA source, compiled when the first is asked for.

    Args:
        code: CUDA C++ as NVRTC takes it.
        options: of NVRTC: `-std=…` and `-DNAME=VALUE` count here, those about speed do not.
        backend: "nvrtc" or "nvcc"; here g++ stands for both.
        name_expressions: not offered: kernels are `extern "C"`.
    """

    def __init__(
        self,
        *,
        code: str,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        name_expressions: Any = None,
    ) -> None:
        if not isinstance(options, tuple):
            raise TypeError(
                f"The options of a RawModule are a tuple, not {type(options).__name__}."
            )
        if backend not in ("nvrtc", "nvcc"):
            raise ValueError(f"A RawModule's backend is 'nvrtc' or 'nvcc', not {backend!r}.")
        if name_expressions is not None:
            raise NotImplementedError(
                'On the host a RawModule has no name_expressions: declare kernels extern "C".'
            )
        self._code = code
        self._options = cuda_compiler.host_options(options)
        self._kernels: dict[str, RawKernel] | None = None

    def get_function(self, name: str) -> RawKernel:
        """The kernel of this name.

        Raises:
            CompileError: the source does not compile.
            CompilerMissingError: there is no g++ here.
        """
        if self._kernels is None:
            self._kernels = self._compile()
        if name not in self._kernels:
            raise AttributeError(
                f'The source has no kernel {name!r} declared as extern "C" __global__ void; '
                f"it has {', '.join(self._kernels) or 'none'}."
            )
        return self._kernels[name]

    def _compile(self) -> dict[str, RawKernel]:
        declared = cuda_compiler.declarations(self._code, self._options)
        library = cuda_compiler.module(self._code, declared, self._options)
        found = (_Kernel * len(declared)).in_dll(library, "cuda_kernels")
        shared_memory = ctypes.addressof(ctypes.c_void_p.in_dll(library, "cuda_shared_memory"))
        return {
            declaration.name: RawKernel(declaration, kernel, shared_memory)
            for declaration, kernel in zip(declared, found, strict=True)
        }


class RawKernel:
    """One kernel: call it with a grid, a block and arguments, and it has run."""

    def __init__(self, declaration: Declaration, kernel: _Kernel, shared_memory: int) -> None:
        self.name = declaration.name
        self._declared = declaration.parameters
        self._parameters = kernel.parameters[: kernel.count]
        self._most_threads = kernel.most_threads
        self._flushes = any(it.kind == b"f" and it.size == 4 for it in self._parameters)
        self._run = kernel.run
        self._shared_memory = shared_memory

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: tuple[Any, ...],
        *,
        shared_mem: int = 0,
    ) -> None:
        """Run the grid.

        Args:
            grid: blocks along x, y and z; those left out are 1.
            block: threads of a block, likewise.
            args: stand-in arrays, NumPy scalars, and Python numbers as CuPy takes them (an int or
                bool as int64, a float as float64).
            shared_mem: only 0 is offered: shared arrays are static.

        Raises:
            TypeError: an argument does not fit its parameter.
            ValueError: the grid, the block, or arrays that CUDA cannot take.
            KernelError: the kernel made a mistake; all arrays are as they were.
        """
        if shared_mem:
            raise NotImplementedError(f"Kernel {self.name!r}: shared arrays must be static.")
        launch = _Launch(name=self.name.encode(), run=self._run)
        launch.grid[:] = self._extent("grid", grid, MOST_BLOCKS)
        launch.block[:] = self._extent("block", block, MOST_THREADS)
        threads = math.prod(launch.block)
        if threads > self._most_threads:
            raise ValueError(
                f"Kernel {self.name!r} runs at most {self._most_threads} threads in a block, "
                f"not {threads}."
            )
        values, regions_of, regions = self._arguments(args)
        launch.arguments = (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))
        launch.regions_of = (ctypes.c_int * len(values))(*regions_of)
        launch.argument_count = len(values)
        launch.regions = (_Region * len(regions))(*regions)
        launch.region_count = len(regions)
        launch.shared_memory = self._shared_memory
        error = ctypes.create_string_buffer(1000)
        launch.error = ctypes.cast(error, ctypes.c_char_p)
        launch.error_bytes = len(error)
        launch.flushes = self._flushes
        with _launching:
            launch.seed = next(_orders)
            failed = cuda_compiler.runtime().cuda_launch(ctypes.byref(launch))
        if failed:
            raise KernelError(error.value.decode(errors="replace"))

    def _extent(self, what: str, given: Any, most: tuple[int, ...]) -> list[int]:
        """A grid or block with all three of its sizes."""
        if not isinstance(given, tuple) or not 1 <= len(given) <= 3:
            raise TypeError(
                f"Kernel {self.name!r}: the {what} is a tuple of 1 to 3, not {given!r}."
            )
        extent = [int(size) for size in given] + [1] * (3 - len(given))
        if any(not 1 <= size <= limit for size, limit in zip(extent, most, strict=True)):
            raise ValueError(
                f"Kernel {self.name!r}: a {what} has from 1 to {most} along each axis, not {given}."
            )
        return extent

    def _arguments(self, args: tuple[Any, ...]) -> tuple[list[Any], list[int], list[_Region]]:
        """The values that the kernel gets, and the memory that it may touch."""
        if len(args) != len(self._parameters):
            raise TypeError(
                f"Kernel {self.name!r} takes {len(self._parameters)} arguments "
                f"({', '.join(self._declared)}), not {len(args)}."
            )
        values: list[Any] = []
        spans: list[_Span | None] = []
        for argument, parameter, declared in zip(
            args, self._parameters, self._declared, strict=True
        ):
            if parameter.is_pointer:
                span = self._span(argument, parameter, declared)
                spans.append(span)
                values.append(ctypes.c_void_p(span.begin))
            else:
                scalar = self._scalar(argument, parameter, declared)
                spans.append(None)
                values.append(ctypes.create_string_buffer(scalar.tobytes(), scalar.nbytes))
        return values, *_regions(self.name, spans)

    def _scalar(self, argument: Any, parameter: _Parameter, declared: str) -> np.generic[Any]:
        """A number as CuPy would pass it, if it has its parameter's type."""
        if parameter.kind == b"V":
            return self._struct(argument, parameter, declared)
        if isinstance(argument, int):  # True too: CuPy asks for int first
            argument = np.int64(argument)
        elif isinstance(argument, float) and not isinstance(argument, np.generic):
            argument = np.float64(argument)
        if not isinstance(argument, np.generic):
            raise self._misfit(
                declared, f"a NumPy scalar of dtype {_dtype_of(parameter)}", argument
            )
        if argument.dtype != _dtype_of(parameter):
            raise self._misfit(declared, f"dtype {_dtype_of(parameter)}", argument)
        return argument

    def _struct(self, argument: Any, parameter: _Parameter, declared: str) -> np.generic[Any]:
        """The one element of a NumPy array, which is how CuPy passes a struct."""
        fits = isinstance(argument, np.ndarray) and argument.size == 1
        if not fits or argument.dtype.kind != "V" or argument.itemsize != parameter.size:
            expected = f"a NumPy array of one element with {parameter.size} bytes"
            raise self._misfit(declared, expected, argument)
        element: np.generic[Any] = argument.reshape(())[()]
        return element

    def _span(self, argument: Any, parameter: _Parameter, declared: str) -> _Span:
        """The memory of an array, if it has its parameter's type."""
        if isinstance(argument, np.ndarray | np.generic) or not hasattr(argument, "dtype"):
            raise self._misfit(declared, "an array of the GPU", argument)
        dtype = _dtype_of(parameter)
        bytes_or_bools = {np.dtype(np.bool_), np.dtype(np.uint8)}
        same = argument.dtype == dtype or {argument.dtype, dtype} == bytes_or_bools
        if parameter.kind != b"V" and not same:
            raise self._misfit(declared, f"an array of dtype {dtype}", argument)
        if not argument.flags.c_contiguous:
            raise ValueError(
                f"Kernel {self.name!r}: the array for '{declared}' has shape {argument.shape} and "
                f"is not C-contiguous, but a kernel gets only its address: copy it first."
            )
        span = _Span(argument, parameter, declared)
        if span.begin < span.end and span.begin % parameter.alignment:
            raise ValueError(
                f"Kernel {self.name!r}: the array for '{declared}' must begin at a multiple of "
                f"{parameter.alignment} bytes, and this view begins elsewhere."
            )
        return span

    def _misfit(self, declared: str, expected: str, given: Any) -> TypeError:
        kind = type(given).__module__.split(".")[0] + "." + type(given).__name__
        came = f"{kind} of dtype {given.dtype}" if hasattr(given, "dtype") else f"{given!r}"
        return TypeError(
            f"Kernel {self.name!r}: the parameter '{declared}' takes {expected}, not {came}."
        )


def _dtype_of(parameter: _Parameter) -> np.dtype[Any]:
    return np.dtype(f"{parameter.kind.decode()}{parameter.size}")


class _Span:
    """The memory of one array argument."""

    def __init__(self, array: Any, parameter: _Parameter, declared: str) -> None:
        self.name = declared.split()[-1].lstrip("*&")
        self.begin = array.data.ptr
        self.end = self.begin + array.nbytes
        self.is_writable = not parameter.is_constant
        self.is_restricted = "__restrict__" in declared


def _regions(kernel: str, spans: list[_Span | None]) -> tuple[list[int], list[_Region]]:
    """For each argument its region or −1, and the regions: arrays that overlap share one."""
    arrays = [(index, span) for index, span in enumerate(spans) if span is not None]
    arrays.sort(key=lambda one: (one[1].begin, one[1].end))
    groups: list[list[tuple[int, _Span]]] = []
    end = -1
    for index, span in arrays:
        if span.begin < end and span.begin < span.end:
            _check_aliases(kernel, [other for _, other in groups[-1]], span)
            groups[-1].append((index, span))
            end = max(end, span.end)
        else:
            groups.append([(index, span)])
            end = span.end
    regions_of, regions = [-1] * len(spans), []
    for number, group in enumerate(groups):
        members = [span for _, span in group]
        for index, _ in group:
            regions_of[index] = number
        regions.append(
            _Region(
                name=", ".join(span.name for span in members).encode(),
                memory=members[0].begin,
                bytes=max(span.end for span in members) - members[0].begin,
                is_writable=any(span.is_writable for span in members),
            )
        )
    return regions_of, regions


def _check_aliases(kernel: str, others: list[_Span], span: _Span) -> None:
    for other in others:
        overlap = other.begin < span.end and span.begin < other.end
        written = other.is_writable or span.is_writable
        if overlap and written and other.is_restricted and span.is_restricted:
            raise ValueError(
                f"Kernel {kernel!r}: '{other.name}' and '{span.name}' share memory, but both are "
                f"declared __restrict__ and one is written to."
            )
