"""The backward walk: from a result back to the leaves, each node once, contributions added."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import anomaly
from nnscratch.autograd.modes import CURRENT_MODE, enable_grad
from nnscratch.autograd.placement import beside, explain
from nnscratch.autograd.tape import Node, topological_order
from nnscratch.autograd.tensor import Parameter, Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def backward(tensor: Tensor, gradient: Any, create_graph: bool, retain_graph: bool) -> None:
    """Fill `.grad` of every leaf below `tensor`; see `Tensor.backward`."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "backward() found nothing to differentiate, since no input of this tensor requires a "
            "gradient: make one with ns.Tensor(..., requires_grad=True), outside ns.no_grad()."
        )
    if create_graph and not CURRENT_MODE.get().recording:
        with enable_grad():
            backward(tensor, gradient, create_graph, retain_graph)
        return
    seed = _seed(tensor, gradient, create_graph)
    leaves = walk([tensor], [seed], create_graph=create_graph, retain_graph=retain_graph)
    for leaf, contribution in leaves.items():
        accumulate(leaf, contribution)


def accumulate(leaf: Tensor, contribution: Any) -> None:
    """Add one gradient to what `leaf.grad` holds already."""
    if leaf.grad is not None:
        leaf.grad = leaf.grad + contribution
    elif isinstance(contribution, Tensor):
        leaf.grad = contribution.copy()
    elif isinstance(leaf, Parameter) and leaf.grad_storage is not None:
        storage = leaf.grad = leaf.grad_storage
        storage.data[...] = contribution
    else:  # a copy, since rules may hand the same array to several inputs
        leaf.grad = wrap(contribution.copy(), None, 0)


def walk(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
    targets: set[Tensor] | None = None,
    since: int = 0,
    watch: Callable[[Node, list[Any], Sequence[Any]], None] | None = None,
) -> dict[Tensor, Any]:
    """The gradient of Σ ⟨cotangent, output⟩ for every leaf that requires one.

    Of the nodes that have received something, the one recorded last goes first. Everything that
    used its result was recorded later still, so it has received the contributions of all its
    consumers, added up, before its own rule runs; and each node is visited once.

    Args:
        outputs: tensors to start from.
        cotangents: for each output an array (a tensor with `create_graph`) of its shape.
        create_graph: run the rules on tensors, so that the walk is itself recorded.
        retain_graph: keep what the nodes hold; otherwise each is freed when it was visited.
        targets: stop at these tensors instead of the leaves, and go only where they are.
        since: where the tape ended when the targets were made; nothing older leads to them.
        watch: called after each rule with the node, what it received for each of its outputs, and
            what the rule gave for each of its inputs, broadcasting not yet undone.

    Returns:
        Gradients by leaf (or target), arrays or with `create_graph` tensors, of the leaf's shape
        and dtype.
    """
    mode = CURRENT_MODE.get()
    if create_graph and not mode.recording:
        with enable_grad():
            return walk(outputs, cotangents, create_graph=True, targets=targets, since=since)
    gradients: dict[Tensor, Any] = {}
    pending: dict[Node, list[Any]] = {}
    latest: list[tuple[int, Node]] = []  # a heap of the pending nodes, the last recorded on top

    def deposit(tensor: Tensor, gradient: Any) -> None:
        """Add a contribution to what a leaf, or the node that made `tensor`, has received."""
        node = tensor.node
        if node is None or (targets is not None and tensor in targets):
            gradients[tensor] = gradients[tensor] + gradient if tensor in gradients else gradient
            return
        received = pending.get(node)
        if received is None:
            received = pending[node] = [None] * len(node.outputs)
            heappush(latest, (-node.serial, node))
        earlier = received[tensor.output_index]
        received[tensor.output_index] = gradient if earlier is None else earlier + gradient

    leading = None if targets is None else _leading_to(targets, outputs, since)
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if leading is None or id(output) in leading:
            deposit(output, cotangent)
    while latest:
        node = heappop(latest)[1]
        received = pending.pop(node)
        if node.kept:
            _fill_kept(node, received)
        wanted = node.wanted
        if leading is not None and not node.freed:
            wanted = [
                want and id(v) in leading for want, v in zip(wanted, node.inputs, strict=True)
            ]
        inputs, arrays = node.inputs, node.arrays
        try:
            sent = _vjp(node, wanted, received, create_graph)
        except Exception as error:
            explain(error, f"the gradient of {node.op.name}", node.arrays, node.params)
            raise
        if watch is not None:
            watch(node, received, sent)
        for position, gradient in enumerate(sent):
            if gradient is None or not wanted[position]:
                continue
            array = arrays[position]
            if gradient.shape != array.shape or gradient.dtype is not array.dtype:
                gradient = fit(gradient, array)
            if mode.anomaly:
                anomaly.check_backward(node, position, gradient)
            tensor = inputs[position]
            if tensor.node is None and tensor not in gradients:  # most leaves are used once
                gradients[tensor] = gradient
            else:
                deposit(tensor, gradient)
        if not (create_graph or retain_graph):
            node.free()
    return gradients


def _leading_to(targets: set[Tensor], outputs: Sequence[Tensor], since: int) -> set[int]:
    """Identities of the tensors, `outputs` and below, that are a target or depend on one."""
    nodes: set[Node | None] = set()

    def leads(value: Any) -> bool:
        return isinstance(value, Tensor) and (value in targets or value.node in nodes)

    tensors: set[int] = set()
    for node in topological_order(outputs, since):
        found = [id(value) for value in node.inputs if leads(value)]
        tensors.update(found)
        if found or node.freed:  # what a freed node depended on is unknown: the walk refuses it
            nodes.add(node)
    return tensors.union(id(output) for output in outputs if leads(output))


def _vjp(node: Node, wanted: list[bool], received: list[Any], create_graph: bool) -> Sequence[Any]:
    """Pass what a node received through its op's rules: a gradient for each wanted input."""
    if node.freed:
        raise RuntimeError(
            f"The backward pass reached {node.op.name} a second time, after its values were "
            f"freed: run the forward pass again, or call backward(retain_graph=True) the first "
            f"time."
        )
    arrays: Sequence[Any] = node.arrays
    outputs: Sequence[Any] = node.outputs
    if len(outputs) == 1 and not create_graph:
        return node.op.gradients(wanted, received[0], outputs[0], arrays, node.params)
    if create_graph:
        arrays = [
            tensor if want else array
            for want, tensor, array in zip(node.wanted, node.inputs, node.arrays, strict=True)
        ]
        outputs = [wrap(output, node, i) for i, output in enumerate(node.outputs)]
    if len(outputs) == 1:
        return node.op.gradients(wanted, received[0], outputs[0], arrays, node.params)
    filled = tuple(
        np.zeros_like(output) if cotangent is None else cotangent
        for cotangent, output in zip(received, node.outputs, strict=True)
    )
    return node.op.gradients(wanted, filled, tuple(outputs), arrays, node.params)


def fit(gradient: Any, array: Any) -> Any:
    """Undo broadcasting: sum a gradient over the axes along which `array` was repeated.

    Also gives it the dtype of `array`: a gradient looks like what it belongs to.
    """
    shape = array.shape
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        repeated = tuple(
            axis
            for axis in range(gradient.ndim)
            if axis < extra or (shape[axis - extra] == 1 and gradient.shape[axis] != 1)
        )
        gradient = np.add.reduce(gradient, axis=repeated)
        if gradient.shape != shape:
            gradient = gradient.reshape(shape)
    if gradient.dtype != array.dtype:
        if array.dtype.kind != "f":
            raise TypeError(
                f"A gradient reached a tensor of dtype {array.dtype}, whose requires_grad was set: "
                f"only floating-point tensors have one, so convert it with t.astype(np.float32)."
            )
        gradient = gradient.astype(array.dtype)
    return gradient


def _fill_kept(node: Node, received: list[Any]) -> None:
    for tensor in (reference() for reference in node.kept):
        if tensor is not None and received[tensor.output_index] is not None:
            accumulate(tensor, received[tensor.output_index])


def _seed(tensor: Tensor, gradient: Any, create_graph: bool) -> Any:
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                f"backward() without a gradient needs a scalar, got shape {tensor.shape}: reduce "
                f"it with .sum() or .mean(), or pass gradient= of that shape."
            )
        # For a scalar NumPy's own kind of number, with which the first rules compute fastest.
        data = tensor.data
        is_number = type(data) is np.ndarray and not data.shape
        gradient = data.dtype.type(1) if is_number else np.ones_like(data)
        if not create_graph:
            return gradient
    elif np.shape(gradient) != tensor.shape:
        raise ValueError(
            f"backward() got a gradient of shape {np.shape(gradient)} for a tensor of shape "
            f"{tensor.shape}: the two must be equal."
        )
    array = beside(gradient, tensor, "The gradient given to backward()")
    if create_graph and isinstance(gradient, Tensor):
        return gradient if gradient.dtype == tensor.dtype else gradient.astype(tensor.dtype)
    seed = array.astype(tensor.dtype, copy=False)
    return wrap(seed, None, 0) if create_graph else seed
