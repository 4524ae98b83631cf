"""The tape: one node for each recorded op, linked to the nodes that made its inputs."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnscratch.autograd.anomaly import Origin
    from nnscratch.autograd.op import Op
    from nnscratch.autograd.tensor import Tensor


class Node:
    """One application of an op: what went in, what came out, and how it was called.

    Attributes:
        op: the op that was applied.
        inputs: its array arguments as the caller passed them, tensors or plain arrays.
        arrays: the same arguments as plain arrays, as they were at the time of the call.
        params: its other arguments by name (an axis, a shape).
        outputs: the plain arrays that it returned, one or several.
        origin: where in the user's program it was recorded (only under `detect_anomaly`).
    """

    __slots__ = ("arrays", "inputs", "kept", "op", "origin", "outputs", "params")

    def __init__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        arrays: list[Any],
        params: dict[str, Any],
        outputs: tuple[Any, ...],
        origin: Origin | None,
    ) -> None:
        """Link one application of `op` into the tape."""
        self.op = op
        self.inputs = inputs
        self.arrays = arrays
        self.params = params
        self.outputs = outputs
        self.origin = origin
        self.kept: tuple[weakref.ref[Tensor], ...] = ()

    @property
    def freed(self) -> bool:
        """Whether a backward pass went through here and let go of the values."""
        return not self.outputs

    def keep_gradient_in(self, tensor: Tensor) -> None:
        """Have the backward pass fill `.grad` of a tensor that this node made, while it lives."""
        self.kept = (*self.kept, weakref.ref(tensor))

    def free(self) -> None:
        """Let go of every value that only the backward pass needed."""
        self.inputs = self.outputs = ()
        self.arrays = []


def topological_order(roots: Iterable[Node]) -> list[Node]:
    """Every node that `roots` depend on, each one after all the nodes that made its inputs.

    Depth first with a stack of our own: a chain of any length raises no RecursionError. A node is
    put in the order when it is met a second time, that is after everything below it.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    finished: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack[-1]
        if node not in seen:
            seen.add(node)
            for tensor in node.inputs:
                maker = getattr(tensor, "node", None)
                if maker is not None and maker not in seen:
                    stack.append(maker)
            continue
        stack.pop()
        if node not in finished:
            finished.add(node)
            order.append(node)
    return order
