"""Every rung computes the same as PyTorch, at sizes around its blocks and tiles."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest
import torch

from nnscratch_kernels import threads
from nnscratch_kernels.ladder import matmul, softmax
from tests.kernels.array_layouts import unchanged

generator = np.random.default_rng(0)
DTYPES = [np.float32, np.float64]
SIZES = [
    (1, 1, 1),
    (2, 3, 4),
    (matmul.BLOCK_ROWS + 3, matmul.BLOCK_ROWS + 2, 65),
    (5, 6, 7),
    (6, 1, 128),
    (13, 257, 130),
    (7, 9, matmul.BLOCK_COLUMNS + 5),
    (100, 20, 3),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("rung", matmul.RUNGS, ids=lambda rung: rung.__name__)
def test_matmul(rung, size, dtype):
    rows, inner, columns = size
    a = generator.normal(size=(rows, inner)).astype(dtype)
    b = generator.normal(size=(inner, columns)).astype(dtype)
    c = unchanged(rung, a, b)
    assert c.dtype == dtype
    exact = torch.tensor(a).double() @ torch.tensor(b).double()
    tolerance = 4 * np.sqrt(inner) * np.finfo(dtype).eps
    np.testing.assert_allclose(c, exact.numpy(), rtol=tolerance, atol=5 * tolerance)


@pytest.mark.parametrize("rung", matmul.RUNGS, ids=lambda rung: rung.__name__)
def test_matmul_of_nothing(rung):
    for rows, inner, columns in ((0, 3, 2), (2, 0, 3), (2, 3, 0)):
        c = rung(np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32))
        np.testing.assert_array_equal(c, np.zeros((rows, columns)))


def test_the_parallel_rung_is_the_same_with_any_number_of_threads():
    a, b = generator.normal(size=(2, 150, 150))
    before = threads.thread_count()
    try:
        for count in (1, 2, 3):
            threads.set_thread_count(count)
            np.testing.assert_array_equal(matmul.parallel(a, b), matmul.vectorised(a, b))
    finally:
        threads.set_thread_count(before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rung", softmax.RUNGS, ids=lambda rung: rung.__name__)
@pytest.mark.parametrize(
    "columns",
    [1, 2, softmax.LANES - 1, softmax.LANES + 1, softmax.BLOCK, softmax.BLOCK + 1, 9999],
)
def test_softmax(columns, rung, dtype):
    x = (8 * generator.normal(size=(3, columns))).astype(dtype)
    x[1] += 1000
    x[2, columns // 2] = 90
    y = np.full_like(x, np.nan)
    unchanged(lambda x: rung(x, y), x)
    expected = torch.softmax(torch.tensor(x).double(), -1).numpy()
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(y, expected, rtol=30 * tolerance, atol=tolerance)


@pytest.mark.parametrize("rung", softmax.RUNGS, ids=lambda rung: rung.__name__)
def test_softmax_of_what_is_not_finite(rung):
    x = np.zeros((5, softmax.BLOCK + 70), np.float32)
    x[0, : softmax.BLOCK] = -np.inf  # a whole block
    x[1, 3] = x[2, -1] = np.nan
    x[3] = -np.inf
    x[4, 7] = np.inf
    y = np.zeros_like(x)
    rung(x, y)
    expected = torch.softmax(torch.tensor(x), -1).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize("ladder", [matmul, softmax], ids=lambda ladder: ladder.__name__)
def test_a_rung_is_short_and_says_what_it_changes(ladder):
    functions = {
        it.name: it for it in ast.parse(inspect.getsource(ladder)).body if hasattr(it, "name")
    }
    for rung in ladder.RUNGS:
        function = functions[rung.__name__]
        assert function.end_lineno - function.lineno < 40
        first, blank, *why = ast.get_docstring(function).splitlines()
        assert first.endswith((".", ":"))
        assert blank == ""
        assert len(" ".join(why)) > 80
