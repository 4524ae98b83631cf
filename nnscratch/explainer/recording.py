"""The tape of one loss as a list of entries and edges: every value, gradient and contribution.

The gradients are those of the engine's own backward walk, which is watched while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Parameter, Tensor, enable_grad
from nnscratch.autograd.backward import fit, walk
from nnscratch.autograd.modes import note_origins
from nnscratch.autograd.tape import topological_order
from nnscratch_kernels.devices import device_of, on_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nnscratch.autograd.anomaly import Origin
    from nnscratch.autograd.tape import Node

MOST_OPS = 3000
"""How many ops a recording holds: a page with more of them helps nobody."""


@dataclass(eq=False)
class Edge:
    """What flows from one entry to another.

    Attributes:
        index: its place in `Recording.edges`.
        source: the entry whose value is used.
        target: the op that uses it.
        argument: which argument of the op it is.
        output: which result of the source it is.
        contribution: the gradient that the op's rule sends back along it; None if none is.
        before: the same before broadcasting was undone, where that changed the shape.
    """

    index: int
    source: Entry
    target: Entry
    argument: int
    output: int
    contribution: Any = None
    before: Any = None


@dataclass(eq=False)
class Entry:
    """A number, an array of the user's, a parameter, or the result of an op.

    Attributes:
        index: its place in `Recording.entries`.
        kind: "parameter", "variable" (another leaf with a gradient), "input", "constant" or "op".
        label: what to call it: the user's name for it if there is one.
        outputs: the numbers as an op gets them, on the host: one array (or one Python number, of a
            constant), or all results of an op that has several.
        gradients: of the loss, for each of the outputs; None where none flows.
        device: where the numbers were when the tape was recorded.
        layer: the layer in which it was computed, or that its first user is in.
        node: the tape's record, of an op.
        tensor: the leaf, of a parameter or a variable.
        inputs: edges that lead here, in the order of the arguments.
        others: arguments of an op that are no numbers (text, None), by their place.
        uses: edges that lead away.
    """

    index: int
    kind: str
    label: str
    outputs: tuple[Any, ...]
    gradients: list[Any]
    device: str
    layer: str | None = None
    node: Node | None = None
    tensor: Tensor | None = None
    inputs: list[Edge] = field(default_factory=list)
    others: dict[int, Any] = field(default_factory=dict)
    uses: list[Edge] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The array; of several results the first."""
        return np.asarray(self.outputs[0])

    @property
    def gradient(self) -> Any:
        """The gradient of `value`; None where none flows."""
        return self.gradients[0]

    @property
    def op(self) -> str | None:
        """The op's name in `ns.ops`."""
        return None if self.node is None else self.node.op.name

    @property
    def origin(self) -> Origin | None:
        """Where in the user's program it was computed, if that was noted."""
        return None if self.node is None else self.node.origin


@dataclass(eq=False)
class Recording:
    """One loss and everything that it was computed from.

    Attributes:
        entries: in the order of the forward pass; what an op needs comes before it.
        edges: between them.
        forward: the ops in the order in which they ran.
        backward: the ops in the order in which the walk visited them.
        loss: the entry of the loss.
        left_out: how many ops are missing, those farthest from the loss.
    """

    entries: list[Entry]
    edges: list[Edge]
    forward: list[Entry]
    backward: list[Entry]
    loss: Entry
    left_out: int

    @property
    def leaves(self) -> list[Entry]:
        """Parameters and variables: what gets a gradient in the end."""
        return [entry for entry in self.entries if entry.kind in ("parameter", "variable")]


def record_named(loss: Tensor, variables: Mapping[str, Any], most_ops: int = MOST_OPS) -> Recording:
    """The tape of a loss, with the names that a program gives to its tensors and arrays.

    Args:
        loss: a tensor with one element.
        variables: of the program, by name; those that begin with _ are not looked at.
        most_ops: how many ops to keep, from the loss backwards.
    """
    named = {
        name: value
        for name, value in variables.items()
        if isinstance(value, Tensor | np.ndarray) and not name.startswith("_")
    }
    arrays = {
        name: value for name, value in named.items() if not getattr(value, "requires_grad", False)
    }
    return record_tape(loss, {id(v): name for name, v in named.items()}, most_ops, arrays)


def record_tape(
    loss: Tensor,
    names: Mapping[int, str] | None = None,
    most_ops: int = MOST_OPS,
    arrays: Mapping[str, Any] | None = None,
) -> Recording:
    """Look at the tape that made `loss`, which stays as it is, `.grad` included.

    Args:
        loss: a tensor with one element.
        names: what the user calls tensors and arrays, by their `id`.
        most_ops: how many ops to keep, from the loss backwards.
        arrays: data of the user's by name; what a layer has converted goes by the same name.

    Raises:
        TypeError: not a Tensor.
        RuntimeError: nothing recorded it, or a backward pass has freed the tape.
        ValueError: more than one element.
    """
    nodes = _checked(loss)
    name = (names or {}).get(id(loss))
    if loss.output_index:  # one of an op's several results: whatever follows reads the first
        with enable_grad(), note_origins(False):
            loss = loss.copy()
        nodes = _checked(loss)
    kept = nodes[-most_ops:]
    builder = _Builder(names or {}, arrays or {}, kept)
    for node in kept:
        builder.add_op(node)
    end = builder.of_node[kept[-1]]
    end.label = name or end.label
    visited = _watch(loss, builder, nodes)
    recording = Recording(
        entries=builder.entries,
        edges=builder.edges,
        forward=[builder.of_node[node] for node in kept],
        backward=[builder.of_node[node] for node in visited if node in builder.of_node],
        loss=end,
        left_out=len(nodes) - len(kept),
    )
    _spread_layers(recording)
    return recording


def _checked(loss: Any) -> list[Node]:
    """The nodes below `loss`, in the order of recording."""
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"Only the loss, a Tensor, can be explained, got {type(loss).__name__}: compute it "
            f"from tensors."
        )
    if loss.node is None:
        raise RuntimeError(
            "There is nothing to explain, since no recorded op made this tensor: compute it from "
            "tensors with requires_grad=True (or a model's weights), outside ns.no_grad()."
        )
    if loss.size != 1:
        raise ValueError(
            f"Only a loss of one element can be explained, got shape {loss.shape}: reduce it with "
            f".sum() or .mean()."
        )
    nodes = topological_order([loss])
    if any(node.freed for node in nodes):
        raise RuntimeError(
            "The tape of this tensor was freed by backward(): explain it before, or call "
            "backward(retain_graph=True)."
        )
    return nodes


class _Builder:
    """Entries and edges while they are found."""

    def __init__(
        self, names: Mapping[int, str], arrays: Mapping[str, Any], nodes: Iterable[Node]
    ) -> None:
        self.names, self.arrays = names, arrays
        self.kept = set(nodes)
        self.entries: list[Entry] = []
        self.edges: list[Edge] = []
        self.of_node: dict[Node, Entry] = {}
        self.of_leaf: dict[int, Entry] = {}
        self.at_the_edge: dict[tuple[Node, int], Entry] = {}
        self.alive: list[Any] = []  # so that no two of them have the same id

    def add_op(self, node: Node) -> None:
        """An entry for a node and edges from its arguments."""
        names = node.op.names
        sources = [
            self._source(value, array, names[place] if place < len(names) else "")
            for place, (value, array) in enumerate(zip(node.inputs, node.arrays, strict=True))
        ]
        entry = self._entry("op", node.op.name, node.outputs, node=node)
        entry.layer = node.origin.layer if node.origin else None
        self.of_node[node] = entry
        for argument, (source, value) in enumerate(zip(sources, node.inputs, strict=True)):
            if source is None:
                entry.others[argument] = value
                continue
            output = value.output_index if source.node is not None else 0
            edge = Edge(len(self.edges), source, entry, argument, output)
            self.edges.append(edge)
            entry.inputs.append(edge)
            source.uses.append(edge)

    def _source(self, value: Any, array: Any, argument: str) -> Entry | None:
        """The entry of an argument: an op's, or that of a leaf; each array once, each number anew.

        What is no number has none. An array without a name is called like the op's argument.
        """
        if array is None or isinstance(array, str):
            return None
        if isinstance(value, Tensor) and value.node in self.kept:
            entry = self.of_node[value.node]
            name = self.names.get(id(value))
            if name is not None and entry.label == entry.op:
                entry.label = name
            return entry
        if isinstance(value, Tensor) and value.node is not None:
            return self._left_out(value, value.node)
        kind = _kind(value, array)
        numbers = value.data if isinstance(value, Tensor) else value
        key = id(value if kind in ("parameter", "variable") else numbers)
        if key in self.of_leaf and kind != "constant":
            return self.of_leaf[key]
        self.alive.append((value, numbers))
        label = self.names.get(id(value)) or self.names.get(id(numbers))
        if isinstance(value, Parameter) and value.name != "parameter":
            label = value.name
        if label is None and kind == "input":
            label = self._converted(array) or (argument if len(argument) > 1 else None)
        label = label or (_number(array) if kind == "constant" else kind)
        tensor = value if isinstance(value, Tensor) else None
        entry = self.of_leaf[key] = self._entry(kind, label, (array,), tensor=tensor)
        return entry

    def _converted(self, array: Any) -> str | None:
        """The name of the user's array that holds these numbers in another dtype, or elsewhere."""
        host = on_host(array)
        for name, other in self.arrays.items():
            numbers = getattr(other, "data", other) if isinstance(other, Tensor) else other
            if np.shape(numbers) == host.shape and host.size > 1:
                converted = np.asarray(on_host(numbers)).astype(host.dtype)
                if np.array_equal(converted, host, equal_nan=host.dtype.kind == "f"):
                    return name
        return None

    def _left_out(self, value: Tensor, node: Node) -> Entry:
        """The entry of the result of an op that is too far from the loss: it counts as a leaf."""
        place = (node, value.output_index)
        if place not in self.at_the_edge:
            label = self.names.get(id(value), node.op.name)
            self.at_the_edge[place] = self._entry(
                "variable", f"{label} (its past is left out)", (value.data,), tensor=value
            )
        return self.at_the_edge[place]

    def _entry(self, kind: str, label: str, outputs: tuple[Any, ...], **more: Any) -> Entry:
        """A new entry at the end; numbers of the user's are copied, since training changes them."""
        held = tuple(
            _host(array) if kind != "op" or _is_view(array) else on_host(array) for array in outputs
        )
        entry = Entry(
            len(self.entries),
            kind,
            label,
            held,
            gradients=[None] * len(outputs),
            device=device_of(outputs[0]),
            **more,
        )
        self.entries.append(entry)
        return entry


def _watch(loss: Tensor, builder: _Builder, nodes: list[Node]) -> list[Node]:
    """Run the backward walk and note what each op received and sent; the nodes as visited."""
    visited: list[Node] = []

    def watch(node: Node, received: list[Any], sent: Sequence[Any]) -> None:
        visited.append(node)
        entry = builder.of_node.get(node)
        if entry is None:
            for output, gradient in enumerate(received):
                left_out = builder.at_the_edge.get((node, output))
                if left_out is not None:
                    left_out.gradients = [_host(gradient)]
            return
        entry.gradients = [_host(gradient) for gradient in received]
        for edge in entry.inputs:
            gradient, array = sent[edge.argument], node.arrays[edge.argument]
            if node.wanted[edge.argument] and gradient is not None:
                edge.contribution = _host(fit(gradient, array))
                if edge.contribution.shape != gradient.shape:
                    edge.before = _host(gradient)

    retained = {node: node.kept for node in nodes if node.kept}
    for node in retained:
        node.kept = ()  # the walk would add to the gradients that they ask for
    try:
        with np.errstate(all="ignore"):  # what is not finite has been warned of, and is shown
            gradients = walk([loss], [np.ones_like(loss.data)], retain_graph=True, watch=watch)
    finally:
        for node, kept in retained.items():
            node.kept = kept
    for leaf, gradient in gradients.items():
        if id(leaf) in builder.of_leaf:
            builder.of_leaf[id(leaf)].gradients = [_host(gradient)]
    return visited


def _is_view(array: Any) -> bool:
    """Whether this may be the memory of something else, of weights for example."""
    return getattr(array, "base", None) is not None


def _host(array: Any) -> Any:
    """A copy on the host; a Python number, and None, as it is."""
    return np.array(on_host(array)) if hasattr(array, "dtype") else array


def _kind(value: Any, array: Any) -> str:
    if isinstance(value, Parameter):
        return "parameter"
    if isinstance(value, Tensor) and value.requires_grad:
        return "variable"
    return "input" if np.ndim(array) else "constant"


def _number(array: Any) -> str:
    return f"{np.asarray(on_host(array)).item():.4g}"


def _spread_layers(recording: Recording) -> None:
    """A leaf belongs to the layer of its first user."""
    for entry in recording.entries:
        if entry.node is None and entry.kind == "parameter" and entry.uses:
            entry.layer = entry.uses[0].target.layer
