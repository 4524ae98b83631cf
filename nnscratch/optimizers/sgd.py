"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch_kernels import numpy_kernels as kernels


class SGD(Optimizer):
    """w ← w - η g, or with momentum m ← μ m - η g, w ← w + m, as `keras.optimizers.SGD`."""

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        """Set η and μ.

        Args:
            learning_rate: η.
            momentum: μ in [0, 1].
            nesterov: w ← w + μ m - η g instead (Sutskever et al. 2013).

        Raises:
            ValueError: a learning rate that is not positive, a momentum outside [0, 1].
        """
        super().__init__(learning_rate)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must lie between 0 and 1, got {momentum!r}.")
        self.momentum = momentum
        self.nesterov = nesterov
        self.slot_names = ("momentum",) if momentum else ()

    def update(self, values: Any, gradients: Any, slots: dict[str, Any]) -> None:
        """One step in place."""
        kernels.sgd_step(
            values,
            gradients,
            slots.get("momentum"),
            learning_rate=float(self.learning_rate),  # a NumPy float64 would widen float32
            momentum=self.momentum,
            nesterov=self.nesterov,
        )
