"""`nnscratch warmup`: compile every kernel in advance, or load what is compiled already.

That is Numba's kernels and, where there is a GPU, the CUDA sources, which CuPy compiles for it.
"""

from __future__ import annotations

import argparse
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnscratch_kernels.laboratory import cases, contestants, gpu
from nnscratch_kernels.laboratory.paired import console
from nnscratch_kernels.laboratory.progress import tracked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DTYPES = ("float32", "float64")
COUNTS = (16, 512, 4096, 1 << 16, 1 << 19)  # loops over images are compiled for widths of channels


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    from nnscratch_kernels import compile_cache

    argparse.ArgumentParser(
        prog="nnscratch warmup",
        description="Compile every kernel for this processor, and for the GPU if there is one, so "
        "that no program waits for it.",
    ).parse_args(arguments)
    start = time.perf_counter()
    kernels = warm_up()
    took = time.perf_counter() - start
    folder = compile_cache.folder()
    where = f"kept in {folder}" if folder else "kept nowhere, so this was in vain"
    console().print(f"{kernels} kernels are ready after {took:.1f} s, {where}.")
    if gpu.is_there():
        start = time.perf_counter()
        kernels = warm_up_gpu()
        took = time.perf_counter() - start
        console().print(
            f"{kernels} kernels for {gpu.name()} are ready after {took:.1f} s, kept by CuPy."
        )
    return 0


def warm_up(kernels: Sequence[str] | None = None) -> int:
    """Call compiled kernels once for each dtype and option; gives the number of kernels.

    Args:
        kernels: which; None for all.
    """
    with silence():
        compiled = contestants.compiled_kernels() if kernels is None else kernels
        todo = [
            (name, dtype)
            for name, recipe in cases.recipes().items()
            for dtype in DTYPES
            if recipe.kernel in compiled
        ]
        for name, dtype in tracked(todo, "compiling", " for ".join):
            kernel = contestants.implementation(cases.recipes()[name].kernel, "numba")
            if kernel is None:
                continue
            for count in COUNTS:
                cases.make_case(name, count, dtype).call(kernel)()
    return len(compiled)


def warm_up_gpu() -> int:
    """Call every CUDA kernel once for each dtype and option; gives the number of kernels.

    Raises:
        RuntimeError: there is no GPU, or no CuPy.
    """
    own = {
        name: recipe
        for name, recipe in cases.recipes().items()
        if contestants.implementation(recipe.kernel, "cupy")
    }
    todo = [(name, dtype) for name in own for dtype in DTYPES]
    for name, dtype in tracked(todo, "compiling", " for ".join):
        function = contestants.function_of(cases.make_case(name, COUNTS[0], dtype), "cupy")
        if function is not None:
            function()
    return len({recipe.kernel for recipe in own.values()})


@contextmanager
def silence() -> Iterator[None]:
    """Nobody needs to be told that the compiler is at work who asked for it."""
    from nnscratch_kernels.numba_kernels.compilation import ANNOUNCEMENT

    before, ANNOUNCEMENT.made = ANNOUNCEMENT.made, True
    try:
        yield
    finally:
        ANNOUNCEMENT.made = before
