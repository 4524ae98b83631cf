"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Adagrad(Optimizer):
    """w ← w - η g / √(n + ε), n the sum of all g² so far, as `keras.optimizers.Adagrad`.

    Weights with rare gradients, such as those of rare words, keep larger steps. Duchi et al. 2011.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η; larger values than for other optimizers are usual.
            initial_accumulator_value: what n starts with.
            epsilon: ε.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.initial_accumulator_value = not_negative(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = not_negative("epsilon", epsilon)
        self.slots = {"accumulator": self.initial_accumulator_value}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.adagrad_step(
            values,
            gradients,
            slots["accumulator"],
            learning_rate=learning_rate,
            epsilon=self.epsilon,
        )
