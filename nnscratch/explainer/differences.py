"""What a mistake changes: gradients, shares and values that are not as they were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Tensor

if TYPE_CHECKING:
    from nnscratch.autograd.tape import Node
    from nnscratch.explainer.breaking import Break
    from nnscratch.explainer.recording import Entry, Recording
    from nnscratch.explainer.replay import Again
    from nnscratch.explainer.wrong_walk import Walked


def note_gradients(broken: Break, recording: Recording, again: Again, walked: Walked) -> None:
    """Gradients of entries that came out wrong, and those that never came."""
    for entry in recording.entries:
        if entry.gradient is None:
            continue
        gradient = _gradient_of(entry, again, walked)
        if gradient is None and walked.failed is not None:
            node, reason = walked.failed
            broken.errors[entry] = f"The walk gets no further than {node.op.name}: {reason}"
            continue
        if gradient is None:  # nothing was sent here
            gradient = np.zeros_like(entry.gradient)
        if differ(gradient, entry.gradient):
            broken.gradients[entry] = gradient


def note_shares(broken: Break, recording: Recording, again: Again, walked: Walked) -> None:
    """What was sent along the edges, where it is something else, and what of it was lost."""
    for edge in recording.edges:
        node = node_of(again.results[edge.target])
        if node is None or (node, edge.argument) not in walked.sent or edge.contribution is None:
            continue
        share = walked.sent[node, edge.argument]
        if differ(share, edge.contribution):
            broken.contributions[edge] = share
        if (node, edge.argument) in walked.lost:
            broken.lost[edge] = walked.lost[node, edge.argument]


def note_values(broken: Break, recording: Recording, again: Again) -> None:
    """What the forward pass gave from other weights."""
    for entry in recording.entries:
        first = _first(again.results[entry])
        value = np.asarray(first.data if isinstance(first, Tensor) else first)
        if differ(value, entry.value):
            broken.values[entry] = value


def node_of(result: Any) -> Node | None:
    """What made the result, or the several results, of an op."""
    node: Node | None = getattr(_first(result), "node", None)
    return node


def differ(one: Any, other: Any) -> bool:
    """Whether two arrays differ by more than rounding."""
    largest = float(np.abs(np.asarray(other, np.float64)).max(initial=0.0))
    return one.shape != other.shape or not np.allclose(
        one, other, rtol=1e-4, atol=1e-5 * largest, equal_nan=True
    )


def _gradient_of(entry: Entry, again: Again, walked: Walked) -> Any:
    """What an entry's first result has received; None if nothing."""
    if entry.node is None:
        return walked.leaves.get(again.leaves[entry])
    node = node_of(again.results[entry])
    received = None if node is None else walked.received.get(node)
    return None if received is None else received[0]


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result
