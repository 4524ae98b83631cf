"""Work in parts, on threads of our own.

Compiled loops let go of the interpreter's lock, so plain Python threads run them side by side. We
do without the threading layers of Numba: one kills a forked child, another aborts when two threads
enter it. How work is cut depends on its size alone, so results have the same bits with any number
of threads.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nnscratch_kernels.processors import Helpers, processor_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_pool: _Pool | None = None
_count: int | None = None


def thread_count() -> int:
    """How many threads work on a kernel.

    As `set_thread_count` said; else NNSCRATCH_NUM_THREADS or OMP_NUM_THREADS of the environment;
    else one for each processor that this process may use.

    Raises:
        ValueError: a variable of the environment that is not a positive number.
    """
    global _count
    if _count is None:
        _count = _from_environment() or processor_count()
    return _count


def set_thread_count(count: int) -> None:
    """Choose how many threads work on a kernel, from the next kernel on.

    Raises:
        ValueError: not a positive integer.
    """
    global _count
    if not hasattr(count, "__index__") or count < 1:
        raise ValueError(f"The number of threads is a positive integer, got {count!r}: give 1, 2…")
    _count = int(count)
    forget_pool()


def run_in_parts(function: Callable[..., Any], count: int, grain: int, *arrays: Any) -> None:
    """Call `function(first, last, *arrays)` for consecutive parts of range(count).

    Args:
        function: a compiled loop that writes its results into some of the arrays.
        count: how many rows or elements there are.
        grain: how many make a part; the last part may be smaller.
        arrays: what every call gets.
    """
    if count <= grain:
        if count:
            function(0, count, *arrays)
        return
    starts = iter(range(0, count, grain))

    def work() -> None:
        """Take part after part until none is left; others do the same."""
        for first in starts:
            function(first, min(first + grain, count), *arrays)

    helpers = min(thread_count(), -(-count // grain)) - 1
    futures: list[Future[None]] = []
    if helpers:
        with suppress(RuntimeError):  # the interpreter ends, or another thread has closed the pool
            pool = _threads()
            pool.helpers.keep_off()
            futures.extend(pool.executor.submit(work) for _ in range(helpers))
    try:
        work()
    finally:
        for future in futures:
            if not future.cancel():  # one that has begun must end before its arrays are used
                future.result()


def forget_pool() -> None:
    """Let the threads end; the next kernel starts new ones."""
    global _pool
    pool, _pool = _pool, None
    if pool is not None:
        pool.executor.shutdown(wait=False)


class _Pool:
    """The threads, and what keeps them off the processor of their caller."""

    def __init__(self, count: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self.helpers = Helpers()
        self.executor: ThreadPoolExecutor = ThreadPoolExecutor(
            count, "nnscratch", initializer=self.helpers.join
        )


def _threads() -> _Pool:
    global _pool
    pool = _pool
    if pool is None:
        pool = _pool = _Pool(max(1, thread_count() - 1))
    return pool


def _from_environment() -> int | None:
    for variable in ("NNSCRATCH_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(variable)
        if value:
            first = value.split(",")[0].strip()  # OMP_NUM_THREADS may give a number for each level
            if not first.isdecimal() or int(first) < 1:
                raise ValueError(f"{variable} is a positive number of threads, got {value!r}.")
            return int(first)
    return None


def _in_forked_child() -> None:
    """A child inherits the pool's locks but not its threads: start anew."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
