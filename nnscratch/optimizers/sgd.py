"""Stochastic gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, fraction
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class SGD(Optimizer):
    """w ← w - η g, or with momentum m ← μ m - η g, w ← w + m, as `keras.optimizers.SGD`."""

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set η and μ.

        Args:
            learning_rate: η.
            momentum: μ in [0, 1].
            nesterov: w ← w + μ m - η g instead (Sutskever et al. 2013).
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.momentum = fraction("momentum", momentum)
        self.nesterov = nesterov
        self.slots = {"momentum": 0.0} if momentum else {}

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.sgd_step(
            values,
            gradients,
            slots.get("momentum"),
            learning_rate=learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
        )
