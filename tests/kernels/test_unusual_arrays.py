"""Arrays that compiled loops cannot take: wrong lengths raise, and others go to NumPy's twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnscratch_kernels import backend, dispatch, numba_kernels, numpy_kernels, set_thread_count

generator = np.random.default_rng(0)
x = generator.normal(size=(256, 100))
labels = generator.integers(100, size=256)


def same(kernel: str, *arguments: Any) -> None:
    """Numba's version gives what NumPy's gives, in values, shapes and types."""
    results = [getattr(k, kernel)(*arguments) for k in (numpy_kernels, numba_kernels)]
    expected, found = (r if isinstance(r, tuple) else (r,) for r in results)
    for one, other in zip(found, expected, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ("argmax", ()),
        ("top_k", (3,)),
        ("row_sums", ()),
        ("column_sums", ()),
        ("softmax", ()),
        ("layer_normalization", ()),
        ("seeded_dropout", (0.3, 5)),
        ("gelu", ()),
    ],
)
def test_other_byte_order(kernel, options, dtype):
    same(kernel, x.astype(dtype), *options)


def test_byte_order_of_what_is_scattered_and_stepped():
    same("embedding_scatter_add", x.astype(">f4"), labels, 100)
    for kernels in (numpy_kernels, numba_kernels):
        values = np.ones(9, ">f4")
        options = {"learning_rate": 0.5, "momentum": 0.0, "nesterov": False}
        kernels.sgd_step(values, np.ones(9, ">f4"), None, **options)
        np.testing.assert_array_equal(values, 0.5)


@pytest.mark.parametrize("kernels", [numpy_kernels, numba_kernels], ids=["numpy", "numba"])
def test_lengths_that_do_not_fit_raise(kernels):
    options = {"learning_rate": 0.5, "momentum": 0.9, "nesterov": False}
    for gradients, momentum in ((4, 5), (5, 4)):
        with pytest.raises(ValueError, match="broadcast"):
            kernels.sgd_step(np.ones(5), np.ones(gradients), np.ones(momentum), **options)
    with pytest.raises(ValueError, match=r"broadcast|reshape|shape"):
        kernels.embedding_scatter_add(x[:7], labels, 100)
    with pytest.raises(ValueError, match=r"broadcast|reshape"):
        kernels.batch_normalization(x, np.ones(1))


def test_numbers_as_weights():
    same("layer_normalization", x, 2.0, 1.0)


@pytest.mark.parametrize("dtype", [np.uint64, np.uint8, np.int16, np.int64])
def test_kinds_of_labels(dtype):
    for kernel in ("sparse_softmax_crossentropy", "sparse_softmax_crossentropy_with_gradient"):
        same(kernel, labels.astype(dtype), x)


@pytest.mark.parametrize("kernel", ["softmax", "log_softmax", "layer_normalization", "gelu"])
def test_zero_dimensional(kernel):
    one = np.array(1.5)
    try:
        expected = getattr(numpy_kernels, kernel)(one)
    except ValueError:  # NumPy's own, of an axis that is not there
        with pytest.raises(ValueError, match="axis"):
            getattr(numba_kernels, kernel)(one)
    else:
        np.testing.assert_allclose(getattr(numba_kernels, kernel)(one), expected)


def test_normalized_integers_are_no_integers():
    whole = np.arange(12).reshape(3, 4)
    for kernel in ("layer_normalization", "residual_layer_normalization", "batch_normalization"):
        arrays = (whole, whole * 0) if kernel.startswith("residual") else (whole,)
        wide = [a.astype(float) for a in arrays]
        results = (getattr(numpy_kernels, kernel)(*given) for given in (arrays, wide))
        found, expected = (r[0] if isinstance(r, tuple) else r for r in results)
        np.testing.assert_array_equal(found, expected)


def test_bits_of_bfloat16_reach_numba():
    bits = numpy_kernels.to_bfloat16(x.astype(np.float32))
    with backend("numba"):
        assert dispatch.which("from_bfloat16", bits).implementation == "numba"
        assert dispatch.which("gelu", bits).implementation == "numpy"
        found = dispatch.dispatched(numpy_kernels.from_bfloat16)(bits)
    np.testing.assert_array_equal(found, numpy_kernels.from_bfloat16(bits))


def test_a_number_of_threads_that_is_no_integer():
    with pytest.raises(ValueError, match="positive integer"):
        set_thread_count(2.0)  # type: ignore[arg-type] # what is tested


@pytest.mark.parametrize("kernels", [numpy_kernels, numba_kernels], ids=["numpy", "numba"])
@pytest.mark.parametrize("pool", ["max_pool2d", "average_pool2d"])
def test_a_stride_of_zero_is_refused(kernels, pool):
    with pytest.raises(ValueError, match="strides"):
        getattr(kernels, pool)(np.ones((1, 4, 4, 1)), 2, strides=0)
