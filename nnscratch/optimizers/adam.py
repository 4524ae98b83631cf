"""Adam."""

from __future__ import annotations

from typing import Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch_kernels import numpy_kernels as kernels


class Adam(Optimizer):
    """w ← w - α m / (√v + ε), m and v the running means of g and g², as `keras.optimizers.Adam`.

    α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ): ε is added before the bias correction, where PyTorch adds it
    after. Kingma and Ba 2015; AMSGrad: Reddi et al. 2018.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            beta_1: decay of m.
            beta_2: decay of v.
            epsilon: ε.
            amsgrad: divide by the root of the largest v so far.
        """
        super().__init__(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.slot_names = ("momentum", "velocity", *(("largest_velocity",) if amsgrad else ()))

    def update(self, values: Any, gradients: Any, slots: dict[str, Any]) -> None:
        """One step in place."""
        kernels.adam_step(
            values,
            gradients,
            slots["momentum"],
            slots["velocity"],
            slots.get("largest_velocity"),
            step=self.iterations,
            learning_rate=float(self.learning_rate),  # a NumPy float64 would widen float32
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
