"""Embedding: a trained vector for each of a list of things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import constraints, initializers, regularizers
from nnscratch.layers.layer import Layer
from nnscratch.ops.arguments import numbers
from nnscratch.ops.neural import embedding
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable


class Embedding(Layer):
    """Integers to vectors: each is a row of a trained table, as `keras.layers.Embedding`.

    Attributes:
        embeddings: the table, shape (input_dim, output_dim).
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: str | Callable[..., Any] = "uniform",
        embeddings_regularizer: str | Callable[..., Any] | None = None,
        embeddings_constraint: str | Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        """Declare the layer.

        Args:
            input_dim: how many things there are: the largest integer plus one.
            output_dim: length of a vector.
            embeddings_initializer: how the table starts.
            embeddings_regularizer: penalty on the table.
            embeddings_constraint: what the table is mapped to after every update.
            options: `name`, `trainable`, `dtype`, `input_shape`.

        Raises:
            ValueError: a size that is not a positive integer, or a name that does not exist.
        """
        super().__init__(**options)
        self.input_dim = self.positive_integer("input_dim", input_dim)
        self.output_dim = self.positive_integer("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)

    def build(self, input_shape: Any) -> None:
        """Create the table; it does not depend on `input_shape`."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Any) -> Any:
        """Integers of shape (batch, …) to shape (batch, …, output_dim).

        On a GPU, which would have to be waited for, nobody looks at the numbers: for one that is
        too large or too small the vector is NaN, and fractions are cut off.

        Raises:
            ValueError: a number that is not from 0 to input_dim - 1, or no integer.
        """
        return embedding(self.embeddings, self._indices(numbers(inputs)))

    def _indices(self, values: Any) -> Any:
        if not is_on_gpu(values):
            self._check(values)
        return values if values.dtype.kind in "iu" else values.astype(np.int64)

    def _check(self, values: Any) -> None:
        if values.dtype.kind == "f" and not np.array_equal(np.floor(values), values):
            raise ValueError(
                f"Layer {self.name!r} needs integers, each the number of a row, got {values.dtype} "
                f"with fractions or NaN: give whole numbers from 0 to {self.input_dim - 1}."
            )
        if values.size and not (values.min() >= 0 and values.max() < self.input_dim):
            wrong = values.min() if values.min() < 0 else values.max()
            raise ValueError(
                f"Layer {self.name!r} has {self.input_dim} rows, got the number {wrong} in inputs "
                f"of shape {values.shape}: give integers from 0 to {self.input_dim - 1}, or a "
                f"larger input_dim."
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs, then `output_dim`."""
        return (*input_shape, self.output_dim)
