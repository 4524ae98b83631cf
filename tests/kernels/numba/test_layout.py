"""Every array reaches the loops in one layout, and is copied only when it must be."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch_kernels.numba_kernels.layout import all_alike, plain
from tests.kernels.array_layouts import layouts


def test_an_array_that_fits_is_taken_as_it_is():
    for array in (np.ones((2, 3)), np.ones(0), np.array(1.0), np.ones((4, 3))[1:3]):
        assert plain(array) is array


@pytest.mark.parametrize("which", range(1, 5), ids=["F", "strided", "flipped", "fixed"])
def test_others_are_copied(which):
    array = layouts(np.arange(6.0).reshape(2, 3))[which]
    copy = plain(array)
    assert not np.shares_memory(copy, array)
    assert copy.flags.carray
    np.testing.assert_array_equal(copy, array)


def test_subclasses_and_odd_addresses_are_copied(tmp_path):
    mapped = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(2, 3))
    odd = np.zeros(25, np.uint8)[1:].view(np.float64)
    for array in (mapped, odd):
        copy = plain(array)
        assert type(copy) is np.ndarray
        assert copy.flags.carray
        np.testing.assert_array_equal(copy, array)


def test_what_loops_take():
    single, double = np.ones(2, np.float32), np.ones(2)
    assert all_alike(single)
    assert all_alike(double, np.ones((3, 4)))
    assert not all_alike(single, double)
    assert not all_alike(double, np.ones((0, 4)))
    for other in (np.ones(2, np.float16), np.ones(2, int), np.ones(2, ">f8"), [1.0, 2.0]):
        assert not all_alike(other)
        assert not all_alike(double, other)
