"""Numba's dense layer against NumPy's in double precision, and against PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from nnscratch_kernels import threads
from nnscratch_kernels.numba_kernels import products as kernels
from nnscratch_kernels.numpy_kernels import products as reference
from tests.kernels.array_layouts import layouts, unchanged

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
}
TOLERANCE = {np.float32: 4e-6, np.float64: 2e-14}
generator = np.random.default_rng(0)


def arrays(shape, units, dtype):
    sizes = (shape, (shape[-1], units), (units,), (*shape[:-1], units))
    return tuple(generator.normal(size=size).astype(dtype) for size in sizes)


def results(module, x, kernel, bias, g, activation, wanted=(True, True, True)):
    """The result, the preactivation, and the gradients of x, the kernel and the bias."""
    y = unchanged(module.dense, x, kernel, bias, activation=activation)
    again, z = unchanged(module.dense_with_preactivation, x, kernel, bias, activation=activation)
    np.testing.assert_allclose(again, y, rtol=1e-5, atol=1e-5)
    saved = z if activation.startswith("gelu") else y
    gradients = unchanged(module.dense_gradient, wanted, g, saved, x, kernel, activation=activation)
    return y, z, *gradients


def assert_near(found, expected, dtype):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype.newbyteorder("=") == dtype
        assert one.shape == other.shape
        scale = max(1, np.abs(other).max(initial=0))
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("shape", "units"),
    [((5, 3), 4), ((2, 4, 3), 33), ((3,), 17), ((1, 1), 1), ((300, 3), 1), ((257, 2), 70)],
    ids=str,
)
def test_values_and_gradients_are_numpys(shape, units, activation, dtype):
    given = arrays(shape, units, dtype)
    exact = (array.astype(np.float64) for array in given)
    expected = results(reference, *exact, activation)
    assert_near(results(kernels, *given, activation), expected, dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_and_gradients_are_pytorchs(activation):
    x, kernel, bias, g = arrays((64, 20), 48, np.float32)
    inputs = [torch.tensor(one).double().requires_grad_() for one in (x, kernel, bias)]
    z = inputs[0] @ inputs[1] + inputs[2]
    y = ACTIVATIONS[activation](z)
    expected = (y.detach(), z.detach(), *torch.autograd.grad(y, inputs, torch.tensor(g).double()))
    found = results(kernels, x, kernel, bias, g, activation)
    assert_near(found, [one.numpy() for one in expected], np.float32)


@pytest.mark.parametrize("wanted", list(itertools.product([False, True], repeat=3)), ids=str)
def test_only_what_is_wanted_is_computed(wanted):
    x, kernel, _, g = arrays((5, 3), 4, np.float32)
    saved = generator.normal(size=g.shape).astype(np.float32)
    found = kernels.dense_gradient(wanted, g, saved, x, kernel, "relu")
    assert tuple(one is not None for one in found) == wanted


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("which", range(6), ids=["C", "F", "strided", "flipped", "fixed", "other"])
def test_layouts(which, activation):
    given = arrays((9, 3), 20, np.float32)
    changed = (layouts(array)[which] for array in given)
    exact = (array.astype(np.float64) for array in given)
    expected = results(reference, *exact, activation)
    assert_near(results(kernels, *changed, activation), expected, np.float32)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_is_not_finite_tiny_or_huge(activation, dtype):
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max / 4
    x = np.array([[np.nan], [np.inf], [-np.inf], [0.0], [-0.0], [tiny], [huge], [-huge]], dtype)
    x = np.repeat(x, 2, axis=0)
    kernel, bias = np.ones((1, 20), dtype), np.zeros(20, dtype)
    g = np.ones((16, 20), dtype)
    with np.errstate(all="ignore"):
        expected = results(reference, x, kernel, bias, g, activation)[:2]
        found = results(kernels, x, kernel, bias, g, activation)[:2]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=TOLERANCE[dtype])
    for value in (30.0, -30.0, 1e4, -1e4, np.inf, -np.inf):  # where slopes are flat
        saved = np.full((1, 20), value if activation.startswith("gelu") else np.sign(value), dtype)
        arguments = ((False, False, True), g[:1], saved, x[:1], kernel, activation)
        with np.errstate(all="ignore"):
            slope = reference.dense_gradient(*arguments)[2]
        np.testing.assert_allclose(kernels.dense_gradient(*arguments)[2], slope, atol=1e-6)


def test_rows_in_parts_are_the_same_with_any_number_of_threads():
    x, kernel, bias, g = arrays((4100, 4), 130, np.float32)
    assert kernels._grain(130) < 4100 // 2
    before = threads.thread_count()
    found = []
    try:
        for count in (1, 2, 3):
            threads.set_thread_count(count)
            found.append(results(kernels, x, kernel, bias, g, "gelu"))
    finally:
        threads.set_thread_count(before)
    exact = (array.astype(np.float64) for array in (x, kernel, bias, g))
    assert_near(found[0], results(reference, *exact, "gelu"), np.float32)
    for first, *others in zip(*found, strict=True):
        for other in others:
            np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (4, 3)], ids=str)
def test_what_numpy_does(shape, dtype):
    """Nothing, and half precision."""
    given = arrays(shape, 5, dtype)
    found = results(kernels, *given, "relu")
    for one, other in zip(found, results(reference, *given, "relu"), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_shapes_that_do_not_fit_are_refused():
    """And never written over the end of an array."""
    x, kernel, bias, g = arrays((4, 3), 5, np.float32)
    too_long = np.zeros(500, np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        kernels.dense(x, kernel, too_long, "relu")
    with pytest.raises(ValueError, match="broadcast"):
        kernels.dense_with_preactivation(x, kernel, too_long, "gelu")
    with pytest.raises(ValueError, match="broadcast"):
        kernels.dense_gradient((True,) * 3, g, g[:, :4], x, kernel, "relu")
    with pytest.raises(ValueError, match="not aligned"):
        kernels.dense(x, kernel.T, bias, "relu")


def test_an_activation_that_dense_does_not_know():
    x, kernel, bias, g = arrays((4, 3), 5, np.float32)
    with pytest.raises(ValueError, match=r"knows the activations .* got 'swish'"):
        kernels.dense(x, kernel, bias, "swish")
    with pytest.raises(ValueError, match=r"knows the activations .* got 'swish'"):
        kernels.dense_gradient((True,) * 3, g, g, x, kernel, "swish")
