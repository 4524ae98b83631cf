"""Nadam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, decay, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Nadam(Optimizer):
    """Adam with Nesterov's look ahead, as `keras.optimizers.Nadam`; Dozat 2015.

    The momentum's decay changes from step to step, uₜ = β₁ (1 - 0.96ᵗ / 2).
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
            beta_1: decay of the running mean of g.
            beta_2: decay of the running mean of g².
            epsilon: ε.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = decay("beta_1", beta_1)
        self.beta_2 = decay("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.slots = {"momentum": 0.0, "velocity": 0.0}
        self._products = (0, 1.0)  # a step t, and u₁ u₂ … uₜ

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        step = self.iterations + 1
        kernels.nadam_step(
            values,
            gradients,
            slots["momentum"],
            slots["velocity"],
            step=step,
            decay=self._decay(step),
            next_decay=self._decay(step + 1),
            decay_product=self._decay_product(step),
            learning_rate=learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )

    def _decay(self, step: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def _decay_product(self, step: int) -> float:
        """All decays up to a step, multiplied; from step 1 on when it is not the next one."""
        done, product = self._products
        if step < done:
            done, product = 0, 1.0
        while done < step and product:  # once it is 0, so are all later ones
            done += 1
            product *= self._decay(done)
        self._products = (step, product)
        return product
