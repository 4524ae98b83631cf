"""The tile in registers against NumPy's einsum, for every width and anywhere in the tables."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch_kernels.numba_kernels.compilation import compiled
from nnscratch_kernels.numba_kernels.register_tiles import (
    ROWS,
    VECTORS,
    fitting_vectors,
    lanes,
    multiply_tile,
)

generator = np.random.default_rng(0)


def multiplier(vectors):
    @compiled
    def multiply(tile, a, rows, first, a_starts, a_step, b, b_starts, b_step, length):
        multiply_tile(vectors, tile, a, rows, first, a_starts, a_step, b, b_starts, b_step, length)

    return multiply


MULTIPLY = {vectors: multiplier(vectors) for vectors in VECTORS}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize(("segments", "length"), [(1, 1), (3, 5), (2, 0), (0, 4)])
def test_it_is_a_sum_of_products(vectors, dtype, segments, length):
    width = vectors * lanes(np.dtype(dtype))
    a = generator.normal(size=500).astype(dtype)
    b = generator.normal(size=60 + 40 * width).astype(dtype)
    rows = generator.integers(0, 100, size=ROWS + 3)
    a_starts, b_starts = (generator.integers(0, 100, size=segments) for _ in "ab")
    b_starts %= 50
    for first in (0, 3):
        for a_step, b_step in ((1, width), (7, 3), (0, 0)):
            tile = np.full(ROWS * width + 1, np.nan, dtype)
            tables = (rows, first, a_starts, a_step, b, b_starts, b_step, length)
            MULTIPLY[vectors](tile[:-1], a, *tables)
            k = np.arange(length)
            of_a = a[rows[first : first + ROWS, None, None] + a_starts[:, None] + k * a_step]
            of_b = b[b_starts[:, None, None] + (k * b_step)[:, None] + np.arange(width)]
            expected = np.einsum("msk,skn->mn", of_a.astype(np.float64), of_b.astype(np.float64))
            tolerance = 40 * np.finfo(dtype).eps
            np.testing.assert_allclose(
                tile[:-1].reshape(ROWS, width), expected, rtol=tolerance, atol=tolerance
            )
            assert np.isnan(tile[-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_narrowest_tile_that_is_wide_enough(dtype):
    dtype = np.dtype(dtype)
    widths = {vectors: vectors * lanes(dtype) for vectors in VECTORS}
    for columns in range(1, 3 * max(widths.values())):
        width = widths[fitting_vectors(columns, dtype)]
        enough = [other for other in widths.values() if other >= columns]
        assert width == (min(enough) if enough else max(widths.values()))
