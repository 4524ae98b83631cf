"""Work in parts: each part once, the same bits with any number of threads, forks and exceptions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from nnscratch_kernels import set_thread_count, thread_count
from nnscratch_kernels.threads import run_in_parts


@pytest.fixture(autouse=True)
def usual_number():
    before = thread_count()
    yield
    set_thread_count(before)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 99, 1000])
def test_each_item_is_in_one_part(threads, count):
    set_thread_count(threads)
    parts = []
    run_in_parts(lambda first, last: parts.append((first, last)), count, 10)
    assert sorted(parts) == [(first, min(first + 10, count)) for first in range(0, count, 10)]


def test_parts_run_side_by_side():
    set_thread_count(2)
    both_are_here = threading.Barrier(2, timeout=60)
    run_in_parts(lambda first, last: both_are_here.wait(), 2, 1)


def test_an_error_in_a_part_is_raised_after_all_have_ended():
    set_thread_count(2)
    running = []

    def part(first: int, last: int) -> None:
        running.append(first)
        if first == 3:
            raise ArithmeticError(first)
        running.remove(first)

    with pytest.raises(ArithmeticError):
        run_in_parts(part, 8, 1)
    assert running == [3]


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_no_number_of_threads(count):
    with pytest.raises(ValueError, match="positive"):
        set_thread_count(count)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NNSCRATCH_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, "3"),
        ({"OMP_NUM_THREADS": "2,4"}, "2"),
        ({"NNSCRATCH_NUM_THREADS": "many"}, "got 'many'"),
        ({"OMP_NUM_THREADS": "0"}, "got '0'"),
        ({}, str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)),
    ],
)
def test_number_from_the_environment(variables, expected):
    said = python("import nnscratch_kernels as k; print(k.thread_count())", variables)
    assert expected in said.splitlines()[-1]


def python(program: str, variables: dict[str, str]) -> str:
    """What a program prints, whether it fails or not."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return finished.stdout + finished.stderr


FORKED = """
import os, numpy as np
from nnscratch_kernels.threads import run_in_parts
x = np.zeros(100)
def part(first, last):
    x[first:last] += 1
run_in_parts(part, 100, 10)
child = os.fork()
run_in_parts(part, 100, 10)
if child == 0:
    os._exit(0 if x.sum() == 200 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), x.sum())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_threads_of_its_own():
    assert python(FORKED, {"NNSCRATCH_NUM_THREADS": "2"}).startswith("0 200.0")


def test_several_threads_share_the_pool():
    set_thread_count(3)
    arrays = [np.zeros(1000) for _ in range(4)]

    def use(array: np.ndarray) -> None:
        def part(first: int, last: int) -> None:
            array[first:last] += 1

        for _ in range(50):
            run_in_parts(part, 1000, 100)

    users = [threading.Thread(target=use, args=(array,)) for array in arrays]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=120)
    for array in arrays:
        np.testing.assert_array_equal(array, 50)


PROCESSORS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


@pytest.mark.skipif(len(PROCESSORS) < 2, reason="this system has one processor, or no say in them")
def test_helpers_keep_off_the_processor_of_the_thread_that_they_help():
    caller = threading.get_native_id()
    kept_free: list[set[int]] = [set()]

    def part(first: int, last: int) -> None:
        both_are_here.wait()
        if threading.get_native_id() != caller:
            kept_free.append(PROCESSORS - os.sched_getaffinity(0))

    set_thread_count(2)
    try:
        for processor in sorted(PROCESSORS) * 2:
            for _ in range(200):  # the system may move the caller at any time
                os.sched_setaffinity(0, {processor})
                os.sched_setaffinity(0, PROCESSORS)
                both_are_here = threading.Barrier(2, timeout=60)
                run_in_parts(part, 2, 1)
                if kept_free[-1] == {processor}:
                    break
            assert kept_free[-1] == {processor}
    finally:
        os.sched_setaffinity(0, PROCESSORS)


@pytest.mark.skipif(len(PROCESSORS) < 2, reason="this system has one processor, or no say in them")
def test_helpers_follow_a_caller_that_is_pinned_and_freed_again():
    caller = threading.get_native_id()
    allowed: list[set[int]] = []

    def part(first: int, last: int) -> None:
        both_are_here.wait()
        if threading.get_native_id() != caller:
            allowed.append(os.sched_getaffinity(0))

    set_thread_count(2)
    single = {min(PROCESSORS)}
    try:
        for mask in (PROCESSORS, single, single, PROCESSORS):
            os.sched_setaffinity(0, mask)
            both_are_here = threading.Barrier(2, timeout=60)
            run_in_parts(part, 2, 1)
    finally:
        os.sched_setaffinity(0, PROCESSORS)
    assert allowed[1:3] == [single, single]
    assert len(allowed[3]) == len(PROCESSORS) - 1
