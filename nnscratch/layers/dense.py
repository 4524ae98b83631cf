"""Dense: every output depends on every input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch import activations, constraints, initializers, regularizers
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
        kernel_regularizer: str | Callable[..., Any] | None = None,
        bias_regularizer: str | Callable[..., Any] | None = None,
        activity_regularizer: str | Callable[..., Any] | None = None,
        kernel_constraint: str | Callable[..., Any] | None = None,
        bias_constraint: str | Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            units: number of outputs.
            activation: a name, a function, or None for linear.
            use_bias: whether to add b.
            kernel_initializer: how W starts.
            bias_initializer: how b starts.
            kernel_regularizer: penalty on W.
            bias_regularizer: penalty on b.
            activity_regularizer: penalty on the outputs, divided by the batch size.
            kernel_constraint: what W is mapped to after every update.
            bias_constraint: what b is mapped to after every update.
            options: `name`, `trainable`, `dtype`, `input_shape`, `input_dim`.

        Raises:
            ValueError: units is not a positive integer, or a name that does not exist.
        """
        super().__init__(**options)
        self.units = self.positive_integer("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Create W and b for `input_shape[-1]` inputs.

        Raises:
            ValueError: samples that are single numbers.
        """
        if len(input_shape) < 2:
            raise ValueError(
                f"Layer {self.name!r} needs inputs of shape (batch, features), got one number for "
                f"each sample: write x[:, np.newaxis]."
            )
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any) -> Any:
        """Shape (..., inputs) to shape (..., units)."""
        if inputs.shape[-1] != self.kernel.data.shape[0]:
            raise ValueError(
                f"Layer {self.name!r} was built for {self.kernel.shape[0]} features, got an input "
                f"of shape {inputs.shape}: give {self.kernel.shape[0]} columns."
            )
        if inputs.dtype is not self.dtype:
            inputs = self.floating(inputs)
        if self.bias is None:
            outputs = self.activation(inputs @ self.kernel)
        elif self.activation is relu:
            outputs = dense(inputs, self.kernel, self.bias, activation="relu")
        else:
            outputs = self.activation(dense(inputs, self.kernel, self.bias))
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(outputs) / len(outputs))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The last axis becomes `units`."""
        return (*input_shape[:-1], self.units)
