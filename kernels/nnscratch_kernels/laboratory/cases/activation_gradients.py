"""Cases of the activation functions' gradients; PyTorch's are what its autograd calls."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import FUNCTION, Draw, Prepared, Recipe

_FORWARD = {"exponential": "exp", "linear": ""}  # where the name is another


def _aten(name: str, *rest: Any, of: str = "x", **named: Any) -> Any:
    """PyTorch's kernel of this name, called with g and x or y."""

    def peer(torch: Any, g: Any, x: Any, y: Any) -> Any:
        return getattr(torch.ops.aten, name)(g, x if of == "x" else y, *rest, **named)

    return peer


def _elu(alpha: float, scale: float = 1.0) -> Any:
    return lambda torch, g, x, y: torch.ops.aten.elu_backward(g, alpha, scale, 1 / alpha, False, x)


def _log_sigmoid(torch: Any, g: Any, x: Any, y: Any) -> Any:
    saved = torch.exp(-x.abs())  # what the forward pass leaves for it
    return lambda: torch.ops.aten.log_sigmoid_backward(g, x, saved)


def _vjp(function: str) -> Any:
    """JAX's gradient of one of its own functions; compiled, it does not compute the function."""

    def peer(jax: Any, g: Any, x: Any, y: Any) -> Any:
        where = jax.nn if hasattr(jax.nn, function) else jax.numpy
        return jax.vjp(getattr(where, function), x)[1](g)[0]

    return peer


def _gradient(
    name: str, operations: float, of: str, torch: Any = None, jax: Any = None, **options: Any
) -> Recipe:
    """A case of g and of what the gradient is a function of: "x", "y" or "x and y".

    The other one is there as well, as in training, but never read.
    """

    def arguments(draw: Draw) -> tuple[Any, ...]:
        x = draw.normal(scale=3.0)
        forward = _FORWARD.get(name, name)
        return draw.normal(), x, getattr(numpy_kernels, forward)(x, **options) if forward else x

    return Recipe(
        f"{name}_gradient",
        arguments,
        lambda g, x, y: operations * g.size,
        options,
        moved=lambda g, x, y: (2 + len(of.split(" and "))) * g.nbytes,
        torch=torch,
        jax=jax,
    )


def _rows(name: str, operations: float, width: int, torch: Any = None) -> Recipe:
    """A case of a gradient along the rows of a matrix; y has 1 / `width` of their columns."""

    def arguments(draw: Draw) -> tuple[Any, ...]:
        rows, columns = draw.matrix(128)
        x = draw.normal(rows, width * columns)
        y = getattr(numpy_kernels, name)(x)
        return draw.normal(*y.shape), x, y

    return Recipe(f"{name}_gradient", arguments, lambda g, x, y: operations * x.size, torch=torch)


RECIPES = {
    "relu_gradient": _gradient(
        "relu", 2, "y", _aten("threshold_backward", 0, of="y"), _vjp("relu")
    ),
    "relu_gradient (leaky, with a ceiling)": _gradient(
        "relu", 6, "x", negative_slope=0.1, max_value=6.0, threshold=0.5
    ),
    "relu6_gradient": _gradient(
        "relu6", 3, "y", _aten("hardtanh_backward", 0.0, 6.0, of="y"), _vjp("relu6")
    ),
    "leaky_relu_gradient": _gradient(
        "leaky_relu", 2, "x", _aten("leaky_relu_backward", 0.2, False)
    ),
    "elu_gradient": _gradient("elu", FUNCTION + 2, "x", _elu(1.0), _vjp("elu")),
    "selu_gradient": _gradient(
        "selu",
        FUNCTION + 2,
        "x",
        lambda torch, g, x, y: torch.ops.aten.elu_backward(
            g, 1.6732632423543772, 1.0507009873554805, 1, False, x
        ),
        _vjp("selu"),
    ),
    "celu_gradient": _gradient("celu", FUNCTION + 3, "x", _elu(1.0), _vjp("celu")),
    "exponential_gradient": _gradient(
        "exponential", 1, "y", lambda torch, g, x, y: g * y, _vjp("exp")
    ),
    "tanh_gradient": _gradient("tanh", 3, "y", _aten("tanh_backward", of="y"), _vjp("tanh")),
    "sigmoid_gradient": _gradient(
        "sigmoid", 3, "y", _aten("sigmoid_backward", of="y"), _vjp("sigmoid")
    ),
    "softplus_gradient": _gradient(
        "softplus", FUNCTION + 3, "x", _aten("softplus_backward", 1, 100), _vjp("softplus")
    ),
    "log_sigmoid_gradient": _gradient(
        "log_sigmoid", FUNCTION + 3, "x", Prepared(_log_sigmoid), _vjp("log_sigmoid")
    ),
    "gelu_gradient": _gradient(
        "gelu", 2 * FUNCTION + 6, "x", _aten("gelu_backward", approximate="none")
    ),
    "gelu_gradient (tanh)": _gradient(
        "gelu",
        FUNCTION + 16,
        "x",
        _aten("gelu_backward", approximate="tanh"),
        _vjp("gelu"),
        approximate=True,
    ),
    "silu_gradient": _gradient("silu", FUNCTION + 8, "x", _aten("silu_backward"), _vjp("silu")),
    "mish_gradient": _gradient(
        "mish", 2 * FUNCTION + 10, "x", _aten("mish_backward"), _vjp("mish")
    ),
    "hard_sigmoid_gradient": _gradient(
        "hard_sigmoid", 4, "x", _aten("hardsigmoid_backward"), _vjp("hard_sigmoid")
    ),
    "hard_silu_gradient": _gradient(
        "hard_silu", 6, "x", _aten("hardswish_backward"), _vjp("hard_silu")
    ),
    "softsign_gradient": _gradient("softsign", 4, "x", None, _vjp("soft_sign")),
    "hard_tanh_gradient": _gradient(
        "hard_tanh", 3, "x", _aten("hardtanh_backward", -1.0, 1.0), _vjp("hard_tanh")
    ),
    "tanh_shrink_gradient": _gradient("tanh_shrink", FUNCTION + 2, "x"),
    "hard_shrink_gradient": _gradient("hard_shrink", 2, "x", _aten("hardshrink_backward", 0.5)),
    "soft_shrink_gradient": _gradient("soft_shrink", 2, "x", _aten("softshrink_backward", 0.5)),
    "threshold_gradient": _gradient(
        "threshold", 1, "x", _aten("threshold_backward", 0.5), threshold=0.5, default_value=0.1
    ),
    "squareplus_gradient": _gradient("squareplus", 5, "x and y", None, _vjp("squareplus")),
    "sparse_plus_gradient": _gradient("sparse_plus", 5, "x", None, _vjp("sparse_plus")),
    "sparse_sigmoid_gradient": _gradient("sparse_sigmoid", 3, "x"),
    "linear_gradient": _gradient("linear", 0, "x"),
    "sparsemax_gradient": _rows("sparsemax", 5, 1),
    "glu_gradient": _rows(
        "glu", FUNCTION / 2 + 4, 2, lambda torch, g, x, y: torch.ops.aten.glu_backward(g, x, -1)
    ),
}
