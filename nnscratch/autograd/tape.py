"""The tape: one node for each recorded op, numbered in the order of recording."""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnscratch.autograd.anomaly import Origin
    from nnscratch.autograd.op import Op
    from nnscratch.autograd.tensor import Tensor

_serials = count(1)


class Node:
    """One application of an op: what went in, what came out, and how it was called.

    Attributes:
        op: the op that was applied.
        inputs: its array arguments as the caller passed them, tensors or plain arrays.
        arrays: the same arguments as plain arrays, as they were at the time of the call.
        params: its other arguments by name (an axis, a shape).
        outputs: the plain arrays that it returned, one or several.
        wanted: for each input whether it requires a gradient.
        origin: where in the user's program it was recorded; None inside `fit`, which is in a hurry.
        serial: its place on the tape. Whatever uses a result is recorded after what made it, so
            falling serials are a reverse topological order.
        kept: tensors of this node that asked to keep their gradient.
        freed: whether a backward pass went through here and let go of the values.
    """

    __slots__ = (
        "arrays",
        "freed",
        "inputs",
        "kept",
        "op",
        "origin",
        "outputs",
        "params",
        "serial",
        "wanted",
    )

    def __init__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        arrays: list[Any],
        params: dict[str, Any],
        outputs: tuple[Any, ...],
        wanted: list[bool],
        origin: Origin | None,
    ) -> None:
        """Put one application of `op` at the end of the tape."""
        self.op = op
        self.inputs = inputs
        self.arrays = arrays
        self.params = params
        self.outputs = outputs
        self.wanted = wanted
        self.origin = origin
        self.serial = next(_serials)
        self.kept: tuple[weakref.ref[Tensor], ...] = ()
        self.freed = False

    def keep_gradient_in(self, tensor: Tensor) -> None:
        """Have the backward pass fill `.grad` of a tensor that this node made, while it lives."""
        reference = weakref.ref(tensor)
        if all(reference is not known for known in self.kept):
            self.kept = (*self.kept, reference)

    def free(self) -> None:
        """Let go of every value that only the backward pass needed."""
        self.freed = True
        self.inputs = ()
        self.arrays = []
        self.outputs = (None,) * len(self.outputs)


def end_of_tape() -> int:
    """The place on the tape just reached: nodes recorded from now on have greater serials."""
    return next(_serials)


def topological_order(tensors: Iterable[Any], since: int = 0) -> list[Node]:
    """Every node that `tensors` depend on, each one after all the nodes that made its inputs.

    Of these only the ones that were recorded after the place `since`.
    """
    found: set[Node] = set()
    stack = [tensors]
    while stack:
        for tensor in stack.pop():
            maker = getattr(tensor, "node", None)
            if maker is not None and maker not in found and maker.serial > since:
                found.add(maker)
                stack.append(maker.inputs)
    return sorted(found, key=lambda node: node.serial)
