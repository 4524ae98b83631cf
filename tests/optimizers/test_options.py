"""What every optimizer does beside its update, in each of them, against Keras in double precision.

Clipping, weight decay, moving averages, accumulation, loss scaling, schedules and constraints.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.optimizers import SGD, Adam

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("keras_in_double_precision"),
]

SHAPES = ((3, 4), (4,), ())
STEPS = 100
NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]  # fmt: skip # noqa: E501

OPTIONS: list[dict[str, Any]] = [
    {"weight_decay": 0.3},
    {"clipnorm": 0.7},
    {"clipvalue": 0.2},
    {"global_clipnorm": 1.1},
    {"use_ema": True},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 7},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 16.0, "clipvalue": 0.01},
    {
        "weight_decay": 0.1,
        "global_clipnorm": 2.0,
        "use_ema": True,
        "ema_momentum": 0.6,
        "ema_overwrite_frequency": 4,
        "gradient_accumulation_steps": 3,
    },
]

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"decay_steps": 9, "decay_rate": 0.8}),
    ("CosineDecayRestarts", {"first_decay_steps": 20}),
    ("PolynomialDecay", {"decay_steps": 50, "end_learning_rate": 0.001}),
]


def starts() -> list[Any]:
    generator = np.random.default_rng(0)
    return [np.asarray(generator.normal(size=shape)) for shape in SHAPES]


def gradients_of(step: int) -> list[Any]:
    """Gradients of changing size: some steps are clipped and others are not."""
    generator = np.random.default_rng(step)
    size = 10.0 ** generator.uniform(-2, 1)
    return [np.asarray(size * generator.normal(size=shape)) for shape in SHAPES]


class Pair:
    """The same optimizer here and in Keras, with the same variables."""

    def __init__(self, name: str, theirs: dict[str, Any], ours: dict[str, Any] | None = None):
        self.theirs = getattr(keras.optimizers, name)(**theirs)
        self.ours = getattr(ns.optimizers, name)(**(theirs if ours is None else ours))
        names = ["kernel", "bias", "scale"]
        self.variables = [
            keras.Variable(values, dtype="float64", name=name)
            for values, name in zip(starts(), names, strict=True)
        ]
        self.parameters = [
            ns.Parameter(values, name=name) for values, name in zip(starts(), names, strict=True)
        ]

    def run(self, steps: int = STEPS) -> None:
        for step in range(steps):
            gradients = gradients_of(step)
            tensors = [keras.ops.convert_to_tensor(g, "float64") for g in gradients]
            self.theirs.apply(tensors, self.variables)
            self.ours.apply([ns.Tensor(g) for g in gradients], self.parameters)

    def compare(self) -> None:
        assert self.ours.iterations == int(self.theirs.iterations)
        for parameter, variable in zip(self.parameters, self.variables, strict=True):
            expected = keras.ops.convert_to_numpy(variable)
            np.testing.assert_allclose(parameter.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_100_steps(name, options):
    pair = Pair(name, {"learning_rate": 0.01, **options})
    pair.run()
    pair.compare()
    pair.theirs.finalize_variable_values(pair.variables)
    pair.ours.finalize_variable_values(pair.parameters)
    pair.compare()


def test_each_option_changes_the_result():
    """So that none of the comparisons above passes by having no effect."""
    results = []
    for options in [{}, *OPTIONS]:
        pair = Pair("Adam", {"learning_rate": 0.01, **options})
        pair.run(20)
        pair.ours.finalize_variable_values(pair.parameters)
        results.append(pair.parameters[0].numpy().tobytes())
    assert len(set(results)) == len(results)


@pytest.mark.parametrize(("schedule", "arguments"), SCHEDULES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_schedules(name, schedule, arguments):
    theirs = getattr(keras.optimizers.schedules, schedule)(0.02, **arguments)
    ours = getattr(ns.optimizers.schedules, schedule)(0.02, **arguments)
    pair = Pair(name, {"learning_rate": theirs}, {"learning_rate": ours})
    assert pair.ours.learning_rate == 0.02
    pair.run()
    pair.compare()
    assert pair.ours.learning_rate == pytest.approx(float(pair.theirs.learning_rate), rel=1e-12)


def test_a_schedule_counts_calls_and_decay_follows_it():
    """With accumulation the schedule goes on at every call, not at every update."""
    options = {"gradient_accumulation_steps": 4, "weight_decay": 0.5}
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    ours = ns.schedules.ExponentialDecay(0.1, 10, 0.5)
    pair = Pair("SGD", {"learning_rate": theirs, **options}, {"learning_rate": ours, **options})
    pair.run(22)
    pair.compare()


def test_a_function_without_arguments_is_asked_at_every_step():
    def rates() -> Any:
        remaining = iter([0.1, 0.2, 0.3])
        return lambda: next(remaining)

    pair = Pair("SGD", {"learning_rate": rates()}, {"learning_rate": rates()})
    pair.run(3)
    pair.compare()


CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {"max_value": 0.5}),
    ("UnitNorm", {}),
    ("NonNeg", {}),
    ("MinMaxNorm", {"min_value": 0.25, "max_value": 0.5, "axis": 1}),
]


@pytest.mark.parametrize(("constraint", "arguments"), CONSTRAINTS, ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_ema": True, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_constraints(constraint, arguments, options):
    """After the update and the moving average, on the parameter that has one alone."""
    pair = Pair("Adam", {"learning_rate": 0.1, **options})
    pair.variables[0].constraint = getattr(keras.constraints, constraint)(**arguments)
    pair.parameters[0].constraint = getattr(ns.constraints, constraint)(**arguments)
    pair.run()
    pair.compare()


def test_a_constraint_may_be_set_at_any_time():
    parameter = ns.Parameter(np.array([1.0, -1.0]))
    optimizer = SGD(0.5)
    zero = [ns.Tensor([0.0, 0.0])]
    optimizer.apply(zero, [parameter])
    np.testing.assert_array_equal(parameter.numpy(), [1, -1])
    parameter.constraint = ns.constraints.NonNeg()
    optimizer.apply(zero, [parameter])
    np.testing.assert_array_equal(parameter.numpy(), [1, 0])
    optimizer.apply([ns.Tensor([-1.0, 1.0])], [parameter])  # it is still a view of the buffer
    np.testing.assert_array_equal(parameter.numpy(), [1.5, 0])


@pytest.mark.parametrize(
    "exclusion", [{"var_names": ["bias", "ale$"]}, {"var_list": [0, 2]}], ids=str
)
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_exclusion_from_weight_decay(name, exclusion):
    pair = Pair(name, {"learning_rate": 0.1, "weight_decay": 0.5})
    for optimizer, variables in ((pair.theirs, pair.variables), (pair.ours, pair.parameters)):
        chosen = {
            key: [variables[i] for i in value] if key == "var_list" else value
            for key, value in exclusion.items()
        }
        optimizer.exclude_from_weight_decay(**chosen)
    pair.run()
    pair.compare()


def test_exclusion_takes_effect_at_once():
    kernel, bias = ns.Parameter(np.ones(2), name="kernel"), ns.Parameter(np.ones(1), name="bias")
    zeros = [ns.Tensor(np.zeros(2)), ns.Tensor(np.zeros(1))]
    optimizer = SGD(0.5, weight_decay=1.0)
    optimizer.apply(zeros, [kernel, bias])
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply(zeros, [kernel, bias])
    np.testing.assert_array_equal(kernel.numpy(), [0.25, 0.25])
    np.testing.assert_array_equal(bias.numpy(), [0.5])


def test_options_may_change_between_steps():
    parameter = ns.Parameter(np.zeros(2))
    gradient = [ns.Tensor([3.0, -4.0])]
    optimizer = SGD(1.0)
    optimizer.apply(gradient, [parameter])
    optimizer.clipnorm = 1.0
    optimizer.apply(gradient, [parameter])
    np.testing.assert_allclose(parameter.numpy(), [-3.6, 4.8], rtol=1e-12)
    optimizer.clipnorm, optimizer.weight_decay = None, 0.5
    optimizer.apply(gradient, [parameter])
    np.testing.assert_allclose(parameter.numpy(), [-4.8, 6.4], rtol=1e-12)
    optimizer.use_ema, optimizer.ema_momentum, optimizer.weight_decay = True, 0.75, None
    optimizer.apply(gradient, [parameter])  # the average is [-7.8, 10.4]
    optimizer.apply(gradient, [parameter])
    optimizer.finalize_variable_values([parameter])
    np.testing.assert_allclose(parameter.numpy(), [-7.8 - 0.25 * 3, 10.4 + 0.25 * 4], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"global_clipnorm": 0.1},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 2.0},
    ],
    ids=str,
)
def test_the_gradients_of_the_parameters_stay_as_they_were(options):
    """Someone who looks at p.grad after a step sees what backward computed."""
    parameter = ns.Parameter(np.ones(3))
    optimizer = SGD(0.1, **options)
    for _ in range(3):
        parameter.grad = None
        np.sum(parameter * np.array([1.0, 2.0, 3.0])).backward()
        optimizer.apply([parameter.grad], [parameter])
        np.testing.assert_array_equal(parameter.grad.numpy(), [1, 2, 3])


@pytest.mark.parametrize("name", NAMES)
def test_an_update_leaves_the_gradient_as_it_was(name):
    parameter = ns.Parameter(np.ones(3))
    optimizer = getattr(ns.optimizers, name)(0.1, weight_decay=0.1)
    for _ in range(2):
        parameter.grad = None
        np.sum(parameter * np.array([1.0, -2.0, 3.0])).backward()
        optimizer.apply([parameter.grad], [parameter])
        np.testing.assert_array_equal(parameter.grad.numpy(), [1, -2, 3])
    assert parameter.grad is parameter.grad_storage  # the second time without a copy


def test_freezing_while_gradients_accumulate():
    """What was accumulated for a parameter is dropped with the others' when it is frozen."""
    a, b = ns.Parameter(np.zeros(1)), ns.Parameter(np.zeros(1))
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    one = ns.Tensor([1.0])
    optimizer.apply([one, one], [a, b])
    optimizer.apply([one], [a])
    np.testing.assert_array_equal((a.numpy(), b.numpy()), [[-1], [0]])
    optimizer.apply([one, one], [a, b])
    np.testing.assert_array_equal((a.numpy(), b.numpy()), [[-1], [0]])
    optimizer.apply([one, one], [a, b])
    np.testing.assert_array_equal((a.numpy(), b.numpy()), [[-2], [-1]])


def test_a_moving_average_leaves_frozen_parameters_alone():
    a, b = ns.Parameter(np.zeros(1)), ns.Parameter(np.zeros(1))
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    one = ns.Tensor([1.0])
    optimizer.apply([one, one], [a, b])  # -1, and so are the averages
    b.assign([5.0])
    optimizer.apply([one], [a])  # -2, averaged with -1
    np.testing.assert_array_equal((a.numpy(), b.numpy()), [[-1.5], [5]])
    optimizer.finalize_variable_values([a])
    np.testing.assert_array_equal(b.numpy(), [5])


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_global_clipping_shows_a_gradient_that_is_not_finite(bad):
    parameters = [ns.Parameter(np.ones(2)), ns.Parameter(np.ones(1))]
    SGD(0.1, global_clipnorm=1.0).apply([ns.Tensor([bad, 0.0]), ns.Tensor([0.0])], parameters)
    assert all(np.isnan(parameter.numpy()).all() for parameter in parameters)


def test_the_global_norm_goes_over_all_dtypes():
    parameters = [ns.Parameter(np.zeros(1, np.float32)), ns.Parameter(np.zeros(1))]
    gradients = [ns.Tensor([3.0], dtype=np.float32), ns.Tensor([4.0])]
    SGD(1.0, global_clipnorm=1.0).apply(gradients, parameters)
    np.testing.assert_allclose(parameters[0].numpy(), [-0.6], rtol=1e-6)
    np.testing.assert_allclose(parameters[1].numpy(), [-0.8], rtol=1e-12)


def test_a_norm_of_many_small_elements_is_exact():
    """A million squares of float32 are added in double precision."""
    size = 1_000_003
    parameter = ns.Parameter(np.zeros(size, np.float32))
    SGD(1.0, clipnorm=1.0).apply([ns.Tensor(np.full(size, 0.3, np.float32))], [parameter])
    np.testing.assert_allclose(parameter.numpy(), -1 / math.sqrt(size), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_long_buffers_are_updated_block_by_block(name):
    """The result is that of the elements one by one."""
    generator = np.random.default_rng(0)
    values, gradients = generator.normal(size=(2, 100_001)).astype(np.float32)
    chosen = [0, 1, 16_383, 32_767, 32_768, 65_536, 100_000]
    long, short = ns.Parameter(values.copy()), ns.Parameter(values[chosen])
    optimizers = [getattr(ns.optimizers, name)(0.01, weight_decay=0.1) for _ in range(2)]
    for _ in range(3):
        optimizers[0].apply([ns.Tensor(gradients)], [long])
        optimizers[1].apply([ns.Tensor(gradients[chosen])], [short])
    np.testing.assert_allclose(long.numpy()[chosen], short.numpy(), rtol=1e-6)
    assert not np.any(long.numpy() == values)


@pytest.mark.parametrize("options", [{}, *OPTIONS], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32_and_close(name, options):
    results = []
    for dtype in (np.float32, np.float64):
        parameters = [ns.Parameter(values, dtype=dtype) for values in starts()]
        optimizer = getattr(ns.optimizers, name)(np.float64(0.01), **options)
        for step in range(20):
            optimizer.apply([ns.Tensor(g, dtype=dtype) for g in gradients_of(step)], parameters)
        assert all(parameter.dtype == dtype for parameter in parameters)
        results.append(np.concatenate([parameter.numpy().ravel() for parameter in parameters]))
    np.testing.assert_allclose(*results, rtol=2e-4, atol=2e-5)


def test_two_ways_of_clipping_are_refused():
    with pytest.raises(ValueError, match=r"got clipnorm and global_clipnorm: choose one\.$"):
        Adam(clipnorm=1.0, global_clipnorm=1.0)


def test_ftrl_refuses_a_rate_of_0():
    parameter = ns.Parameter(np.ones(2))
    with pytest.raises(ValueError, match=r"Ftrl divides by the learning rate, which is 0 now"):
        ns.optimizers.Ftrl(0.0).apply([ns.Tensor([1.0, 1.0])], [parameter])
    np.testing.assert_array_equal(parameter.numpy(), [1, 1])


def test_scaling_the_loss_cancels_out():
    results = []
    for factor in (None, 1024.0):
        parameter = ns.Parameter(np.ones(3, np.float32))
        optimizer = Adam(0.1, loss_scale_factor=factor)
        for _ in range(3):
            parameter.grad = None
            loss = np.sum(parameter**2)
            optimizer.scale_loss(loss).backward()
            optimizer.apply_gradients([(parameter.grad, parameter)])
        results.append(parameter.numpy())
    np.testing.assert_array_equal(*results)
