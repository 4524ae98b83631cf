"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, fraction, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Adadelta(Optimizer):
    """w ← w - η g √(d + ε) / √(n + ε), as `keras.optimizers.Adadelta`.

    n is the running mean of g², and d that of the squared changes: a step has the units of the
    weights, which is why the paper (Zeiler 2012) needs no η.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η; 1 in the paper.
            rho: decay of the running means.
            epsilon: ε.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.rho = fraction("rho", rho)
        self.epsilon = not_negative("epsilon", epsilon)
        self.slots = {"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.adadelta_step(
            values,
            gradients,
            slots["accumulated_grad"],
            slots["accumulated_delta_var"],
            learning_rate=learning_rate,
            rho=self.rho,
            epsilon=self.epsilon,
        )
