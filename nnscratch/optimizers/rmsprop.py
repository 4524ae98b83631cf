"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, fraction, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class RMSprop(Optimizer):
    """w ← w - η g / √(v + ε), v the running mean of g², as `keras.optimizers.RMSprop`.

    ε stands inside the root, where PyTorch has it outside. Tieleman and Hinton 2012, lecture 6.5.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            rho: decay of the running means.
            momentum: μ; the update is accumulated with it.
            epsilon: ε.
            centered: divide by the estimated standard deviation, not the root mean square.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.rho = fraction("rho", rho)
        self.momentum = fraction("momentum", momentum)
        self.epsilon = not_negative("epsilon", epsilon)
        self.centered = centered
        self.slots = {
            "velocity": 0.0,
            **({"momentum": 0.0} if momentum else {}),
            **({"average_gradient": 0.0} if centered else {}),
        }

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.rmsprop_step(
            values,
            gradients,
            slots["velocity"],
            slots.get("average_gradient"),
            slots.get("momentum"),
            learning_rate=learning_rate,
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )
