"""The CUDA steps of the optimizers against their NumPy twins in float64, and PyTorch's."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch

from nnscratch_kernels.laboratory.cases.declaring import Draw
from nnscratch_kernels.laboratory.cases.optimizers import RECIPES
from nnscratch_kernels.numpy_kernels import optimizer_steps as reference

SIZES = [0, 1, 2, 255, 256, 257, 1023, 5000]
FACTORS = {"value_factor": 0.99, "gradient_factor": 0.3}
LION = {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.99}


def step(recipe: str, arguments: Any = None, **options: Any) -> tuple[str, Any, dict[str, Any]]:
    """A step, how its arguments are drawn, and its numbers: the laboratory's, but for some."""
    found = RECIPES[recipe]
    usual = dict(found.options) | {"learning_rate": 0.1}
    return found.kernel, arguments or found.arguments, usual | options


STEPS = {name: step(name) for name in RECIPES} | {
    "sgd_step (Nesterov, plain)": step("sgd_step (plain)", momentum=0.9, nesterov=True),
    "rmsprop_step (momentum)": step(
        "rmsprop_step",
        lambda draw: (*RECIPES["rmsprop_step"].arguments(draw)[:4], draw.normal(scale=0.1)),
        momentum=0.9,
    ),
    "rmsprop_step (centered)": step(
        "rmsprop_step (centered, momentum)",
        lambda draw: (*RECIPES["rmsprop_step (centered, momentum)"].arguments(draw)[:4], None),
    ),
    "ftrl_step (another power)": step("ftrl_step", learning_rate_power=-0.7),
}

every_step = pytest.mark.parametrize(("name", "draw", "options"), STEPS.values(), ids=STEPS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def steps(cupy: Any) -> Any:
    """The kernels of the GPU, which import `cupy`."""
    from nnscratch_kernels.cupy_kernels import optimizer_steps

    return optimizer_steps


@pytest.fixture
def to_gpu(cupy: Any) -> Any:
    """Copies of arrays on the GPU; None stays."""
    return lambda arrays: [None if a is None else cupy.asarray(a) for a in arrays]


def buffers(draw: Any, size: int, dtype: Any) -> list[Any]:
    """Values, gradients of many magnitudes, and slots; None where there is none."""
    drawn = draw(Draw(max(size, 1), np.dtype(np.float64)))
    arrays = [None if a is None else a[:size] for a in drawn]
    arrays[1] *= 10.0 ** np.random.default_rng(size).integers(-5, 2, size)
    return [None if a is None else a.astype(dtype) for a in arrays]


def to_host(arrays: list[Any]) -> list[Any]:
    return [None if a is None else a.get() for a in arrays]


def copies(arrays: list[Any], dtype: Any = None) -> list[Any]:
    return [None if a is None else np.array(a, dtype or a.dtype) for a in arrays]


def same_bits(arrays: list[Any], expected: list[Any]) -> bool:
    pairs = zip(arrays, expected, strict=True)
    return all(a is b is None or np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def assert_near(arrays: list[Any], expected: list[Any], rounding: float) -> None:
    """Equal but for rounding, of each number and of those that were added up in it."""
    for array, wanted in zip(arrays, expected, strict=True):
        assert (array is None) == (wanted is None)
        if wanted is not None:
            scale = np.abs(wanted).max(initial=0)
            np.testing.assert_allclose(array, wanted, rtol=rounding, atol=rounding * scale)


def test_every_step_has_a_kernel(steps):
    names = {name for name in vars(reference) if name.endswith("_step")}
    assert {name for name, _, _ in STEPS.values()} == names
    for name in names:
        assert signature(getattr(steps, name)) == signature(getattr(reference, name))


@every_step
@every_dtype
@pytest.mark.parametrize("factors", [{}, FACTORS], ids=["", "factors"])
def test_several_steps_are_numpys(steps, to_gpu, name, draw, options, dtype, factors):
    for size in SIZES:
        start = buffers(draw, size, dtype)
        ours, expected = to_gpu(start), copies(start, np.float64)
        for _ in range(3):
            assert getattr(steps, name)(*ours, **options, **factors) is None
            getattr(reference, name)(*expected, **options, **factors)
        found = to_host(ours)
        assert all(a is None or a.dtype == dtype for a in found)
        assert_near(found, expected, 2e-5 if dtype == np.float32 else 1e-13)
        np.testing.assert_array_equal(found[1], start[1])


@every_step
def test_a_grid_that_is_smaller_than_the_array(steps, to_gpu, monkeypatch, name, draw, options):
    """Each block then takes several tiles."""
    from nnscratch_kernels.cupy_kernels import elementwise

    monkeypatch.setattr(elementwise, "MOST_BLOCKS", 2)
    expected = buffers(draw, 5000, np.float64)
    ours = to_gpu(expected)
    getattr(steps, name)(*ours, **options)
    getattr(reference, name)(*expected, **options)
    assert_near(to_host(ours), expected, 1e-13)


@every_step
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, 1e-42, -0.0])
def test_edge_values_go_where_numpy_lets_them(steps, to_gpu, name, draw, options, bad):
    start = buffers(draw, 40, np.float32)
    for place, array in enumerate(start):
        if array is not None:
            array[place] = bad if np.isnan(bad) or place < 2 else abs(bad)
    ours, expected = to_gpu(start), copies(start)
    getattr(steps, name)(*ours, **options)
    with np.errstate(all="ignore"):
        getattr(reference, name)(*expected, **options)
    for array, wanted in zip(to_host(ours), expected, strict=True):
        if wanted is not None:
            # Where v and a² overflow, v - a² is NaN only if a² is rounded before it is subtracted.
            either = np.isnan(wanted) & (bad == 1e30)
            np.testing.assert_allclose(array[~either], wanted[~either], rtol=2e-5, atol=1e-6)


@every_step
@pytest.mark.parametrize("gradient", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(steps, to_gpu, name, draw, options, gradient):
    arrays = buffers(draw, 2, np.float64)
    arrays[1][0] = gradient
    ours = to_gpu(arrays)
    getattr(steps, name)(*ours, **options)
    values = ours[0].get()
    # Lion takes a step of ±η even along an infinite gradient.
    assert np.isfinite(values[0]) == (name == "lion_step" and np.isinf(gradient))
    assert np.isfinite(values[1])


@every_step
@every_dtype
def test_a_step_changes_its_stretch_and_nothing_else(cupy, steps, name, draw, options, dtype):
    """A stretch of a flat buffer, which need not begin where the GPU likes it."""
    expected = buffers(draw, 300, dtype)
    whole = [None if a is None else cupy.ones(400, dtype) for a in expected]
    stretch = [None if a is None else a[13:313] for a in whole]
    for array, numbers in zip(stretch, expected, strict=True):
        if array is not None:
            array[...] = cupy.asarray(numbers)
    getattr(steps, name)(*stretch, **options)
    getattr(reference, name)(*expected, **options)
    assert_near(to_host(stretch), expected, 2e-6)
    for array in whole:
        if array is not None:
            np.testing.assert_array_equal(np.delete(array.get(), range(13, 313)), np.ones(100))


@every_step
@pytest.mark.parametrize("kind", ["strided", "reversed", "Fortran", "matrix", "half"])
def test_every_layout_is_changed_in_place(cupy, steps, name, draw, options, kind):
    """Never only a copy of it; half precision is computed in single."""
    arrays = buffers(draw, 24, np.float16 if kind == "half" else np.float64)

    def laid_out(array: Any) -> Any:
        if array is None:
            return None
        if kind == "matrix":
            return cupy.asarray(array.reshape(4, 6))
        if kind == "Fortran":
            return cupy.asfortranarray(cupy.asarray(array.reshape(4, 6)))
        laid = {
            "strided": cupy.zeros(48)[::2],
            "reversed": cupy.zeros(24)[::-1],
            "half": cupy.zeros(24, np.float16),
        }[kind]
        laid[...] = cupy.asarray(array)
        return laid

    ours = [laid_out(array) for array in arrays]
    expected = copies(arrays, np.result_type(arrays[0], np.float32))
    getattr(steps, name)(*ours, **options)
    getattr(reference, name)(*expected, **options)
    found = [None if a is None else a.ravel() for a in to_host(ours)]
    assert_near(found, expected, 1e-3 if kind == "half" else 1e-13)
    np.testing.assert_array_equal(found[1], arrays[1])
    assert not np.array_equal(found[0], arrays[0])


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda cupy: np.ones(3), TypeError, "on the GPU, got a numpy.ndarray of dtype float64"),
        (lambda cupy: cupy.ones(3, np.int32), TypeError, "of dtype int32"),
        (lambda cupy: cupy.ones(4), ValueError, r"one shape, got \(3,\) and \(4,\)"),
        (lambda cupy: cupy.ones(()), ValueError, r"one shape, got \(3,\) and \(\)"),
    ],
)
def test_refused(cupy, steps, wrong, error, words):
    with pytest.raises(error, match=words):
        steps.lion_step(cupy.ones(3), wrong(cupy), cupy.ones(3), **LION)


def test_mixed_dtypes_are_the_twins(cupy, steps):
    start = [np.ones(3, np.float32), np.full(3, 1 / 3), np.ones(3)]
    ours, expected = [cupy.asarray(a) for a in start], copies(start)
    options = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}
    steps.sgd_step(*ours, **options)
    reference.sgd_step(*expected, **options)
    assert ours[0].dtype == np.float32
    assert_near(to_host(ours), expected, 1e-6)


def test_integers_as_numbers(cupy, steps):
    values, expected = cupy.ones(5, np.float32), np.ones(5, np.float32)
    gradients = np.full(5, 0.1, np.float32)
    options = {"learning_rate": 1, "momentum": 0, "nesterov": False}
    steps.sgd_step(values, cupy.asarray(gradients), None, **options)
    reference.sgd_step(expected, gradients, None, **options)
    np.testing.assert_array_equal(values.get(), expected)


def test_lion_stands_still_where_the_rounded_products_cancel(cupy, steps):
    """A fused multiply-add would see the rounding of one product and take a whole step."""
    generator = np.random.default_rng(0)
    beta, share = np.float32(0.9), np.float32(1.0 - 0.9)
    momentum = generator.normal(size=20_000).astype(np.float32)
    gradients = (-(momentum * beta) / share).astype(np.float32)
    cancels = momentum * beta + gradients * share == 0
    exactly = np.float64(beta) * momentum + np.float64(share) * gradients == 0
    chosen = cancels & ~exactly
    assert chosen.sum() > 100
    momentum, gradients = momentum[chosen], gradients[chosen]
    values = cupy.zeros(momentum.shape, np.float32)
    steps.lion_step(values, cupy.asarray(gradients), cupy.asarray(momentum), **LION)
    assert not values.get().any()


@every_step
def test_two_runs_give_the_same_bits(steps, to_gpu, name, draw, options):
    start = buffers(draw, 3000, np.float32)
    first, second = to_gpu(start), to_gpu(start)
    getattr(steps, name)(*first, **options, **FACTORS)
    getattr(steps, name)(*second, **options, **FACTORS)
    assert same_bits(to_host(first), to_host(second))


@every_step
def test_nothing_goes_to_the_host(steps, to_gpu, host_copies, name, draw, options):
    ours = to_gpu(buffers(draw, 50, np.float32))
    with host_copies() as counted:
        getattr(steps, name)(*ours, **options, **FACTORS)
    assert counted == type(counted)()  # neither copies nor waits


ADAM = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.0}
TORCH_ADAM = {"betas": (0.8, 0.95), "eps": 0, "amsgrad": True}
RATE = 0.05


@pytest.mark.parametrize(
    ("name", "slots", "options", "optimizer", "torch_options"),
    [
        (
            "sgd_step",
            1,
            {"momentum": 0.9, "nesterov": True},
            "SGD",
            {"momentum": 0.9, "nesterov": True},
        ),
        (
            "rmsprop_step",
            3,
            {"rho": 0.8, "momentum": 0.5, "epsilon": 0.0},
            "RMSprop",
            {"alpha": 0.8, "momentum": 0.5, "eps": 0, "centered": True},
        ),
        ("adam_step", 3, ADAM, "Adam", TORCH_ADAM),
        (
            "adam_step",
            3,
            ADAM | {"value_factor": 1 - 0.1 * RATE},
            "AdamW",
            TORCH_ADAM | {"weight_decay": 0.1},
        ),
    ],
    ids=["SGD", "RMSprop", "Adam", "AdamW"],
)
def test_they_are_pytorchs(cupy, steps, name, slots, options, optimizer, torch_options):
    """With ε = 0, since Keras puts it elsewhere than PyTorch."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=50)
    ours = [cupy.asarray(values), None, *(cupy.zeros(50) for _ in range(slots))]
    theirs = torch.tensor(values, requires_grad=True)
    stepper = getattr(torch.optim, optimizer)([theirs], lr=RATE, **torch_options)
    for t in range(1, 6):
        gradients = generator.normal(size=50)
        ours[1], theirs.grad = cupy.asarray(gradients), torch.tensor(gradients)
        counted = {"step": t} if name == "adam_step" else {}
        getattr(steps, name)(*ours, learning_rate=RATE, **counted, **options)
        stepper.step()
    np.testing.assert_allclose(ours[0].get(), theirs.detach().numpy(), rtol=1e-11)
