"""Every rung for the GPU computes the same as PyTorch, at sizes around its tiles and blocks."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.resources import files

import numpy as np
import pytest
import torch

from tests.gpu.on_device import run

DTYPES = [np.float32, np.float64]
MATMULS = ["naive", "coalesced", "shared_tiles", "register_tiles", "cublas"]
SOFTMAXES = ["three_passes", "two_passes", "online"]
SIZES = [
    (1, 1, 1),
    (3, 17, 33),
    (31, 32, 33),
    (33, 31, 32),
    (130, 3, 17),
    (17, 130, 3),
    (128, 8, 128),
    (129, 9, 127),
    (127, 7, 257),
    (5, 600, 6),
]
generator = np.random.default_rng(0)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_product = pytest.mark.parametrize("name", MATMULS)
every_softmax = pytest.mark.parametrize("name", SOFTMAXES)


@pytest.fixture
def matmul(cupy):
    return import_module("nnscratch_kernels.ladder.gpu_matmul")


@pytest.fixture
def softmax(cupy):
    return import_module("nnscratch_kernels.ladder.gpu_softmax")


def test_the_rungs_are_in_order(matmul, softmax):
    assert [rung.__name__ for rung in matmul.RUNGS] == MATMULS
    assert [rung.__name__ for rung in softmax.RUNGS] == SOFTMAXES


@every_dtype
@every_product
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_matmul(cupy, matmul, size, name, dtype):
    rows, inner, columns = size
    a = generator.normal(size=(rows, inner)).astype(dtype)
    b = generator.normal(size=(inner, columns)).astype(dtype)
    c = run(cupy, getattr(matmul, name), a, b)
    assert c.dtype == dtype
    exact = torch.tensor(a).double() @ torch.tensor(b).double()
    tolerance = 4 * np.sqrt(inner) * np.finfo(dtype).eps
    np.testing.assert_allclose(c, exact.numpy(), rtol=tolerance, atol=5 * tolerance)


@every_product
@pytest.mark.parametrize("size", [(0, 3, 2), (2, 0, 3), (2, 3, 0)], ids=str)
def test_matmul_of_nothing(cupy, matmul, name, size):
    rows, inner, columns = size
    c = run(cupy, getattr(matmul, name), np.ones((rows, inner)), np.ones((inner, columns)))
    np.testing.assert_array_equal(c, np.zeros((rows, columns)))


@every_product
def test_matmul_of_what_is_not_finite(cupy, matmul, name):
    """What stands beside the matrix in a tile at the edge is not read into it."""
    a, b = np.ones((33, 5)), np.ones((5, 130))
    a[32, 4], b[0, 129] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        expected = a @ b
    np.testing.assert_array_equal(run(cupy, getattr(matmul, name), a, b), expected)


@every_dtype
@every_softmax
@pytest.mark.parametrize("columns", [1, 2, 31, 511, 512, 513, 3000])
def test_softmax(cupy, softmax, columns, name, dtype):
    x = (8 * generator.normal(size=(3, columns))).astype(dtype)
    x[1] += 1000
    x[2, columns // 2] = 90
    y = softmax_of(cupy, getattr(softmax, name), x)
    expected = torch.softmax(torch.tensor(x).double(), -1).numpy()
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(y, expected, rtol=30 * tolerance, atol=tolerance)


@every_dtype
@every_softmax
def test_softmax_of_what_is_not_finite(cupy, softmax, name, dtype):
    x = np.zeros((6, softmax.THREADS + 70), dtype)
    x[0, : softmax.THREADS] = -np.inf  # all that a block looks at together
    x[1, 3] = x[2, -1] = np.nan
    x[3] = -np.inf
    x[4, 7] = np.inf
    x[5] = np.finfo(dtype).min
    with np.errstate(invalid="ignore", over="ignore"):
        y = softmax_of(cupy, getattr(softmax, name), x)
    expected = torch.softmax(torch.tensor(x), -1).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@every_softmax
def test_softmax_of_nothing(cupy, softmax, name):
    for shape in ((0, 3), (3, 0)):
        softmax_of(cupy, getattr(softmax, name), np.ones(shape))


def softmax_of(cupy, rung, x):
    def written(x):
        y = cupy.full_like(x, np.nan)
        rung(x, y)
        return y

    return run(cupy, written, x)


@pytest.mark.parametrize("ladder", ["matmul", "softmax"])
def test_a_rung_is_short_and_says_what_it_changes(ladder):
    folder = files("nnscratch_kernels.ladder")
    python = (folder / f"gpu_{ladder}.py").read_text(encoding="utf-8")
    cuda = (folder / "cuda" / f"{ladder}.cu").read_text(encoding="utf-8")
    functions = {it.name: it for it in ast.parse(python).body if isinstance(it, ast.FunctionDef)}
    for name in MATMULS if ladder == "matmul" else SOFTMAXES:
        first, blank, *why = ast.get_docstring(functions[name]).splitlines()
        assert first.endswith((".", ":"))
        assert blank == ""
        assert len(" ".join(why)) > 80
        if name != "cublas":
            (text,) = re.findall(rf"^extern(?:(?!^}}).)*\b{name}\(.*?^}}$", cuda, re.M | re.S)
            assert text.count("\n") < 50
