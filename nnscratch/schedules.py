"""Learning rates that change from step to step, as `keras.optimizers.schedules` 3.15.1.

    optimizers.SGD(learning_rate=ns.schedules.CosineDecay(0.1, decay_steps=1000))

A schedule is called with the number of steps that the optimizer has taken, from 0, and gives the
learning rate of the next one. η₀ below is `initial_learning_rate`, t the step, T `decay_steps`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from nnscratch.configuration import Configured

if TYPE_CHECKING:
    from collections.abc import Sequence


class LearningRateSchedule(Configured):
    """Base of all schedules: a subclass gives the learning rate of a step in `__call__`."""

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(self, step) method.")


class ExponentialDecay(LearningRateSchedule):
    """η₀ · decay_rate^(t/T)."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        """Choose the decay.

        Args:
            initial_learning_rate: η₀.
            decay_steps: T, the steps in which the rate is multiplied by `decay_rate`.
            decay_rate: the factor.
            staircase: round t/T down, so that the rate falls every T steps.
            name: Keras's name for the operation.

        Raises:
            ValueError: decay_steps is not positive.
        """
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        decays = float(step) / self.decay_steps
        if self.staircase:
            decays = math.floor(decays)
        return float(self.initial_learning_rate * self.decay_rate**decays)


class InverseTimeDecay(LearningRateSchedule):
    """η₀ / (1 + decay_rate · t/T)."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        """Choose the decay.

        Args:
            initial_learning_rate: η₀.
            decay_steps: T.
            decay_rate: how fast the denominator grows.
            staircase: round t/T down, so that the rate falls every T steps.
            name: Keras's name for the operation.

        Raises:
            ValueError: decay_steps is not positive.
        """
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        decays = float(step) / self.decay_steps
        if self.staircase:
            decays = math.floor(decays)
        return float(self.initial_learning_rate / (1 + self.decay_rate * decays))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], …."""

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        """Choose the pieces.

        Args:
            boundaries: the last step of each piece but the last one, rising.
            values: the learning rate of each piece.
            name: Keras's name for the operation.

        Raises:
            ValueError: not one value more than boundaries, or boundaries that do not rise.
        """
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay needs one value more than boundaries, got {len(values)} "
                f"values and {len(boundaries)} boundaries."
            )
        if any(low >= high for low, high in pairwise(boundaries)):
            raise ValueError(
                f"PiecewiseConstantDecay needs rising boundaries, got {list(boundaries)}: sort "
                f"them and drop duplicates."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        return float(self.values[bisect_left(self.boundaries, float(step))])


class PolynomialDecay(LearningRateSchedule):
    """(η₀ - end_learning_rate) (1 - t/T)^power + end_learning_rate, t going no further than T."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        """Choose the decay.

        Args:
            initial_learning_rate: η₀.
            decay_steps: T.
            end_learning_rate: the rate from step T on.
            power: the exponent; 1 is a straight line.
            cycle: instead of stopping at T, let T be its first multiple that t has not passed.
            name: Keras's name for the operation.

        Raises:
            ValueError: decay_steps is not positive.
        """
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        decays = float(step) / self.decay_steps
        done = decays / max(1, math.ceil(decays)) if self.cycle else min(decays, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1 - done) ** self.power + self.end_learning_rate)


class CosineDecay(LearningRateSchedule):
    """η · ((1 - alpha) (1 + cos(π t/T)) / 2 + alpha), t going no further than T.

    η is η₀; or with a warm-up the rate first rises from η₀ to η = `warmup_target` in a straight
    line, and t counts from its end (Loshchilov and Hutter 2017; Goyal et al. 2017).
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        """Choose the decay.

        Args:
            initial_learning_rate: η₀.
            decay_steps: T, without the warm-up.
            alpha: the rate at the end, as a part of η.
            name: Keras's name for the operation.
            warmup_target: η after the warm-up; None for no warm-up.
            warmup_steps: how long the warm-up takes.

        Raises:
            ValueError: decay_steps is not positive.
        """
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps."""
        peak, since = self.initial_learning_rate, float(step)
        if self.warmup_target is not None:
            if since < self.warmup_steps:
                rise = self.warmup_target - self.initial_learning_rate
                return float(self.initial_learning_rate + rise * since / self.warmup_steps)
            peak, since = self.warmup_target, since - self.warmup_steps
        done = min(since / self.decay_steps, 1.0)
        return float(peak * ((1 - self.alpha) * _half_cosine(done) + self.alpha))


class CosineDecayRestarts(LearningRateSchedule):
    """η₀ · ((1 - alpha) m (1 + cos(π t/T)) / 2 + alpha), again and again (Loshchilov, Hutter 2017).

    t counts from the last restart. The first cycle has T = `first_decay_steps` and m = 1; each
    later one is `t_mul` times as long, and its m is `m_mul` times that of the one before.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        """Choose the cycles.

        Args:
            initial_learning_rate: η₀.
            first_decay_steps: length of the first cycle.
            t_mul: the next cycle's length, as a multiple.
            m_mul: the next cycle's height, as a multiple.
            alpha: the lowest rate, as a part of η₀.
            name: Keras's name for the operation.

        Raises:
            ValueError: first_decay_steps or t_mul is not positive.
        """
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = _positive("t_mul", t_mul)
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: float) -> float:
        """The learning rate after `step` steps.

        Raises:
            ValueError: with t_mul below 1, a step after the last cycle, when they have shrunk to
                nothing.
        """
        restarts, done = self._cycle(float(step) / self.first_decay_steps)
        height = self.m_mul**restarts * _half_cosine(done)
        return float(self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha))

    def _cycle(self, decays: float) -> tuple[int, float]:
        """How many cycles are over after `decays` first cycles' time, and the part of this one."""
        if self.t_mul == 1:
            restarts = math.floor(decays)
            return restarts, decays - restarts
        growth = 1 - decays * (1 - self.t_mul)  # t_mul to the power of the restarts, if whole
        if growth <= 0:
            raise ValueError(
                f"CosineDecayRestarts has no cycle left after {decays * self.first_decay_steps:g} "
                f"steps, since each is {self.t_mul} times as long as the one before: use t_mul of "
                f"1 or more."
            )
        restarts = math.floor(math.log(growth) / math.log(self.t_mul))
        if self._start(restarts + 1) <= decays:  # the logarithm was rounded down, below an integer
            restarts += 1
        return restarts, (decays - self._start(restarts)) / self.t_mul**restarts

    def _start(self, restarts: int) -> float:
        """When a cycle starts, in first cycles' time: 1 + t_mul + t_mul² + …."""
        return (1 - self.t_mul**restarts) / (1 - self.t_mul)


def _half_cosine(done: float) -> float:
    """From 1 to 0 along half a wave."""
    return 0.5 * (1 + math.cos(math.pi * done))


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"{name} is a positive number, got {value}: give one above 0.")
    return value
