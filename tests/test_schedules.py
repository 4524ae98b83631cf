"""Learning-rate schedules against Keras, step by step in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from nnscratch import schedules

if TYPE_CHECKING:
    pass

RATE = 0.3
CASES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.9}),
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.9, "staircase": True}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"decay_steps": 7}),
    ("PolynomialDecay", {"decay_steps": 7, "end_learning_rate": 0.01, "power": 2.5}),
    ("PolynomialDecay", {"decay_steps": 7, "power": 0.5, "cycle": True}),
    ("CosineDecay", {"decay_steps": 11}),
    ("CosineDecay", {"decay_steps": 11, "alpha": 0.1}),
    ("CosineDecay", {"decay_steps": 11, "warmup_target": 0.9, "warmup_steps": 5}),
    ("CosineDecay", {"decay_steps": 11, "alpha": 0.2, "warmup_target": 0.1, "warmup_steps": 5}),
    ("CosineDecay", {"decay_steps": 11, "warmup_target": 0.9}),
    ("CosineDecayRestarts", {"first_decay_steps": 8}),
    ("CosineDecayRestarts", {"first_decay_steps": 8, "t_mul": 1.0, "m_mul": 0.8}),
    ("CosineDecayRestarts", {"first_decay_steps": 8, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}),
]
every_case = pytest.mark.parametrize(("name", "options"), CASES)


pytestmark = pytest.mark.usefixtures("keras_in_double_precision")


def rates(schedule: Any, steps: Any) -> list[float]:
    return [float(schedule(step)) for step in steps]


@every_case
def test_matches_keras_at_every_step(name: str, options: Any) -> None:
    ours = getattr(schedules, name)(RATE, **options)
    theirs = getattr(keras.optimizers.schedules, name)(RATE, **options)
    np.testing.assert_allclose(rates(ours, range(60)), rates(theirs, range(60)), rtol=1e-12)
    assert all(type(ours(step)) is float for step in (0, np.int64(3), np.float32(3), 59))


def test_piecewise_constant_matches_keras_at_every_step() -> None:
    arguments: tuple[Any, Any] = ([3, 5, 20], [1.0, 0.5, 0.25, 0.125])
    ours = schedules.PiecewiseConstantDecay(*arguments)
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay(*arguments)
    assert rates(ours, range(30)) == rates(theirs, range(30))
    assert type(ours(4)) is float


@pytest.mark.parametrize("t_mul", [1.0, 2.0, 3.0, 5.0])
def test_a_restart_comes_at_its_step_exactly(t_mul: float) -> None:
    """Keras's quotient of logarithms is off by one cycle at some of these steps."""
    schedule = schedules.CosineDecayRestarts(RATE, first_decay_steps=1, t_mul=t_mul, m_mul=0.9)
    start = 0.0
    for restarts in range(12):
        assert schedule(start) == pytest.approx(RATE * 0.9**restarts, rel=1e-9)
        start += t_mul**restarts


@every_case
def test_configuration_round_trips(name: str, options: Any) -> None:
    schedule = getattr(schedules, name)(RATE, **options)
    config = schedule.get_config()
    assert config == {"initial_learning_rate": RATE, **options}
    again = type(schedule).from_config(config, {})
    assert rates(again, range(30)) == rates(schedule, range(30))


@pytest.mark.parametrize(
    "name",
    [*sorted({name for name, _ in CASES}), "PiecewiseConstantDecay"],
)
def test_arguments_and_defaults_are_those_of_keras(name: str) -> None:
    ours, theirs = getattr(schedules, name), getattr(keras.optimizers.schedules, name)
    count = theirs.__init__.__code__.co_argcount
    assert (
        ours.__init__.__code__.co_varnames[:count] == theirs.__init__.__code__.co_varnames[:count]
    )
    assert ours.__init__.__defaults__ == theirs.__init__.__defaults__


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ExponentialDecay", (0.1, 0, 0.9), "decay_steps is a positive number, got 0"),
        ("InverseTimeDecay", (0.1, -1, 0.9), "decay_steps is a positive number, got -1"),
        ("PolynomialDecay", (0.1, 0), "decay_steps is a positive number, got 0"),
        ("CosineDecay", (0.1, 0), "decay_steps is a positive number, got 0"),
        ("CosineDecayRestarts", (0.1, 0), "first_decay_steps is a positive number, got 0"),
        ("CosineDecayRestarts", (0.1, 5, 0.0), "t_mul is a positive number, got 0"),
        ("PiecewiseConstantDecay", ([1, 2], [0.1, 0.2]), "one value more than boundaries, got 2"),
        ("PiecewiseConstantDecay", ([2, 2], [1, 2, 3]), "needs rising boundaries"),
    ],
)
def test_errors_help(name: str, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(schedules, name)(*arguments)


def test_shrinking_cycles_end_with_an_error() -> None:
    schedule = schedules.CosineDecayRestarts(RATE, 8, t_mul=0.5)
    theirs = keras.optimizers.schedules.CosineDecayRestarts(RATE, 8, t_mul=0.5)
    steps = [0, 3, 8, 10, 12, 13, 15]
    np.testing.assert_allclose(rates(schedule, steps), rates(theirs, steps), rtol=1e-12)
    with pytest.raises(ValueError, match="no cycle left after 16 steps"):
        schedule(16)


def test_a_schedule_of_ones_own() -> None:
    with pytest.raises(NotImplementedError, match="LearningRateSchedule needs a __call__"):
        schedules.LearningRateSchedule()(0)
