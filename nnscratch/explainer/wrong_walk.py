"""A backward walk that can leave out one thing at a time.

The engine's own (`nnscratch.autograd.backward.walk`) has no such options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.backward import fit
from nnscratch.autograd.tape import topological_order
from nnscratch.explainer.replay import one_or_all
from nnscratch_kernels.dispatch import backend

if TYPE_CHECKING:
    from nnscratch.autograd import Tensor
    from nnscratch.autograd.tape import Node


def walk_wrongly(
    loss: Tensor, *, add: bool = True, in_order: bool = True, sum_repeated: bool = True
) -> dict[Tensor, Any]:
    """The gradients of the leaves; right with all of the options on.

    Args:
        loss: a recorded scalar.
        add: whether contributions are added; else the last one counts.
        in_order: whether a node waits for all that used it; else the walk is depth-first.
        sum_repeated: whether broadcasting is undone.
    """
    if not sum_repeated:  # compiled kernels trust that a gradient has its value's shape
        with backend("numpy"):
            return _walk(loss, add, in_order, sum_repeated)
    return _walk(loss, add, in_order, sum_repeated)


def _walk(loss: Tensor, add: bool, in_order: bool, sum_repeated: bool) -> dict[Tensor, Any]:
    gradients: dict[Tensor, Any] = {}
    received: dict[Node, list[Any]] = {}
    nodes = topological_order([loss])[::-1] if in_order else _depth_first(loss)
    if loss.node is not None:
        received[loss.node] = [np.ones_like(loss.data)]
    for node in nodes:
        if node not in received:
            continue
        g = [
            np.zeros_like(output) if one is None else one
            for one, output in zip(received[node], node.outputs, strict=True)
        ]
        sent = node.op.gradients(
            node.wanted, one_or_all(g), one_or_all(node.outputs), node.arrays, node.params
        )
        for tensor, array, gradient in zip(node.inputs, node.arrays, sent, strict=True):
            if gradient is None or not getattr(tensor, "requires_grad", False):
                continue
            share = fit(gradient, array) if sum_repeated else gradient
            if tensor.node is None:
                old = gradients.get(tensor)
                gradients[tensor] = share if old is None or not add else old + share
            else:
                slots = received.setdefault(tensor.node, [None] * len(tensor.node.outputs))
                old = slots[tensor.output_index]
                slots[tensor.output_index] = share if old is None or not add else old + share
    return gradients


def _depth_first(loss: Tensor) -> list[Node]:
    """Nodes as a depth-first walk from the loss first meets them."""
    found: dict[Node, None] = {}
    stack = [loss.node]
    while stack:
        node = stack.pop()
        if node is not None and node not in found:
            found[node] = None
            stack.extend(getattr(value, "node", None) for value in reversed(node.inputs))
    return list(found)
