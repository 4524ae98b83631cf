"""Dense: every output depends on every input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch import activations
from nnscratch.layers.layer import Layer
from nnscratch.ops.neural import dense
from nnscratch.ops.special import relu

if TYPE_CHECKING:
    from collections.abc import Callable


class Dense(Layer):
    """y = activation(x W + b) on the last axis, as `keras.layers.Dense`.

    Attributes:
        kernel: W, shape (inputs, units).
        bias: b, shape (units,); None without `use_bias`.
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | Callable[..., Any] = "zeros",
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            units: number of outputs.
            activation: a name, a function, or None for linear.
            use_bias: whether to add b.
            kernel_initializer: how W starts.
            bias_initializer: how b starts.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: units is not a positive integer, or a name that does not exist.
        """
        super().__init__(**options)
        self.units = self.positive_integer("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create W and b for `input_shape[-1]` inputs."""
        inputs = input_shape[-1]
        self.kernel = self.add_weight((inputs, self.units), self.kernel_initializer, "kernel")
        self.bias = (
            self.add_weight((self.units,), self.bias_initializer, "bias") if self.use_bias else None
        )

    def call(self, inputs: Any) -> Any:
        """Shape (..., inputs) to shape (..., units)."""
        if inputs.shape[-1] != self.kernel.shape[0]:
            raise ValueError(
                f"Layer {self.name!r} was built for {self.kernel.shape[0]} features, got an input "
                f"of shape {inputs.shape}: give {self.kernel.shape[0]} columns."
            )
        if self.bias is None:
            return self.activation(inputs @ self.kernel)
        if self.activation is relu:
            return dense(inputs, self.kernel, self.bias, activation="relu")
        return self.activation(dense(inputs, self.kernel, self.bias))

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The last axis becomes `units`."""
        return (*input_shape[:-1], self.units)
