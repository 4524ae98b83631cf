"""Cases of layer and batch normalization, of the rows of a matrix."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import Draw, Prepared, Recipe

EPSILON = 1e-3


def _layer(draw: Draw) -> tuple[Any, ...]:
    rows, columns = draw.matrix()
    return draw.normal(rows, columns), draw.normal(columns), draw.normal(columns)


def _residual(draw: Draw) -> tuple[Any, ...]:
    x, *weights = _layer(draw)
    return x, draw.normal(*x.shape), *weights


def _gradient(draw: Draw) -> tuple[Any, ...]:
    x, *weights = _layer(draw)
    return draw.normal(*x.shape), x, *weights


def _batch(draw: Draw) -> tuple[Any, ...]:
    rows, channels = draw.matrix(64)
    return draw.normal(rows, channels), draw.normal(channels), draw.normal(channels)


def _batch_gradient(draw: Draw) -> tuple[Any, ...]:
    x, gamma, beta = _batch(draw)
    _, mean, variance = numpy_kernels.batch_normalization(x, gamma, beta)
    return draw.normal(*x.shape), x, mean, variance, gamma, beta


def _torch_layer(torch: Any, x: Any, gamma: Any, beta: Any) -> Any:
    return torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, EPSILON)


def _torch_residual(torch: Any, x: Any, residual: Any, gamma: Any, beta: Any) -> Any:
    total = x + residual
    return _torch_layer(torch, total, gamma, beta), total


def _torch_gradient(torch: Any, g: Any, x: Any, gamma: Any, beta: Any) -> Any:
    """The kernel of its autograd, to which the forward pass has left μ and r."""
    shape, wanted = list(gamma.shape), [True] * 3
    _, mean, scale = torch.native_layer_norm(x, shape, gamma, beta, EPSILON)
    return lambda: torch.ops.aten.native_layer_norm_backward(
        g, x, shape, mean, scale, gamma, beta, wanted
    )


def _torch_batch(torch: Any, x: Any, gamma: Any, beta: Any) -> Any:
    y, mean, scale = torch.native_batch_norm(x, gamma, beta, None, None, True, 0.0, EPSILON)
    return y, mean, scale**-2 - EPSILON


def _torch_batch_gradient(
    torch: Any, g: Any, x: Any, mean: Any, variance: Any, gamma: Any, beta: Any
) -> Any:
    scale = (variance + EPSILON).rsqrt()
    return lambda: torch.ops.aten.native_batch_norm_backward(
        g, x, gamma, None, None, mean, scale, True, EPSILON, [True] * 3
    )


def _jax_layer(jax: Any, x: Any, gamma: Any, beta: Any) -> Any:
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).mean(-1, keepdims=True)
    return centered * jax.lax.rsqrt(variance + EPSILON) * gamma + beta


def _jax_gradient(jax: Any, g: Any, *arguments: Any) -> Any:
    return jax.vjp(lambda *inputs: _jax_layer(jax, *inputs), *arguments)[1](g)


RECIPES = {
    "layer_normalization": Recipe(
        "layer_normalization",
        _layer,
        lambda x, *_: 8 * x.size,
        torch=_torch_layer,
        jax=_jax_layer,
    ),
    "layer_normalization_gradient": Recipe(
        "layer_normalization_gradient",
        _gradient,
        lambda g, *_: 18 * g.size,
        torch=Prepared(_torch_gradient),
        jax=_jax_gradient,
    ),
    "residual_layer_normalization": Recipe(
        "residual_layer_normalization",
        _residual,
        lambda x, *_: 9 * x.size,
        torch=_torch_residual,
        jax=lambda jax, x, r, *weights: (_jax_layer(jax, x + r, *weights), x + r),
    ),
    "residual_layer_normalization_gradient": Recipe(
        "residual_layer_normalization_gradient",
        _gradient,
        lambda g, *_: 18 * g.size,
        torch=Prepared(_torch_gradient),
        jax=_jax_gradient,
    ),
    "batch_normalization": Recipe(
        "batch_normalization",
        _batch,
        lambda x, *_: 8 * x.size,
        moved=lambda x, *_: 3 * x.nbytes,  # x is read for its moments, and again for y
        torch=_torch_batch,
    ),
    "batch_normalization_gradient": Recipe(
        "batch_normalization_gradient",
        _batch_gradient,
        lambda g, *_: 9 * g.size,
        moved=lambda g, *_: 5 * g.nbytes,  # g and x are read for their sums, and again for dx
        torch=Prepared(_torch_batch_gradient),
    ),
}
