"""Cross-entropies fused with the sigmoid or softmax before them: stable, and with gradient p - t.

Each comes for every sample, and as the mean over samples in one op, which a training step calls.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Op, Tensor, call, op
from nnscratch.ops.kernel_rules import is_recorded
from nnscratch.ops.special import log_softmax, sigmoid, softmax
from nnscratch_kernels import auto as kernels

if TYPE_CHECKING:
    from collections.abc import Callable


_ON_CPU = (np.generic, np.ndarray)


def _known(squash: Op, logits: Any, probabilities: Any) -> Any:
    """`probabilities` if they were given; `squash` of the logits otherwise, and on the tape."""
    return squash(logits) if probabilities is None or isinstance(logits, Tensor) else probabilities


def _mean_rule(fused: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule for the logits of a mean loss, `(g, y, target, logits, probabilities)`.

    Args:
        fused: a kernel of target and logits that gives the loss and its gradient, in one pass.
        rule: what does it on tensors, and where the probabilities are known already.
    """

    @wraps(rule)
    def either(g: Any, y: Any, target: Any, logits: Any, probabilities: Any) -> Any:
        if probabilities is not None or is_recorded(y):
            return rule(g, y, target, logits, probabilities)
        gradient = fused(target, logits)[1]
        if not isinstance(g, _ON_CPU) or g != 1:  # to look at a GPU's number would be to wait
            gradient *= g
        return gradient

    return either


def _count(shape: tuple[int, ...]) -> int:
    """How many samples there are in logits of this shape."""
    count = 1
    for length in shape[:-1]:
        count *= length
    return count


@op(
    "binary_crossentropy_from_logits",
    arity=2,
    formula=r"L = -t \ln \sigma(z) - (1 - t) \ln(1 - \sigma(z))",
    derivative=r"\bar z = \bar L\, (\sigma(z) - t), \quad \bar t = -\bar L\, z",
    vjps=(
        lambda g, y, target, logits, probabilities: -g * logits,
        lambda g, y, target, logits, probabilities: (
            g * (_known(sigmoid, logits, probabilities) - target)
        ),
    ),
    samples=lambda s: [
        call(s.positive(4, 3) / 2, s.normal(4, 3)),
        call(s.mask(5, 1).astype(float), 20 * s.normal(5, 1)),
    ],
    torch=lambda torch, target, logits: torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target, reduction="none"
    ),
)
def binary_crossentropy_from_logits(target: Any, logits: Any, probabilities: Any = None) -> Any:
    """Elementwise binary cross-entropy of sigmoid(z), without overflow for any z.

    Args:
        target: t in [0, 1], any shape.
        logits: z, the same shape.
        probabilities: σ(z) as a plain array if it is known; it saves work in the backward pass.
    """
    return kernels.binary_crossentropy_from_logits(target, logits)


@op(
    "mean_binary_crossentropy_from_logits",
    arity=2,
    formula=r"L = \frac{1}{N} \sum_i -t_i \ln \sigma(z_i) - (1 - t_i) \ln(1 - \sigma(z_i))",
    derivative=r"\bar z_i = \frac{\bar L}{N} (\sigma(z_i) - t_i), \quad "
    r"\bar t_i = -\frac{\bar L}{N} z_i",
    vjps=(
        lambda g, y, target, logits, probabilities: -(g / logits.size) * logits,
        _mean_rule(
            kernels.mean_binary_crossentropy_from_logits_with_gradient,
            lambda g, y, target, logits, probabilities: (
                (_known(sigmoid, logits, probabilities) - target) * (g / logits.size)
            ),
        ),
    ),
    samples=lambda s: [
        call(s.positive(4, 3) / 2, s.normal(4, 3)),
        call(s.mask(5, 1).astype(float), 20 * s.normal(5, 1)),
    ],
    torch=lambda torch, target, logits: torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target
    ),
)
def mean_binary_crossentropy_from_logits(
    target: Any, logits: Any, probabilities: Any = None
) -> Any:
    """(1/N) Σ of `binary_crossentropy_from_logits` over all N elements."""
    return kernels.mean_binary_crossentropy_from_logits(target, logits)


def _softmax_gradient(g: Any, target: Any, logits: Any, probabilities: Any) -> Any:
    p = _known(softmax, logits, probabilities)
    return g * (p * np.sum(target, axis=-1, keepdims=True) - target)


softmax_crossentropy = Op(
    "softmax_crossentropy",
    kernels.softmax_crossentropy,
    arity=2,
    formula=r"L = -\sum_j t_j \ln p_j, \quad p = \operatorname{softmax}(z)",
    derivative=r"\bar z = \bar L \left(p \textstyle\sum_j t_j - t\right), \quad "
    r"\bar t = -\bar L \ln p",
    vjps=(
        lambda g, y, target, logits, probabilities: -np.expand_dims(g, -1) * log_softmax(logits),
        lambda g, y, target, logits, probabilities: _softmax_gradient(
            np.expand_dims(g, -1), target, logits, probabilities
        ),
    ),
    samples=lambda s: [
        call(s.positive(4, 3), s.normal(4, 3)),
        call(s.positive(3), s.normal(3)),
        call(np.eye(3)[s.integers(3, 2, 4)], 20 * s.normal(2, 4, 3)),
    ],
    torch=lambda torch, target, logits: -(target * torch.log_softmax(logits, -1)).sum(-1),
    numpy=[],
)

mean_softmax_crossentropy = Op(
    "mean_softmax_crossentropy",
    kernels.mean_softmax_crossentropy,
    arity=2,
    formula=r"L = -\frac{1}{N} \sum_i \sum_j t_{ij} \ln p_{ij}, \quad "
    r"p = \operatorname{softmax}(z)",
    derivative=r"\bar z_i = \frac{\bar L}{N} \left(p_i \textstyle\sum_j t_{ij} - t_i\right), "
    r"\quad \bar t = -\frac{\bar L}{N} \ln p",
    vjps=(
        lambda g, y, target, logits, probabilities: (
            -(g / _count(logits.shape)) * log_softmax(logits)
        ),
        _mean_rule(
            kernels.mean_softmax_crossentropy_with_gradient,
            lambda g, y, target, logits, probabilities: _softmax_gradient(
                g / _count(logits.shape), target, logits, probabilities
            ),
        ),
    ),
    samples=lambda s: [
        call(s.positive(4, 3), s.normal(4, 3)),
        call(np.eye(3)[s.integers(3, 2, 4)], 20 * s.normal(2, 4, 3)),
    ],
    torch=lambda torch, target, logits: -(target * torch.log_softmax(logits, -1)).sum(-1).mean(),
    numpy=[],
)

minus_one_hot = Op(
    "minus_one_hot",
    kernels.minus_one_hot,
    arity=2,
    formula=r"y_j = p_j - [j = l]",
    derivative=r"\bar p = \bar y",
    vjps=(lambda g, y, probabilities, labels: g, None),
    samples=lambda s: [
        call(s.positive(4, 3), s.integers(3, 4)),
        call(s.positive(2, 4, 3), s.integers(3, 2, 4)),
        call(s.positive(3), s.integers(3)),
    ],
    torch=lambda torch, probabilities, labels: (
        probabilities - torch.nn.functional.one_hot(labels, probabilities.shape[-1])
    ),
    numpy=[],
)


def _torch_sparse(torch: Any, labels: Any, logits: Any, reduction: str) -> Any:
    return torch.nn.functional.cross_entropy(
        logits.movedim(-1, 1) if logits.ndim > 2 else logits, labels, reduction=reduction
    )


sparse_softmax_crossentropy = Op(
    "sparse_softmax_crossentropy",
    kernels.sparse_softmax_crossentropy,
    arity=2,
    formula=r"L = -\ln p_l, \quad p = \operatorname{softmax}(z)",
    derivative=r"\bar z_j = \bar L\, (p_j - [j = l])",
    vjps=(
        None,
        lambda g, y, labels, logits, probabilities: (
            np.expand_dims(g, -1) * minus_one_hot(_known(softmax, logits, probabilities), labels)
        ),
    ),
    samples=lambda s: [
        call(s.integers(3, 4), s.normal(4, 3)),
        call(s.integers(3, 2, 4), 20 * s.normal(2, 4, 3)),
        call(s.integers(3), s.normal(3)),
    ],
    torch=lambda torch, labels, logits: _torch_sparse(torch, labels, logits, "none"),
    numpy=[],
)

mean_sparse_softmax_crossentropy = Op(
    "mean_sparse_softmax_crossentropy",
    kernels.mean_sparse_softmax_crossentropy,
    arity=2,
    formula=r"L = -\frac{1}{N} \sum_i \ln p_{i, l_i}, \quad p = \operatorname{softmax}(z)",
    derivative=r"\bar z_{ij} = \frac{\bar L}{N} (p_{ij} - [j = l_i])",
    vjps=(
        None,
        _mean_rule(
            kernels.mean_sparse_softmax_crossentropy_with_gradient,
            lambda g, y, labels, logits, probabilities: (
                minus_one_hot(_known(softmax, logits, probabilities), labels)
                * (g / _count(logits.shape))
            ),
        ),
    ),
    samples=lambda s: [
        call(s.integers(3, 4), s.normal(4, 3)),
        call(s.integers(3, 2, 4), 20 * s.normal(2, 4, 3)),
    ],
    torch=lambda torch, labels, logits: _torch_sparse(torch, labels, logits, "mean"),
    numpy=[],
)
