"""The backward walk: from a result back to the leaves, each node once, contributions added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import anomaly
from nnscratch.autograd.modes import CURRENT_MODE
from nnscratch.autograd.tape import Node, topological_order
from nnscratch.autograd.tensor import Parameter, Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence


def backward(tensor: Tensor, gradient: Any, *, create_graph: bool, retain_graph: bool) -> None:
    """Fill `.grad` of every leaf below `tensor`; see `Tensor.backward`."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "backward() found nothing to differentiate: no input of this tensor requires a "
            "gradient. Create one with ns.Tensor(..., requires_grad=True), outside ns.no_grad()."
        )
    seed = _seed(tensor, gradient, create_graph)
    leaves = walk([tensor], [seed], create_graph=create_graph, retain_graph=retain_graph)
    for leaf, contribution in leaves.items():
        accumulate(leaf, contribution)


def accumulate(leaf: Tensor, contribution: Any) -> None:
    """Add one gradient to what `leaf.grad` holds already."""
    if leaf.grad is not None:
        leaf.grad = leaf.grad + contribution
    elif isinstance(contribution, Tensor):
        leaf.grad = contribution
    elif isinstance(leaf, Parameter) and leaf.grad_storage is not None:
        np.copyto(leaf.grad_storage.data, contribution)
        leaf.grad = leaf.grad_storage
    else:  # a copy, since rules may hand the same array to several inputs
        leaf.grad = wrap(contribution.copy(), None, 0)


def walk(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
    targets: set[Tensor] | None = None,
) -> dict[Tensor, Any]:
    """The gradient of Σ ⟨cotangent, output⟩ for every leaf that requires one.

    Nodes are visited in reverse topological order, so that a node has received the contributions
    of all its consumers, added up, before its own rule runs.

    Args:
        outputs: tensors to start from.
        cotangents: for each output an array (a tensor with `create_graph`) of its shape.
        create_graph: run the rules on tensors, so that the walk is itself recorded.
        retain_graph: keep what the nodes hold; otherwise each is freed when it was visited.
        targets: stop at these tensors instead of the leaves, and go only where they are.

    Returns:
        Gradients by leaf (or target), arrays or with `create_graph` tensors, of the leaf's shape
        and dtype.
    """
    gradients: dict[Tensor, Any] = {}
    pending: dict[Node, list[Any]] = {}

    def deposit(tensor: Tensor, gradient: Any) -> None:
        """Add a contribution to what a leaf, or the node that made `tensor`, has received."""
        node = tensor.node
        if node is None or (targets is not None and tensor in targets):
            gradients[tensor] = gradients[tensor] + gradient if tensor in gradients else gradient
            return
        received = pending.get(node)
        if received is None:
            received = pending[node] = [None] * max(1, len(node.outputs))
        earlier = received[tensor.output_index]
        received[tensor.output_index] = gradient if earlier is None else earlier + gradient

    token = CURRENT_MODE.set(CURRENT_MODE.get()._replace(recording=create_graph))
    try:
        for output, cotangent in zip(outputs, cotangents, strict=True):
            deposit(output, cotangent)
        order = topological_order(pending)
        leading = set() if targets is None else _leading_to(targets, order)
        for node in reversed(order):
            received = pending.pop(node, None)
            if received is None:
                continue
            for reference in node.kept:
                _fill_kept(reference(), received)
            wanted = [
                isinstance(value, Tensor)
                and value.requires_grad
                and (targets is None or value in targets or value.node in leading)
                for value in node.inputs
            ]
            for tensor, gradient in zip(
                node.inputs, _vjp(node, wanted, received, create_graph), strict=True
            ):
                if gradient is not None:
                    deposit(tensor, gradient)
            if not (create_graph or retain_graph):
                node.free()
    finally:
        CURRENT_MODE.reset(token)
    return gradients


def _leading_to(targets: set[Tensor], order: list[Node]) -> set[Node | None]:
    """The nodes below which there is a target; `order` has every node after its inputs."""
    leading: set[Node | None] = set()
    for node in order:
        for value in node.inputs:
            if isinstance(value, Tensor) and (value in targets or value.node in leading):
                leading.add(node)
                break
    return leading


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
    if create_graph:
        arrays = [
            value if isinstance(value, Tensor) and value.requires_grad else array
            for value, array in zip(node.inputs, node.arrays, strict=True)
        ]
        outputs = [wrap(output, node, i) for i, output in enumerate(node.outputs)]
    if len(outputs) == 1:
        gradients = node.op.gradients(wanted, received[0], outputs[0], arrays, node.params)
    else:
        filled = tuple(
            np.zeros_like(output) if cotangent is None else cotangent
            for cotangent, output in zip(received, node.outputs, strict=True)
        )
        gradients = node.op.gradients(wanted, filled, tuple(outputs), arrays, node.params)
    fitted = [
        None if gradient is None or not want else fit(gradient, array)
        for want, gradient, array in zip(wanted, gradients, node.arrays, strict=True)
    ]
    if CURRENT_MODE.get().anomaly:
        for position, gradient in enumerate(fitted):
            if gradient is not None:
                anomaly.check_backward(node, position, gradient)
    return fitted


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
        gradient = np.reshape(np.sum(gradient, axis=repeated), shape)
    if gradient.dtype != array.dtype:
        gradient = gradient.astype(array.dtype)
    return gradient


def _fill_kept(tensor: Tensor | None, received: list[Any]) -> None:
    if tensor is not None and received[tensor.output_index] is not None:
        accumulate(tensor, received[tensor.output_index])


def _seed(tensor: Tensor, gradient: Any, create_graph: bool) -> Any:
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                f"backward() without a gradient needs a scalar, got shape {tensor.shape}: reduce "
                f"it with .sum() or .mean(), or pass gradient= of that shape."
            )
        gradient = np.ones_like(tensor.data)
    elif np.shape(gradient) != tensor.shape:
        raise ValueError(
            f"backward() got a gradient of shape {np.shape(gradient)} for a tensor of shape "
            f"{tensor.shape}: the two must be equal."
        )
    if create_graph:
        return gradient if isinstance(gradient, Tensor) else Tensor(gradient, dtype=tensor.dtype)
    plain = gradient.data if isinstance(gradient, Tensor) else gradient
    return np.asarray(plain, dtype=tensor.dtype)
