"""RMSprop."""

from __future__ import annotations

from typing import Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch_kernels import numpy_kernels as kernels


class RMSprop(Optimizer):
    """w ← w - η g / √(v + ε), v the running mean of g², as `keras.optimizers.RMSprop`.

    ε stands inside the root, where PyTorch has it outside. Tieleman and Hinton 2012, lecture 6.5.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            rho: decay of the running means.
            momentum: μ; the update is accumulated with it.
            epsilon: ε.
            centered: divide by the estimated standard deviation, not the second moment.
        """
        super().__init__(learning_rate)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.slot_names = (
            "velocity",
            *(("average_gradient",) if centered else ()),
            *(("momentum",) if momentum else ()),
        )

    def update(self, values: Any, gradients: Any, slots: dict[str, Any]) -> None:
        """One step in place."""
        kernels.rmsprop_step(
            values,
            gradients,
            slots["velocity"],
            slots.get("average_gradient"),
            slots.get("momentum"),
            learning_rate=float(self.learning_rate),  # a NumPy float64 would widen float32
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )
