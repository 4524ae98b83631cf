"""FTRL-Proximal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Ftrl(Optimizer):
    """Follow the regularized leader, which makes weights exactly 0, as `keras.optimizers.Ftrl`.

    n' = n + g²; z ← z + g + 2 λₛ w - (n'ᵖ - nᵖ) / η · w with p = -learning_rate_power;
    w ← (clip(z, -λ₁, λ₁) - z) / ((n'ᵖ + β) / η + 2 λ₂). Each step sets w anew from z, which starts
    at 0, so initial weights have next to no effect. McMahan et al. 2013.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η, above 0.
            learning_rate_power: -p, 0 or below; 0 keeps the step sizes as they are.
            initial_accumulator_value: what n starts with.
            l1_regularization_strength: λ₁.
            l2_regularization_strength: λ₂.
            l2_shrinkage_regularization_strength: λₛ, a penalty that acts through the gradient.
            beta: β.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        if not learning_rate_power <= 0:
            raise ValueError(
                f"learning_rate_power must be 0 or a negative number, got {learning_rate_power!r}."
            )
        self.learning_rate_power = float(learning_rate_power)
        self.initial_accumulator_value = not_negative(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.l1_regularization_strength = not_negative(
            "l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = not_negative(
            "l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = not_negative(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = not_negative("beta", beta)
        self.slots = {"accumulator": self.initial_accumulator_value, "linear": 0.0}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place.

        Raises:
            ValueError: a learning rate of 0.
        """
        if learning_rate == 0:
            raise ValueError(
                "Ftrl divides by the learning rate, which is 0 now: use a schedule that stays "
                "above 0, or freeze the layers."
            )
        kernels.ftrl_step(
            values,
            gradients,
            slots["accumulator"],
            slots["linear"],
            learning_rate=learning_rate,
            learning_rate_power=self.learning_rate_power,
            l1=self.l1_regularization_strength,
            l2=self.l2_regularization_strength,
            l2_shrinkage=self.l2_shrinkage_regularization_strength,
            beta=self.beta,
        )
