"""Cases of the losses, with and without their gradients; PyTorch's come by its autograd."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import FUNCTION, Draw, Recipe


def _labels(draw: Draw) -> tuple[Any, ...]:
    rows, classes = draw.matrix()
    return draw.integers(classes, rows), draw.normal(rows, classes, scale=3.0)


def _distributions(draw: Draw) -> tuple[Any, ...]:
    shape = draw.matrix()
    return numpy_kernels.softmax(draw.normal(*shape)), draw.normal(*shape, scale=3.0)


def _binary(draw: Draw) -> tuple[Any, ...]:
    return draw.positive(), draw.normal(scale=3.0)


def _pairs(draw: Draw) -> tuple[Any, ...]:
    return draw.normal(), draw.normal()


def _crossentropy(reduction: str) -> Any:
    return lambda torch, target, logits: torch.nn.functional.cross_entropy(
        logits, target, reduction=reduction
    )


def _binary_crossentropy(reduction: str) -> Any:
    return lambda torch, target, logits: torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target, reduction=reduction
    )


def _with_gradient(loss: Any) -> Any:
    """A loss and its gradient by PyTorch's autograd; of several losses, that of their sum."""

    def peer(torch: Any, target: Any, logits: Any) -> Any:
        logits = logits.detach().requires_grad_()
        losses = loss(torch, target, logits)
        return losses.detach(), torch.autograd.grad(losses.sum(), logits)[0]

    return peer


def _jax_labels(jax: Any, labels: Any, logits: Any) -> Any:
    chosen = jax.numpy.take_along_axis(logits, labels[:, None], -1)[:, 0]
    return jax.nn.logsumexp(logits, -1) - chosen


def _jax_distributions(jax: Any, target: Any, logits: Any) -> Any:
    return -(target * jax.nn.log_softmax(logits)).sum(-1)


def _jax_binary(jax: Any, target: Any, logits: Any) -> Any:
    return jax.nn.softplus(logits) - target * logits


def _jax_mean(loss: Any) -> Any:
    return lambda jax, target, logits: loss(jax, target, logits).mean()


def _jax_with_gradient(loss: Any) -> Any:
    def peer(jax: Any, target: Any, logits: Any) -> Any:
        losses, pull_back = jax.vjp(lambda z: loss(jax, target, z), logits)
        return losses, pull_back(jax.numpy.ones_like(losses))[0]

    return peer


def _four(name: str, arguments: Any, operations: float, torch: Any, jax: Any) -> dict[str, Recipe]:
    """The losses of all samples and their mean, each with and without the gradient."""

    def cost(target: Any, logits: Any) -> float:
        return operations * float(logits.size)

    mean = _jax_mean(jax)
    with_gradient, mean_with_gradient = f"{name}_with_gradient", f"mean_{name}_with_gradient"
    return {
        name: Recipe(name, arguments, cost, torch=torch("none"), jax=jax),
        f"mean_{name}": Recipe(f"mean_{name}", arguments, cost, torch=torch("mean"), jax=mean),
        with_gradient: Recipe(
            with_gradient,
            arguments,
            lambda target, logits: cost(target, logits) + 2 * logits.size,
            torch=_with_gradient(torch("none")),
            jax=_jax_with_gradient(jax),
        ),
        mean_with_gradient: Recipe(
            mean_with_gradient,
            arguments,
            lambda target, logits: cost(target, logits) + 3 * logits.size,
            torch=_with_gradient(torch("mean")),
            jax=_jax_with_gradient(mean),
        ),
    }


RECIPES = {
    "mean_squared_error": Recipe(
        "mean_squared_error",
        _pairs,
        lambda target, prediction: 3 * target.size,
        torch=lambda torch, target, prediction: torch.nn.functional.mse_loss(prediction, target),
        jax=lambda jax, target, prediction: ((prediction - target) ** 2).mean(),
    ),
    **_four("sparse_softmax_crossentropy", _labels, FUNCTION + 3, _crossentropy, _jax_labels),
    **_four(
        "softmax_crossentropy", _distributions, FUNCTION + 5, _crossentropy, _jax_distributions
    ),
    **_four(
        "binary_crossentropy_from_logits",
        _binary,
        2 * FUNCTION + 4,
        _binary_crossentropy,
        _jax_binary,
    ),
    "minus_one_hot": Recipe(
        "minus_one_hot",
        lambda draw: _labels(draw)[::-1],
        lambda probabilities, labels: labels.size,
    ),
}
