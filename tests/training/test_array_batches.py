"""Batches of arrays: each row once, in the order that was drawn, whatever is gathered together."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch import random
from nnscratch.training.batches import GATHERED_BYTES, ArrayData, Form

FORM = Form(np.dtype("float32"))
# Rows that are gathered all at once, a few batches at a time, and batch by batch.
WIDTHS = [1, GATHERED_BYTES // 4 // 30, GATHERED_BYTES // 4]


def data(width: int, samples: int = 47, batch_size: int = 8) -> ArrayData:
    rows = np.arange(samples, dtype=np.float32)
    x = np.repeat(rows[:, np.newaxis], width, axis=1)
    return ArrayData(x, rows, rows + 1, form=FORM, batch_size=batch_size)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("skip", [0, 1, 5])
def test_shuffled_rows_come_in_the_order_drawn(width, skip):
    random.seed(3)
    order = random.generator().permutation(47)
    random.seed(3)
    batches = list(data(width).batches(shuffle=True, skip=skip))
    assert [len(batch.x) for batch in batches] == [8, 8, 8, 8, 8, 7][skip:]
    rows = np.concatenate([batch.y for batch in batches])
    np.testing.assert_array_equal(rows, order[8 * skip :])
    for x, y, weight in batches:
        assert x.shape[1] == width
        assert x.flags.c_contiguous
        np.testing.assert_array_equal(x, np.broadcast_to(y[:, np.newaxis], x.shape))
        np.testing.assert_array_equal(weight, y + 1)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("skip", [0, 2])
def test_rows_in_their_own_order(width, skip):
    batches = list(data(width).batches(skip=skip))
    rows = np.concatenate([batch.y for batch in batches])
    np.testing.assert_array_equal(rows, np.arange(8 * skip, 47))
    assert [len(batch.x) for batch in batches] == [8, 8, 8, 8, 8, 7][skip:]


def test_batches_do_not_share_memory_with_shuffled_data():
    given = data(1)
    before = given.x.copy()
    for batch in given.batches(shuffle=True):
        batch.x[...] = -1
    np.testing.assert_array_equal(given.x, before)
