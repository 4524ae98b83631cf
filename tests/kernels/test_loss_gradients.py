"""Cross-entropies with their gradient against PyTorch, on every dtype, layout and edge value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from nnscratch_kernels import numpy_kernels as kernels
from tests.kernels.array_layouts import assert_near, layouts, unchanged

generator = np.random.default_rng(0)
NAMES = ["sparse_softmax_crossentropy", "softmax_crossentropy", "binary_crossentropy_from_logits"]


def of_torch(name, target, logits, reduction="none"):
    """The losses, and the gradient of their sum or mean, in float64."""
    z = torch.tensor(np.asarray(logits, float), requires_grad=True)
    if name == "sparse_softmax_crossentropy":
        classes_second = z.movedim(-1, 1) if z.ndim > 2 else z
        labels = torch.tensor(np.asarray(target, np.int64))
        losses = functional.cross_entropy(classes_second, labels, reduction=reduction)
    elif name == "softmax_crossentropy":
        losses = -(torch.tensor(np.asarray(target, float)) * torch.log_softmax(z, -1)).sum(-1)
        losses = losses.mean() if reduction == "mean" else losses
    else:
        target = torch.tensor(np.asarray(target, float))
        losses = functional.binary_cross_entropy_with_logits(z, target, reduction=reduction)
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    return losses.detach().numpy(), gradient.numpy()


def make_target(name, shape, dtype):
    if name == "sparse_softmax_crossentropy":
        return generator.integers(0, shape[-1], shape[:-1])
    return generator.random(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3), (3,), (4, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_against_pytorch(name, shape, dtype):
    logits = (5 * generator.normal(size=shape)).astype(dtype)
    target = make_target(name, shape, dtype)
    found = unchanged(getattr(kernels, f"{name}_with_gradient"), target, logits)
    assert_near(found, of_torch(name, target, logits), dtype)
    found = unchanged(getattr(kernels, f"mean_{name}_with_gradient"), target, logits)
    assert_near(found, of_torch(name, target, logits, "mean"), dtype)


@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name):
    logits = generator.normal(size=(4, 5)).astype(np.float32)
    target = make_target(name, logits.shape, np.float32)
    expected = of_torch(name, target, logits)
    for z in layouts(logits):
        for t in layouts(target):
            found = unchanged(getattr(kernels, f"{name}_with_gradient"), t, z)
            assert_near(found, expected, np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_logit_overflows(dtype):
    line = np.array([-1e30, -200, -30, -1, -0.0, 0, 1e-30, 1, 30, 200, 1e30], dtype)
    rows = np.array([[a, b, 0] for a in line for b in line], dtype)
    for name, logits in ((NAMES[0], rows), (NAMES[1], rows), (NAMES[2], line)):
        target = make_target(name, logits.shape, dtype)
        found = getattr(kernels, f"{name}_with_gradient")(target, logits)
        assert_near(found, of_torch(name, target, logits), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1000])
def test_a_sure_and_right_answer_keeps_its_digits(offset, dtype):
    gaps = np.array([3, 10, 20, 60], dtype)
    expected = np.log1p(np.exp(-gaps.astype(float)))
    logits = np.stack([gaps + offset, np.full_like(gaps, offset)], axis=-1)
    labels = np.zeros(4, int)
    losses, _ = kernels.sparse_softmax_crossentropy_with_gradient(labels, logits)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    losses, _ = kernels.softmax_crossentropy_with_gradient(np.eye(2, dtype=dtype)[labels], logits)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    losses, _ = kernels.binary_crossentropy_from_logits_with_gradient(np.ones_like(gaps), gaps)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("mean", ["", "mean_"])
def test_a_label_that_is_no_class(mean, label):
    kernel = getattr(kernels, f"{mean}sparse_softmax_crossentropy_with_gradient")
    with pytest.raises(ValueError, match=f"label {label} for 3 classes"):
        kernel(np.array([0, label]), np.zeros((2, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_no_samples(name):
    logits = np.zeros((0, 3), np.float32)
    target = make_target(name, logits.shape, np.float32)
    losses, gradient = getattr(kernels, f"{name}_with_gradient")(target, logits)
    assert losses.shape == target.shape[: losses.ndim]
    assert losses.dtype == gradient.dtype == np.float32
    assert gradient.shape == (0, 3)


def test_nan_stays_nan():
    logits = np.array([[1, np.nan, 2], [1, 2, 3]])
    for name in NAMES[:2]:
        target = make_target(name, logits.shape, float)
        losses, gradient = getattr(kernels, f"{name}_with_gradient")(target, logits)
        np.testing.assert_array_equal(np.isnan(losses), [True, False])
        np.testing.assert_array_equal(np.isnan(gradient).any(axis=-1), [True, False])
