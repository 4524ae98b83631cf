"""Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, fraction
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Lion(Optimizer):
    """w ← w - η sign(β₁ m + (1 - β₁) g), m ← β₂ m + (1 - β₂) g, as `keras.optimizers.Lion`.

    Every weight moves by ±η, so η is 3 to 10 times smaller than for AdamW, and weight decay as much
    larger. Chen et al. 2023.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            beta_1: β₁ in (0, 1]; 0 would be the sign of the gradient alone.
            beta_2: β₂, decay of m.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = fraction("beta_1", beta_1)
        if self.beta_1 == 0:
            raise ValueError("beta_1 of Lion must lie above 0, got 0: its sign would forget m.")
        self.beta_2 = fraction("beta_2", beta_2)
        self.slots = {"momentum": 0.0}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.lion_step(
            values,
            gradients,
            slots["momentum"],
            learning_rate=learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
        )
