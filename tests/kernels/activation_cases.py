"""What the tests of the activation kernels share: all activations, PyTorch's, and inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

DTYPES = [np.float32, np.float64]


class Case(NamedTuple):
    """A kernel by name, its parameters, and the same function of a torch tensor."""

    name: str
    parameters: dict[str, Any]
    torch: Callable[[Any], Any]

    def __str__(self) -> str:
        return (
            f"{self.name}({','.join(f'{key}={value}' for key, value in self.parameters.items())})"
        )


def case(name: str, function: Callable[..., Any], **parameters: Any) -> Case:
    return Case(name, parameters, function)


def torch_relu(x: Any) -> Any:
    """The relu with slope 0.2, ceiling 2 and threshold -0.5."""
    return torch.where(x <= -0.5, 0.2 * (x + 0.5), x.clamp(0, 2))


def torch_celu(x: Any, alpha: float) -> Any:
    """PyTorch's own rounds 1 / alpha to a float32."""
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0) / alpha))


def torch_squareplus(x: Any, b: float) -> Any:
    """Written so that it does not cancel below zero."""
    root = torch.hypot(x, torch.tensor(b, dtype=x.dtype).sqrt())
    return torch.where(x < 0, b / (root - x), root + x) / 2


SMOOTH = [
    case("elu", functional.elu),
    case("elu", lambda x: functional.elu(x, 0.3), alpha=0.3),
    case("selu", functional.selu),
    case("celu", lambda x: torch_celu(x, 1.0)),
    case("celu", lambda x: torch_celu(x, 0.3), alpha=0.3),
    case("gelu", functional.gelu),
    case("gelu", lambda x: functional.gelu(x, approximate="tanh"), approximate=True),
    case("silu", functional.silu),
    case("mish", functional.mish),
    case("softsign", functional.softsign),
    case("sigmoid", torch.sigmoid),
    case("log_sigmoid", functional.logsigmoid),
    case("softplus", lambda x: functional.softplus(x, threshold=1000)),
    case("tanh", torch.tanh),
    case("tanh_shrink", functional.tanhshrink),
    case("squareplus", lambda x: torch_squareplus(x, 4)),
    case("squareplus", lambda x: torch_squareplus(x, 0.3), b=0.3),
]

PIECEWISE = [
    case("relu", torch.relu),
    case("relu", torch_relu, negative_slope=0.2, max_value=2.0, threshold=-0.5),
    case("relu6", functional.relu6),
    case("leaky_relu", lambda x: functional.leaky_relu(x, 0.2)),
    case("leaky_relu", lambda x: functional.leaky_relu(x, 1.5), negative_slope=1.5),
    case("hard_sigmoid", functional.hardsigmoid),
    case("hard_silu", functional.hardswish),
    case("hard_tanh", functional.hardtanh),
    case("hard_shrink", functional.hardshrink),
    case("hard_shrink", lambda x: functional.hardshrink(x, 2), threshold=2.0),
    case("soft_shrink", functional.softshrink),
    case("soft_shrink", lambda x: functional.softshrink(x, 2), threshold=2.0),
    case("threshold", lambda x: functional.threshold(x, 1, -4), threshold=1.0, default_value=-4.0),
    case("sparse_plus", lambda x: torch.where(x < 1, (x.clamp(-1, 1) + 1) ** 2 / 4, x)),
    case("sparse_sigmoid", lambda x: (functional.hardtanh(x) + 1) / 2),
]

ELEMENTWISE = SMOOTH + PIECEWISE


def inputs(dtype: Any, count: int = 400) -> Any:
    """Numbers around zero, far tails, and the corners of every activation."""
    generator = np.random.default_rng(count)
    corners = [0.0, 0.5, 1.0, 2.0, 3.0, 6.0]
    numbers = np.concatenate(
        [
            3 * generator.standard_normal(count),
            1e-3 * generator.standard_normal(count // 4),
            60 * generator.standard_normal(count // 4),
            corners,
            np.negative(corners),
        ]
    )
    return generator.permutation(numbers).astype(dtype)


def torch_gradient(case: Case, x: Any, g: Any) -> tuple[Any, Any]:
    """PyTorch's result of the activation, and the cotangent of x."""
    leaf = torch.tensor(x, requires_grad=True)
    y = case.torch(leaf)
    y.backward(torch.tensor(g))
    assert leaf.grad is not None
    return y.detach().numpy(), leaf.grad.numpy()
