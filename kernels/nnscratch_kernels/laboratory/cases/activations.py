"""Cases of the activation functions and of the functions that they are made of."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels.laboratory.cases.declaring import FUNCTION, Recipe, elementwise


def _gelu(approximate: str) -> Any:
    return lambda torch, x: torch.nn.functional.gelu(x, approximate=approximate)


RECIPES = {
    "exp": elementwise(
        "exp", FUNCTION, lambda torch, x: torch.exp(x), lambda jax, x: jax.numpy.exp(x)
    ),
    "log": Recipe(
        "log",
        lambda draw: (draw.positive(),),
        lambda x: FUNCTION * x.size,
        torch=lambda torch, x: torch.log(x),
        jax=lambda jax, x: jax.numpy.log(x),
    ),
    "tanh": elementwise(
        "tanh", FUNCTION, lambda torch, x: torch.tanh(x), lambda jax, x: jax.numpy.tanh(x)
    ),
    "erf": elementwise(
        "erf", FUNCTION, lambda torch, x: torch.erf(x), lambda jax, x: jax.lax.erf(x)
    ),
    "erfc": elementwise(
        "erfc", FUNCTION, lambda torch, x: torch.erfc(x), lambda jax, x: jax.lax.erfc(x)
    ),
    "sigmoid": elementwise(
        "sigmoid",
        FUNCTION + 3,
        lambda torch, x: torch.sigmoid(x),
        lambda jax, x: jax.nn.sigmoid(x),
    ),
    "softplus": elementwise(
        "softplus",
        2 * FUNCTION + 3,
        lambda torch, x: torch.nn.functional.softplus(x, threshold=100),
        lambda jax, x: jax.nn.softplus(x),
    ),
    "log_sigmoid": elementwise(
        "log_sigmoid",
        2 * FUNCTION + 3,
        lambda torch, x: torch.nn.functional.logsigmoid(x),
        lambda jax, x: jax.nn.log_sigmoid(x),
    ),
    "relu": elementwise("relu", 1, lambda torch, x: torch.relu(x), lambda jax, x: jax.nn.relu(x)),
    "relu (leaky, with a ceiling)": elementwise(
        "relu", 4, negative_slope=0.1, max_value=6.0, threshold=0.5
    ),
    "relu6": elementwise(
        "relu6", 2, lambda torch, x: torch.nn.functional.relu6(x), lambda jax, x: jax.nn.relu6(x)
    ),
    "leaky_relu": elementwise(
        "leaky_relu",
        2,
        lambda torch, x: torch.nn.functional.leaky_relu(x, 0.2),
        lambda jax, x: jax.nn.leaky_relu(x, 0.2),
    ),
    "elu": elementwise(
        "elu",
        FUNCTION + 3,
        lambda torch, x: torch.nn.functional.elu(x),
        lambda jax, x: jax.nn.elu(x),
    ),
    "selu": elementwise(
        "selu",
        FUNCTION + 4,
        lambda torch, x: torch.selu(x),
        lambda jax, x: jax.nn.selu(x),
    ),
    "celu": elementwise(
        "celu",
        FUNCTION + 4,
        lambda torch, x: torch.nn.functional.celu(x),
        lambda jax, x: jax.nn.celu(x),
    ),
    "gelu": elementwise(
        "gelu", FUNCTION + 4, _gelu("none"), lambda jax, x: jax.nn.gelu(x, approximate=False)
    ),
    "gelu (tanh)": elementwise(
        "gelu",
        FUNCTION + 8,
        _gelu("tanh"),
        lambda jax, x: jax.nn.gelu(x, approximate=True),
        approximate=True,
    ),
    "tanh_gelu_logit": elementwise("tanh_gelu_logit", 7),
    "silu": elementwise(
        "silu",
        FUNCTION + 4,
        lambda torch, x: torch.nn.functional.silu(x),
        lambda jax, x: jax.nn.silu(x),
    ),
    "mish": elementwise(
        "mish",
        2 * FUNCTION + 5,
        lambda torch, x: torch.nn.functional.mish(x),
        lambda jax, x: jax.nn.mish(x),
    ),
    "hard_sigmoid": elementwise(
        "hard_sigmoid",
        4,
        lambda torch, x: torch.nn.functional.hardsigmoid(x),
        lambda jax, x: jax.nn.hard_sigmoid(x),
    ),
    "hard_silu": elementwise(
        "hard_silu",
        5,
        lambda torch, x: torch.nn.functional.hardswish(x),
        lambda jax, x: jax.nn.hard_silu(x),
    ),
    "hard_tanh": elementwise(
        "hard_tanh",
        2,
        lambda torch, x: torch.nn.functional.hardtanh(x),
        lambda jax, x: jax.nn.hard_tanh(x),
    ),
    "softsign": elementwise(
        "softsign",
        3,
        lambda torch, x: torch.nn.functional.softsign(x),
        lambda jax, x: jax.nn.soft_sign(x),
    ),
    "tanh_shrink": elementwise(
        "tanh_shrink", FUNCTION + 1, lambda torch, x: torch.nn.functional.tanhshrink(x)
    ),
    "hard_shrink": elementwise(
        "hard_shrink", 2, lambda torch, x: torch.nn.functional.hardshrink(x)
    ),
    "soft_shrink": elementwise(
        "soft_shrink", 4, lambda torch, x: torch.nn.functional.softshrink(x)
    ),
    "threshold": elementwise(
        "threshold",
        1,
        lambda torch, x: torch.nn.functional.threshold(x, 0.5, 0.1),
        threshold=0.5,
        default_value=0.1,
    ),
    "squareplus": elementwise("squareplus", 5, None, lambda jax, x: jax.nn.squareplus(x)),
    "sparse_plus": elementwise("sparse_plus", 5, None, lambda jax, x: jax.nn.sparse_plus(x)),
    "sparse_sigmoid": elementwise(
        "sparse_sigmoid", 4, None, lambda jax, x: jax.nn.sparse_sigmoid(x)
    ),
    "glu": Recipe(
        "glu",
        lambda draw: (draw.normal(draw.matrix()[0], 2 * draw.matrix(512)[1]),),
        lambda x: (FUNCTION + 4) * x.size / 2,
        torch=lambda torch, x: torch.nn.functional.glu(x),
        jax=lambda jax, x: jax.nn.glu(x),
    ),
    "sparsemax": Recipe(
        "sparsemax",
        lambda draw: (draw.normal(*draw.matrix(128)),),
        lambda x: 8 * x.size,
    ),
}
