"""Losses in Numba, with and without gradient: NumPy's results in float64, for every size."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from nnscratch_kernels import numba_kernels, numpy_kernels, set_thread_count, thread_count
from nnscratch_kernels.numba_kernels.rows import BLOCK, PART, SHORT_ROW
from tests.kernels.array_layouts import as_tuple, assert_near, layouts, unchanged

generator = np.random.default_rng(0)
DTYPES = [np.float32, np.float64]
SPARSE, DENSE = "sparse_softmax_crossentropy", "softmax_crossentropy"
BINARY = "binary_crossentropy_from_logits"
EACH = [SPARSE, DENSE, BINARY]
PLAIN = ["mean_squared_error", *EACH, *(f"mean_{name}" for name in EACH)]
FUSED = [f"{mean}{name}_with_gradient" for mean in ("", "mean_") for name in EACH]
LENGTHS = [1, 2, 3, 10, 15, 16, 17, 31, 64, 65, 1000, BLOCK - 1, 2 * BLOCK, 3 * BLOCK + 5]
LENGTHS += [SHORT_ROW - 1, SHORT_ROW, SHORT_ROW + 1]


@pytest.fixture
def three_threads():
    before = thread_count()
    set_thread_count(3)
    yield
    set_thread_count(before)


def arguments(name, shape, dtype):
    """A target and logits."""
    logits = (4 * generator.normal(size=shape)).astype(dtype)
    if "sparse" in name:
        return generator.integers(0, shape[-1], shape[:-1]), logits
    return generator.random(shape).astype(dtype), logits


def expected_of(name, target, logits):
    """NumPy's result in float64."""
    target = target if "sparse" in name else np.asarray(target, float)
    return getattr(numpy_kernels, name)(target, np.asarray(logits, float))


def assert_right(name, target, logits, found=None, least=0):
    found = getattr(numba_kernels, name)(target, logits) if found is None else found
    dtype = logits.dtype.newbyteorder("=").type
    expected = expected_of(name, target, logits)
    if name not in FUSED:
        assert_near(found, expected, dtype, least)
        return
    assert_near(found[0], expected[0], dtype, least)
    samples = logits.size if BINARY in name else logits.size // max(logits.shape[-1], 1)
    difference_of = 1 / max(samples, 1) if "mean" in name else 1  # p - t: both are at most that
    assert_near(found[1], expected[1], dtype, difference_of)


@pytest.mark.parametrize("name", PLAIN + FUSED)
def test_the_signature_is_that_of_the_reference(name):
    ours, reference = getattr(numba_kernels, name), getattr(numpy_kernels, name)
    assert inspect.signature(ours) == inspect.signature(reference)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", PLAIN + FUSED)
def test_every_length_of_a_row(name, length, dtype):
    for rows in (1, 3, BLOCK // length + 1):
        target, logits = arguments(name, (rows, length), dtype)
        assert_right(name, target, logits, least=length == 1)  # of one class nothing is left


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [9, 1000])
@pytest.mark.parametrize("name", PLAIN + FUSED)
def test_parts_and_any_number_of_threads(name, length, dtype, three_threads):
    for rows in (PART // length + 1, 2 * (PART // length) + 7):
        target, logits = arguments(name, (rows, length), dtype)
        set_thread_count(3)
        found = getattr(numba_kernels, name)(target, logits)
        assert_right(name, target, logits, found)
        set_thread_count(1)
        again = getattr(numba_kernels, name)(target, logits)
        for one, other in zip(as_tuple(found), as_tuple(again), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (1, 1), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("name", [n for n in PLAIN + FUSED if "mean" not in n])
def test_every_number_of_axes(name, shape):
    target, logits = arguments(name, shape, np.float32)
    assert_right(name, target, logits)


@pytest.mark.parametrize("name", PLAIN + FUSED)
def test_every_layout(name):
    target, logits = arguments(name, (4, 5), np.float32)
    for t in layouts(target):
        for z in layouts(logits):
            assert_right(name, t, z, unchanged(getattr(numba_kernels, name), t, z))


@pytest.mark.parametrize("name", EACH + FUSED)
def test_targets_of_another_dtype(name):
    target, logits = arguments(name, (4, 5), np.float32)
    for dtype in (np.int8, np.uint16, np.int64) if "sparse" in name else (bool, int, np.float64):
        assert_right(name, target.astype(dtype), logits)


@pytest.mark.parametrize("name", PLAIN + FUSED)
def test_float16_is_numpys(name):
    target, logits = arguments(name, (4, 5), np.float16)
    found = getattr(numba_kernels, name)(target, logits)
    reference = getattr(numpy_kernels, name)(target, logits)
    for one, other in zip(as_tuple(found), as_tuple(reference), strict=True):
        assert one.dtype == other.dtype == np.float16
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", [n for n in PLAIN + FUSED if "sparse" in n])
@pytest.mark.parametrize("label", [-1, 5])
def test_a_label_that_is_no_class(name, label):
    target, logits = arguments(name, (4, 5), np.float32)
    target[2] = label
    with pytest.raises(ValueError, match=f"label {label} for 5 classes"):
        getattr(numba_kernels, name)(target, logits)


@pytest.mark.parametrize("name", [DENSE, BINARY])
def test_shapes_that_do_not_match(name):
    logits = np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        getattr(numba_kernels, f"{name}_with_gradient")(np.zeros((4, 3), np.float32), logits)
    with pytest.raises(ValueError, match="broadcast"):
        getattr(numba_kernels, name)(np.zeros((4, 3), np.float32), logits)


@pytest.mark.parametrize("length", [2, SHORT_ROW + 1])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sure_and_right_answer_keeps_its_digits(dtype, offset, length):
    gaps = np.array([3, 10, 20, 60], dtype)
    logits = np.full((4, length), offset, dtype)
    logits[:, 1] += gaps
    labels = np.ones(4, int)
    expected = np.log1p((length - 1) * np.exp(-gaps.astype(float)))
    target = np.zeros_like(logits)
    target[:, 1] = 1
    for name, known in ((SPARSE, labels), (DENSE, target)):
        losses = getattr(numba_kernels, name)(known, logits)
        np.testing.assert_allclose(losses, expected, rtol=1e-6)
        losses, _ = getattr(numba_kernels, f"{name}_with_gradient")(known, logits)
        np.testing.assert_allclose(losses, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sure_and_right_output_keeps_its_digits(dtype):
    z = np.array([3, 10, 20, 80, -3, -10, -20, -80], dtype)
    expected = np.log1p(np.exp(-np.abs(z.astype(float))))
    target = (z > 0).astype(dtype)
    for losses in (
        getattr(numba_kernels, BINARY)(target, z),
        getattr(numba_kernels, f"{BINARY}_with_gradient")(target, z)[0],
    ):
        np.testing.assert_allclose(losses, expected, rtol=1e-6)


EDGES = [-np.inf, -3e38, -200, -1e-40, -0.0, 0.0, 1e-40, 80, 3e38, np.inf, np.nan, -np.nan]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [3, SHORT_ROW + 5])
@pytest.mark.parametrize("name", [SPARSE, DENSE])
def test_edge_values_among_the_logits(name, length, dtype):
    logits = np.zeros((len(EDGES) ** 2, length))
    logits[:, 0], logits[:, -1] = np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES))
    logits = np.concatenate([logits, np.full((1, length), -np.inf)]).astype(dtype)
    labels = np.arange(len(logits)) % length
    target = labels if name == SPARSE else np.full(logits.shape, 0.25, dtype)
    with np.errstate(all="ignore"):
        losses, gradient = getattr(numpy_kernels, f"{name}_with_gradient")(target, logits)
    tolerance = 2e-6 if dtype == np.float32 else 2e-14
    np.testing.assert_allclose(getattr(numba_kernels, name)(target, logits), losses, tolerance)
    found = getattr(numba_kernels, f"{name}_with_gradient")(target, logits)
    np.testing.assert_allclose(found[0], losses, tolerance)
    np.testing.assert_allclose(found[1], gradient, tolerance, tolerance / 10)
    finite = np.isfinite(logits).all(axis=-1)
    probabilities = torch.softmax(torch.tensor(logits[finite]), -1).numpy()
    if name == SPARSE:
        probabilities[np.arange(len(probabilities)), labels[finite]] -= 1
        np.testing.assert_allclose(found[1][finite], probabilities, tolerance, tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [0, 0.25, 1])
def test_edge_values_of_an_output(t, dtype):
    logits = np.array(EDGES * 9, dtype)
    target = np.full_like(logits, t)
    with np.errstate(all="ignore"):
        losses, gradient = getattr(numpy_kernels, f"{BINARY}_with_gradient")(target, logits)
    tolerance = 2e-6 if dtype == np.float32 else 2e-14
    np.testing.assert_allclose(getattr(numba_kernels, BINARY)(target, logits), losses, tolerance)
    found = getattr(numba_kernels, f"{BINARY}_with_gradient")(target, logits)
    np.testing.assert_allclose(found[0], losses, tolerance)
    np.testing.assert_allclose(found[1], gradient, tolerance, tolerance / 10)
