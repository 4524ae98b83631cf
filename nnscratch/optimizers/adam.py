"""Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.options import Options, decay, not_negative
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from typing import Unpack

    from nnscratch.optimizers.options import LearningRate


class Adam(Optimizer):
    """w ← w - α m / (√v + ε), m and v the running means of g and g², as `keras.optimizers.Adam`.

    α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ): ε is added before the bias correction, where PyTorch adds it
    after. Kingma and Ba 2015; AMSGrad: Reddi et al. 2018.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            beta_1: decay of m.
            beta_2: decay of v.
            epsilon: ε.
            amsgrad: divide by the root of the largest v so far.
            weight_decay: see `Optimizer`, as for the other options.

        Raises:
            ValueError: a number outside its range.
        """
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = decay("beta_1", beta_1)
        self.beta_2 = decay("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.amsgrad = amsgrad
        self.slots = {
            "momentum": 0.0,
            "velocity": 0.0,
            **({"velocity_hat": 0.0} if amsgrad else {}),
        }

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """One step in place."""
        kernels.adam_step(
            values,
            gradients,
            slots["momentum"],
            slots["velocity"],
            slots.get("velocity_hat"),
            step=self.iterations + 1,
            learning_rate=learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )


class AdamW(Adam):
    """Adam with weight decay, which is not part of the gradient, as `keras.optimizers.AdamW`.

    Before each update w ← w - η λ w (Loshchilov and Hutter 2019).
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """Set the constants.

        Args:
            learning_rate: η.
            weight_decay: λ.
            beta_1: decay of m.
            beta_2: decay of v.
            epsilon: ε.
            amsgrad: divide by the root of the largest v so far.

        Raises:
            ValueError: a number outside its range, or no weight decay.
        """
        not_negative("weight_decay", weight_decay)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **options)
