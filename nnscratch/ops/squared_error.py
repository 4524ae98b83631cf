"""The mean squared error in one op, which a training step calls."""

from __future__ import annotations

from nnscratch.autograd import Op, call
from nnscratch_kernels import auto as kernels

mean_squared_error = Op(
    "mean_squared_error",
    kernels.mean_squared_error,
    formula=r"L = \frac{1}{N} \sum_i (y_i - t_i)^2",
    derivative=r"\bar y_i = \frac{2 \bar L}{N} (y_i - t_i), \quad \bar t_i = -\bar y_i",
    vjps=(
        lambda g, y, target, prediction: (target - prediction) * (2 * g / prediction.size),
        lambda g, y, target, prediction: (prediction - target) * (2 * g / prediction.size),
    ),
    samples=lambda s: [
        call(s.normal(4, 3), s.normal(4, 3)),
        call(s.normal(5), s.normal(5)),
    ],
    torch=lambda torch, target, prediction: torch.nn.functional.mse_loss(prediction, target),
    numpy=[],
)
