"""Losses and their gradients on the GPU against NumPy's in float64, and PyTorch."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
import torch

from nnscratch_kernels import numpy_kernels
from tests.gpu.on_device import assert_near, layouts, run
from tests.gpu.row_cases import (
    DTYPES,
    SHAPES,
    TOLERANCE,
    exactly,
    generator,
    normal,
)

OF_LABELS = "sparse_softmax_crossentropy"
OF_DISTRIBUTIONS = "softmax_crossentropy"
BINARY = "binary_crossentropy_from_logits"


def four(name):
    """The losses and their mean, each without and with the gradient."""
    return [name, f"mean_{name}", f"{name}_with_gradient", f"mean_{name}_with_gradient"]


of_labels = pytest.mark.parametrize("name", four(OF_LABELS))
of_distributions = pytest.mark.parametrize("name", four(OF_DISTRIBUTIONS))
binary = pytest.mark.parametrize("name", four(BINARY))
every_dtype = pytest.mark.parametrize("dtype", DTYPES)

# Rows of logits and the label of each.
EDGES = [
    ([1.0, inf, 2.0], 0),
    ([1.0, inf, 2.0], 1),
    ([inf, inf, 1.0], 2),
    ([-inf, 1.0, 2.0], 0),
    ([-inf, 1.0, 2.0], 2),
    ([-inf, -inf, -inf], 1),
    ([nan, 1.0, 2.0], 1),
    ([nan, nan, nan], 0),
    ([nan, inf, -inf], 1),
    ([3e38, -3e38, 0.0], 0),
    ([100.0, 0.0, -100.0], 0),
    ([-100.0, 0.0, 100.0], 0),
    ([2.0, 2.0, 2.0], 1),
    ([0.0, -0.0, -40.0], 1),
]


@pytest.fixture
def kernels(cupy):
    from nnscratch_kernels import cupy_kernels

    return cupy_kernels


def labels_for(shape, kind=np.int64):
    return np.asarray(generator.integers(0, shape[-1], shape[:-1]), kind)


def distributions_for(shape, dtype):
    return exactly("softmax", normal(shape, dtype)).astype(dtype)


@every_dtype
@of_labels
@pytest.mark.parametrize("shape", [*SHAPES, (7,), (2, 3, 40)], ids=str)
def test_of_labels(cupy, kernels, name, shape, dtype):
    arguments = labels_for(shape), normal(shape, dtype, 3)
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), TOLERANCE[dtype])


@every_dtype
@of_distributions
@pytest.mark.parametrize("shape", [*SHAPES, (7,), (2, 3, 40)], ids=str)
def test_of_distributions(cupy, kernels, name, shape, dtype):
    arguments = distributions_for(shape, dtype), normal(shape, dtype, 3)
    found = run(cupy, getattr(kernels, name), *arguments)
    assert_near(found, exactly(name, *arguments), 2 * TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("name", [*four(BINARY), "mean_squared_error"])
@pytest.mark.parametrize(
    "shape", [(0,), (), (1,), (2,), (255,), (256,), (257,), (1023,), (4096,), (33, 1001)], ids=str
)
def test_of_elements(cupy, kernels, name, shape, dtype):
    arguments = generator.random(shape).astype(dtype), np.array(normal(shape, dtype, 3))
    found = run(cupy, getattr(kernels, name), *map(np.asarray, arguments))
    assert_near(found, exactly(name, *arguments), TOLERANCE[dtype])


def test_means_of_many(cupy, kernels):
    """So many that their sum is taken in pieces, or in parts that grow."""
    labels, logits = labels_for((70_000, 3)), normal((70_000, 3), np.float32)
    name = f"mean_{OF_LABELS}"
    found = run(cupy, getattr(kernels, name), labels, logits)
    assert_near(found, exactly(name, labels, logits), 1e-6)


def test_parts_grow_with_the_size(cupy, kernels, monkeypatch):
    from nnscratch_kernels.cupy_kernels import crossentropy

    monkeypatch.setattr(crossentropy, "PART", 100)
    monkeypatch.setattr(crossentropy, "MOST_PARTS", 3)
    for size in (299, 300, 301, 5000):
        arguments = generator.random(size), normal((size,), np.float64)
        for name in ("mean_squared_error", *four(BINARY)):
            found = run(cupy, getattr(kernels, name), *arguments)
            assert_near(found, exactly(name, *arguments), 2e-15)


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.uint64, np.int16])
def test_kinds_of_labels(cupy, kernels, kind):
    labels, logits = labels_for((6, 5), kind), normal((6, 5), np.float64)
    for name in (*four(OF_LABELS), "minus_one_hot"):
        arguments = (logits, labels) if name == "minus_one_hot" else (labels, logits)
        found = run(cupy, getattr(kernels, name), *arguments)
        assert_near(found, exactly(name, *arguments), 2e-15)


def test_integers_as_targets(cupy, kernels):
    logits = normal((6, 5), np.float32)
    for kind in (np.int64, np.bool_, np.float64):
        target = generator.integers(0, 2, (6, 5)).astype(kind)
        for name in four(BINARY) + four(OF_DISTRIBUTIONS):
            found = run(cupy, getattr(kernels, name), target, logits)
            assert_near(found, exactly(name, target.astype(float), logits), 1e-6)


@every_dtype
def test_layouts(cupy, kernels, dtype):
    shape = 4, 5, 6
    labels, target, logits = (
        labels_for(shape),
        distributions_for(shape, dtype),
        normal(shape, dtype),
    )
    for one, name in (
        *((target, name) for name in four(OF_DISTRIBUTIONS) + four(BINARY)),
        *((labels, name) for name in four(OF_LABELS)),
    ):
        expected = exactly(name, one, logits)
        for left, right in zip(layouts(cupy, one), reversed(layouts(cupy, logits)), strict=True):
            found = run(cupy, getattr(kernels, name), left, right)
            assert_near(found, expected, 2 * TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (300, 3), (4, 1000), (7,), (2, 3, 4)], ids=str)
def test_minus_one_hot(cupy, kernels, shape, dtype):
    probabilities, labels = distributions_for(shape, dtype), labels_for(shape)
    expected = numpy_kernels.minus_one_hot(probabilities, labels)
    for there in layouts(cupy, probabilities):
        found = run(cupy, kernels.minus_one_hot, there, labels)
        np.testing.assert_array_equal(found, expected)


@every_dtype
@pytest.mark.parametrize("length", [3, 50, 700, 5000])
@pytest.mark.parametrize("name", [OF_LABELS, f"{OF_LABELS}_with_gradient"])
def test_edges_of_labels(cupy, kernels, name, length, dtype):
    step = -(-length // 3)
    for values, label in EDGES:
        logits = np.full((2, length), min(values), dtype)
        logits[:, ::step][:, :3] = values
        labels = np.array([label * step] * 2)
        with np.errstate(all="ignore"):
            expected = getattr(numpy_kernels, name)(labels, logits)
        found = run(cupy, getattr(kernels, name), labels, logits)
        assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("name", [OF_DISTRIBUTIONS, f"{OF_DISTRIBUTIONS}_with_gradient"])
def test_edges_of_distributions(cupy, kernels, name, dtype):
    for values, _ in EDGES:
        logits = np.array([values], dtype)
        for target in ([0.2, 0.3, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [nan, 0.0, 1.0]):
            arguments = np.array([target], dtype), logits
            with np.errstate(all="ignore"):
                expected = getattr(numpy_kernels, name)(*arguments)
            found = run(cupy, getattr(kernels, name), *arguments)
            assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
@binary
def test_edges_of_binary(cupy, kernels, name, dtype):
    logits = np.array([0.0, -0.0, inf, -inf, nan, 1e-30, -1e-30, 90.0, -90.0, 3e38, -3e38], dtype)
    for target in (0.0, 0.3, 1.0):
        arguments = np.full_like(logits, target), logits
        with np.errstate(all="ignore"):
            expected = getattr(numpy_kernels, name)(*arguments)
        found = run(cupy, getattr(kernels, name), *arguments)
        assert_near(found, expected, TOLERANCE[dtype])


@every_dtype
def test_a_small_loss_keeps_its_digits(cupy, kernels, dtype):
    """A sure and right answer has a loss of e^-30 or so, and the loss keeps what digits it has."""
    logits = np.zeros((3, 6), dtype)
    logits[:, 2] = 30
    labels = np.array([2, 2, 2])
    losses = run(cupy, getattr(kernels, OF_LABELS), labels, logits)
    np.testing.assert_allclose(losses, exactly(OF_LABELS, labels, logits), 1e-6)
    target = np.eye(6, dtype=dtype)[labels]
    losses = run(cupy, getattr(kernels, OF_DISTRIBUTIONS), target, logits)
    np.testing.assert_allclose(losses, exactly(OF_DISTRIBUTIONS, target, logits), 1e-6)
    losses = run(cupy, getattr(kernels, BINARY), np.ones(1, dtype), np.full(1, 30, dtype))
    np.testing.assert_allclose(losses, np.log1p(np.exp(-30)), 1e-6)


@every_dtype
@pytest.mark.parametrize("classes", [3, 700, 5000])
def test_labels_that_are_no_class(cupy, kernels, classes, dtype):
    """They give NaN as the loss and the gradient of their row, and leave the others alone."""
    logits = normal((6, classes), dtype)
    wrong = np.array([0, classes, -1, classes - 1, 2**40, -(2**63)])
    right = np.where((wrong >= 0) & (wrong < classes), wrong, 0)
    known = np.array([0, 3])
    unknown = np.array([1, 2, 4, 5])
    name = f"{OF_LABELS}_with_gradient"
    for found, expected in zip(
        run(cupy, getattr(kernels, name), wrong, logits), exactly(name, right, logits), strict=True
    ):
        assert np.isnan(found[unknown]).all()
        assert_near(found[known], expected[known], TOLERANCE[dtype])
    losses = run(cupy, getattr(kernels, OF_LABELS), wrong, logits)
    np.testing.assert_array_equal(np.isnan(losses), right != wrong)
    difference = run(cupy, kernels.minus_one_hot, logits, wrong)
    assert np.isnan(difference[unknown]).all()
    assert not np.isnan(difference[known]).any()


@of_labels
def test_shapes_that_do_not_fit(cupy, kernels, name):
    with pytest.raises(ValueError, match=r"labels of shape \(4,\) for logits of shape \(3, 5\)"):
        getattr(kernels, name)(cupy.zeros(4, np.int64), cupy.ones((3, 5)))


def test_one_target_for_all_samples(cupy, kernels):
    target, logits = distributions_for((5,), np.float32), normal((4, 5), np.float32)
    for name in four(OF_DISTRIBUTIONS) + four(BINARY):
        found = run(cupy, getattr(kernels, name), target, logits)
        everywhere = np.broadcast_to(target, logits.shape)
        assert_near(found, exactly(name, everywhere, logits), 1e-6)
    with pytest.raises(ValueError, match="broadcast"):
        kernels.softmax_crossentropy(cupy.ones(3), cupy.ones((4, 5)))


@every_dtype
@pytest.mark.parametrize("classes", [10, 1000])
def test_against_pytorch(cupy, kernels, classes, dtype):
    functional = torch.nn.functional
    shape = 8, classes
    labels, target, logits = (
        labels_for(shape),
        distributions_for(shape, dtype),
        normal(shape, dtype),
    )
    there = torch.tensor(logits, requires_grad=True)
    for name, one, loss in (
        (OF_LABELS, labels, functional.cross_entropy),
        (OF_DISTRIBUTIONS, target, functional.cross_entropy),
        (BINARY, target, functional.binary_cross_entropy_with_logits),
    ):
        expected = loss(there, torch.tensor(one))
        (gradient,) = torch.autograd.grad(expected, there)
        found = run(cupy, getattr(kernels, f"mean_{name}_with_gradient"), one, logits)
        torch.testing.assert_close(torch.tensor(found[0]), expected.detach())
        torch.testing.assert_close(torch.tensor(found[1]), gradient)
        found = run(cupy, getattr(kernels, f"mean_{name}"), one, logits)
        torch.testing.assert_close(torch.tensor(found), expected.detach())
    found = run(cupy, kernels.mean_squared_error, target, logits)
    expected = functional.mse_loss(torch.tensor(logits), torch.tensor(target))
    torch.testing.assert_close(torch.tensor(found), expected)


def test_no_copies_to_the_host(cupy, kernels, host_copies):
    labels, target, logits = (
        cupy.asarray(one)
        for one in (
            labels_for((5, 40)),
            distributions_for((5, 40), np.float32),
            normal((5, 40), np.float32),
        )
    )
    with host_copies() as counted:
        for name in four(OF_LABELS):
            getattr(kernels, name)(labels, logits)
        for name in (*four(OF_DISTRIBUTIONS), *four(BINARY), "mean_squared_error"):
            getattr(kernels, name)(target, logits)
        kernels.minus_one_hot(target, labels)
    assert not counted.copies + counted.synchronizations + counted.uploads


@pytest.mark.parametrize(
    "name", [*four(OF_LABELS), *four(OF_DISTRIBUTIONS), *four(BINARY), "mean_squared_error"]
)
def test_half_precision(cupy, kernels, name):
    """It is computed in single precision and rounded once."""
    shape = 4, 5
    logits = normal(shape, np.float16)
    target = labels_for(shape) if "sparse" in name else distributions_for(shape, np.float16)
    found = run(cupy, getattr(kernels, name), target, logits)
    for one in found if isinstance(found, tuple) else (found,):
        assert one.dtype == np.float16
    assert_near(found, exactly(name, target, logits), 1e-3)
