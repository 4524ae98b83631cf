"""A backward walk that can go wrong in one way at a time, and tells what was lost on the way.

The engine's own (`nnscratch.autograd.backward.walk`) has no such options.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd.backward import fit
from nnscratch.autograd.tape import topological_order
from nnscratch.explainer.replay import one_or_all
from nnscratch_kernels.dispatch import backend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscratch.autograd import Tensor
    from nnscratch.autograd.tape import Node

    Way = tuple[Node, int]  # from a node to one of its arguments

OVERWRITTEN = "overwritten"
"""Why a share is lost: the next one took its place."""

LATE = "late"
"""Why a share is lost: its receiver had been visited already."""


@dataclass
class Walked:
    """What a walk did.

    Attributes:
        leaves: the gradient that each leaf has in the end.
        received: what each visited node had received for each of its outputs, None for nothing.
        sent: what a node sent to each of its arguments, by node and place of the argument.
        lost: which of these shares changed nothing, and why: `OVERWRITTEN` or `LATE`.
        failed: the node at which the walk ended early, and why; None if it came to its end.
    """

    leaves: dict[Tensor, Any] = field(default_factory=dict)
    received: dict[Node, list[Any]] = field(default_factory=dict)
    sent: dict[Way, Any] = field(default_factory=dict)
    lost: dict[Way, str] = field(default_factory=dict)
    failed: tuple[Node, str] | None = None


def walk_wrongly(
    loss: Tensor,
    *,
    add: bool = True,
    in_order: bool = True,
    sum_repeated: bool = True,
    factors: Mapping[Node, float] | None = None,
) -> Walked:
    """Walk back from a loss; rightly, unless an option says otherwise.

    Args:
        loss: a recorded scalar.
        add: whether contributions are added; else the last one counts.
        in_order: whether a node waits for all that used it; else the walk is depth-first.
        sum_repeated: whether broadcasting is undone.
        factors: of what some nodes send.
    """
    walk = _Walk(add, sum_repeated, factors or {})
    order = topological_order([loss])[::-1] if in_order else _depth_first(loss)
    if sum_repeated:
        return walk.along(order, loss)
    with backend("numpy"):  # compiled kernels trust that a gradient has its value's shape
        return walk.along(order, loss)


class _Share(NamedTuple):
    """What has arrived so far, and which way the last of it came; None for the start."""

    total: Any
    way: Way | None


class _Walk:
    """A walk under way."""

    def __init__(self, add: bool, sum_repeated: bool, factors: Mapping[Node, float]) -> None:
        self.add, self.sum_repeated, self.factors = add, sum_repeated, factors
        self.walked = Walked()
        self.of_leaves: dict[Tensor, _Share] = {}
        self.of_nodes: dict[Node, dict[int, _Share]] = {}
        self.passed: set[Node] = set()  # whether or not they had anything to send

    def along(self, order: list[Node], loss: Tensor) -> Walked:
        """Visit nodes in this order, from the loss's own derivative on."""
        if loss.node is not None:
            self.of_nodes[loss.node] = {loss.output_index: _Share(np.ones_like(loss.data), None)}
        for node in order:
            self.passed.add(node)
            if node not in self.of_nodes:
                continue
            try:
                self._visit(node)
            except (ValueError, TypeError, IndexError) as error:  # shapes that no rule expects
                self.walked.failed = node, str(error)
                break
        self.walked.leaves = {leaf: share.total for leaf, share in self.of_leaves.items()}
        return self.walked

    def _visit(self, node: Node) -> None:
        """Send what a node has received through its rule."""
        shares = self.of_nodes[node]
        received = [shares[i].total if i in shares else None for i in range(len(node.outputs))]
        self.walked.received[node] = received
        g = [
            np.zeros_like(output) if one is None else one
            for one, output in zip(received, node.outputs, strict=True)
        ]
        sent = node.op.gradients(
            node.wanted, one_or_all(g), one_or_all(node.outputs), node.arrays, node.params
        )
        for place, gradient in enumerate(sent):
            tensor = node.inputs[place]
            if gradient is None or not getattr(tensor, "requires_grad", False):
                continue
            share = fit(gradient, node.arrays[place]) if self.sum_repeated else gradient
            if node in self.factors:
                share = share * self.factors[node]
            self.walked.sent[node, place] = share
            self._deliver(tensor, share, (node, place))

    def _deliver(self, tensor: Tensor, share: Any, way: Way) -> None:
        """Add a share to what a tensor has received, or put it in its place."""
        node = tensor.node
        if node is not None and node in self.passed:
            self.walked.lost[way] = LATE
            return
        key, held = _place_of(tensor, self.of_leaves, self.of_nodes)
        old = held.get(key)
        if old is not None and self.add:
            share = old.total + share
        elif old is not None and old.way is not None:
            self.walked.lost[old.way] = OVERWRITTEN
        held[key] = _Share(share, way)


def _place_of(
    tensor: Tensor, of_leaves: dict[Tensor, _Share], of_nodes: dict[Node, dict[int, _Share]]
) -> tuple[Any, dict[Any, _Share]]:
    """Where the gradient of a tensor is gathered: a dictionary and the key in it."""
    if tensor.node is None:
        return tensor, of_leaves
    return tensor.output_index, of_nodes.setdefault(tensor.node, {})


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
