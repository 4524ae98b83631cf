"""Adamax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, decay, fraction, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Adamax(Optimizer):
    """w ← w - η / (1 - β₁ᵗ) · m / (u + ε), as `keras.optimizers.Adamax`.

    m is the running mean of g, and u the largest |g|, which fades by β₂ at each step: Adam with the
    maximum norm. Kingma and Ba 2015, section 7.1.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            beta_1: decay of m.
            beta_2: decay of u.
            epsilon: ε.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = decay("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.slots = {"momentum": 0.0, "norm": 0.0}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.adamax_step(
            values,
            gradients,
            slots["momentum"],
            slots["norm"],
            step=self.iterations + 1,
            learning_rate=learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
